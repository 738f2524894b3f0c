"""The manifest in a folder of heads: what they belong to, what trained them, and what that spent."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, cast

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr, replace

import relinkage
from relinkage.encoders.trained.aligning import AlignSettings
from relinkage.encoders.trained.hardening import HardenChoices, Steps
from relinkage.encoders.trained.statement import PrivacyStatement, faults_of
from relinkage.errors import InputError
from relinkage.files import check_folder
from relinkage.options import Count
from relinkage.records import Record, read_record

SCHEMA: Literal["relinkage.heads/1"] = "relinkage.heads/1"
HEADS, MANIFEST = "heads.safetensors", "manifest.json"
NormChoice = Literal["keep", "group"]
GIVEN, HARDENED_BEFORE = "given", "given, hardened before"
"""Where anchors and the heads to start from came from, where somebody gave them."""


class _Manifest(Record, frozen=True, tag_field="origin"):
    """What all heads say of themselves.

    Attributes:
        version: The release of relinkage that wrote it.
        model: The encoder whose features the heads take.
        model_revision: Its revision.
        norm: What `relinkage heads` made of BatchNorm; null where it did not write them.
    """

    schema: Literal["relinkage.heads/1"] = SCHEMA
    version: str = relinkage.__version__
    model: str
    model_revision: str
    norm: NormChoice | None = None


class OwnHeads(_Manifest, frozen=True, tag="model"):
    """The manifest of heads that a published model brings along.

    Attributes:
        train_split: Null: what trained them is not this program's to say.
        cohort_fingerprint: Null, likewise.
        privacy: Null: they were not trained with differential privacy.
    """

    train_split: None = None
    cohort_fingerprint: None = None
    privacy: None = None


class AlignedInPublic(_Manifest, frozen=True, tag="align"):
    """What of heads that were trained without privacy may go along with a model: nothing that was counted.

    Attributes:
        settings: The choices of the training.
        privacy: Null: they were not trained with differential privacy.
    """

    settings: AlignSettings
    privacy: None = None


class Look(Record, frozen=True):
    """What the validation patients said at one point of the training.

    Attributes:
        step: Steps made by then.
        loss: The objective over their pairs.
    """

    step: Count
    loss: float


class AlignedHeads(AlignedInPublic, frozen=True, tag="align"):
    """The manifest of heads that `relinkage align` trained, without privacy.

    Attributes:
        cohort_fingerprint: The cohort that was trained on.
        train_split: The split of it.
        pairs: Pairs of that split.
        patients: Patients of that split.
        steps: Steps that were made.
        first_loss: The objective at the first step.
        last_loss: The mean over the last ten steps.
        kept_steps: Steps after which the heads are as they are.
        validation: What the validation patients said, look by look.
    """

    cohort_fingerprint: str
    train_split: str
    pairs: Count
    patients: Count
    steps: Count
    first_loss: float
    last_loss: float
    kept_steps: Annotated[int, Meta(ge=0)]
    validation: tuple[Look, ...]


class AnchorsUsed(Record, frozen=True):
    """The anchors that reports were pulled to.

    Attributes:
        labels: The labels, an anchor each.
        source: Where the anchors come from, in a few words.
    """

    labels: tuple[str, ...]
    source: str


class HardenedHeads(_Manifest, frozen=True, tag="harden"):
    """The manifest of heads that `relinkage harden` trained. With a statement, nothing in it is private.

    Attributes:
        train_split: The split that was trained on.
        cohort_fingerprint: The cohort that was trained on, for heads without noise; null where there is a
            statement, for the cohort is private.
        settings: The choices of the training.
        start: Where the heads that it started from come from, in a few words.
        anchors: The anchors, with label-anchored.
        public: The public cohort that was looked at; null for none.
        steps: How often the heads were moved.
        privacy: What the training spent; null for a control without noise.
    """

    train_split: str
    cohort_fingerprint: str | None = None
    settings: HardenChoices
    start: str
    anchors: AnchorsUsed | None = None
    public: str | None = None
    steps: Steps
    privacy: PrivacyStatement | None

    def __post_init__(self) -> None:
        if self.privacy is not None and self.cohort_fingerprint is not None:
            raise ValueError("heads with a privacy statement must not tell the private cohort")
        if self.privacy is not None and (faults := self._faults(self.privacy)):
            force_setattr(self, "privacy", with_faults(self.privacy, faults))

    def _faults(self, stated: PrivacyStatement) -> list[str]:
        """Say where the statement and what else the manifest tells differ."""
        faults = faults_of(stated, self.settings)
        given = stated.inputs
        anchors = self.anchors is not None and self.anchors.source == GIVEN
        for told, same in (
            ("number of steps", self.steps == stated.steps),
            ("public set", self.public == given.public),
            ("starting heads", self.start.startswith(("none", "fresh")) == (given.start is None)),
            ("anchors", anchors == (given.anchors is not None)),
            ("earlier training", (self.start == HARDENED_BEFORE) == (stated.earlier_epsilon > 0)),
        ):
            if not same:
                faults.append(f"The manifest and the statement differ in the {told}.")
        return faults


def with_faults(stated: PrivacyStatement, faults: Iterable[str]) -> PrivacyStatement:
    """Return a statement that says of itself that it does not hold, where there are faults."""
    return replace(stated, faults=tuple(dict.fromkeys((*stated.faults, *faults))))


HeadsManifest: TypeAlias = AlignedHeads | HardenedHeads | OwnHeads
"""What a folder of heads says of itself; `origin` tells which."""


def held_to(manifest: HeadsManifest, digest: str) -> HeadsManifest:
    """Return a manifest whose statement does not hold where it speaks of other heads than these.

    Args:
        manifest: what stands beside the heads.
        digest: SHA-256 of their file.
    """
    if (
        not isinstance(manifest, HardenedHeads)
        or manifest.privacy is None
        or manifest.privacy.heads == digest
    ):
        return manifest
    return replace(manifest, privacy=with_faults(manifest.privacy, ["It speaks of other heads than these."]))


class _Marker(msgspec.Struct):
    schema: str


def read_manifest(folder: Path) -> HeadsManifest:
    """Return the manifest of a folder of heads.

    Raises:
        InputError: the folder holds no heads, or its manifest is damaged.
    """
    if not holds_heads(folder):
        raise InputError(f"{folder} holds no trained heads; name a folder that `relinkage align` wrote.")
    kind = cast(type[AlignedHeads], HeadsManifest)  # one of three: types of types know no such thing
    again = "copy the folder whole, or train again"
    return read_record(folder / MANIFEST, kind, "the manifest of trained heads", again)


def holds_heads(folder: Path) -> bool:
    """Return whether a folder says that it holds heads, of any release."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=_Marker).schema == SCHEMA
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def check_heads(out: Path) -> None:
    """Check that heads may be written at `out`, before a training that may take long.

    Raises:
        InputError: `out` is a file or holds things that relinkage did not write.
    """
    check_folder(out, MANIFEST, SCHEMA)
