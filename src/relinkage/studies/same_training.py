"""Whether a private training can be repeated: heads that were hardened, and public data as they were."""

from relinkage.alignment import Heads
from relinkage.encoders.trained.manifest import HardenedHeads
from relinkage.errors import InputError
from relinkage.privacy import Public


def hardened_manifest(heads: Heads) -> HardenedHeads:
    """Return the manifest of heads that `relinkage harden` trained.

    Raises:
        InputError: something else trained them, or they have no manifest.
    """
    if not isinstance(heads.manifest, HardenedHeads):
        raise InputError(f"{heads.name} was not hardened; name a folder that `relinkage harden` wrote.")
    return heads.manifest


def check_public(manifest: HardenedHeads, public: Public, called: str) -> None:
    """Check that public data are those that a training looked at, which are not kept beside its heads.

    Args:
        manifest: of the heads.
        public: what was given now.
        called: what messages call the heads.

    Raises:
        InputError: something is missing, or is another than at the training.
    """
    anchors = manifest.anchors
    for option, used, given in (
        ("--start", manifest.start.startswith("given"), public.start is not None),
        ("--anchors", anchors is not None and anchors.source == "given", public.anchors is not None),
        ("--public", manifest.public is not None, public.embeddings is not None),
    ):
        if used != given:
            raise InputError(
                f"{called} was hardened {'with' if used else 'without'} {option}, so the training can only "
                f"be repeated {'with the same' if used else 'without it'}."
            )
    other, statement = public.embeddings, manifest.privacy
    if other is not None and other.manifest.cohort.fingerprint != manifest.public:
        raise InputError(
            f"--public {other.path} is not the cohort that {called} was hardened with; name that."
        )
    if statement is None:
        return
    held = public.inputs(None if public.start is None else public.start.pair, anchored=True)
    for option, mine, stated in (
        ("--start", held.start, statement.inputs.start),
        ("--anchors", held.anchors, statement.inputs.anchors),
    ):
        if mine not in (None, stated):
            raise InputError(f"{option} holds other numbers than {called} was hardened with; name the same.")
