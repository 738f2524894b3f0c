"""`relinkage harden`: heads trained with differential privacy, and what that spends."""

from relinkage.cli.inputs import PublicInputs, TrainingSplit
from relinkage.cli.options import command
from relinkage.cli.outputs import HeadsOutput
from relinkage.encoders.trained.hardening import HardenSettings


@command("harden", inputs=TrainingSplit, settings=HardenSettings, public=PublicInputs, output=HeadsOutput)
def harden(
    inputs: TrainingSplit, settings: HardenSettings, public: PublicInputs, output: HeadsOutput
) -> None:
    """Train projection heads on EMB, or on arrays, with differential privacy, and state what that spends."""
    output.check_place()

    from relinkage import studies
    from relinkage.studies.hardening import harden_embeddings

    known = studies.public_of(public.start, public.public, public.anchors)
    manifest = harden_embeddings(inputs.read(), inputs.train, settings, known, output.out).manifest
    stated = None if manifest is None else manifest.privacy
    output.show(manifest, f"{output.out}: {stated.sentence if stated else 'no privacy is stated'}")
