"""What an embeddings folder says of itself: what made it, and how many rows lie in which file."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from relinkage.embeddings.settings import PassSettings
from relinkage.encoders.card import EncoderCard
from relinkage.errors import InputError
from relinkage.options import Share
from relinkage.records import Record, read_record

MANIFEST, PROGRESS, PAIRS, HEADS, LEFT_OUT = (
    "manifest.json",
    "progress.json",
    "pairs.parquet",
    "heads.safetensors",
    "left_out.csv",
)
Number = Annotated[int, Meta(ge=0)]
Rows = Annotated[int, Meta(ge=0, le=2**40)]


class CohortOrigin(Record, frozen=True):
    """The cohort that was embedded.

    Attributes:
        name: What reports call it.
        fingerprint: The same for the same rows, whatever the file is called.
        synthetic: Whether its patients were drawn by `relinkage phantom` and never lived.
    """

    name: str
    fingerprint: str
    synthetic: bool = False


class SplitOrigin(Record, frozen=True, omit_defaults=True):
    """Where the split comes from: a column of the cohort, or a seeded draw.

    Attributes:
        column: The cohort's own column; only where it has one.
        by: The column that a drawn split does not cross.
        train: The share of groups that a drawn split gives to training, on average.
        seed: The seed of a drawn split.
    """

    column: str | None = None
    by: str | None = None
    train: float | None = None
    seed: int | None = None


class Counts(Record, frozen=True):
    """How much was embedded.

    Attributes:
        rows: Rows of the cohort.
        pairs: Rows that were kept.
        studies: Studies among them.
        patients: Patients among them; null where they are not known.
        reports: Distinct reports among them.
        texts: Distinct texts that the encoder was given.
        left_out: Rows that were left out, by reason.
        respelled: Studies of the cohort whose report the encoder was given in the spelling of most studies
            with an equal report; of no consequence to an encoder that does not tell case.
    """

    rows: Number
    pairs: Number
    studies: Number
    patients: Number | None
    reports: Number
    texts: Number
    left_out: dict[str, Number]
    respelled: Number = 0


class Shards(Record, frozen=True):
    """Rows in each file, in order.

    Attributes:
        image: Of each image shard.
        text: Of each text shard.
    """

    image: tuple[Rows, ...]
    text: tuple[Rows, ...]


class Beginning(Record, frozen=True):
    """What is known of a pass when it begins, which tells it from another: `progress.json`.

    Attributes:
        cohort: The cohort.
        encoder: The encoder.
        settings: The choices.
        split: Where the split comes from.
        versions: The versions of packages that features depend on, by name.
    """

    schema: Literal["relinkage.embeddings/1"] = "relinkage.embeddings/1"
    cohort: CohortOrigin
    encoder: EncoderCard
    settings: PassSettings
    split: SplitOrigin
    versions: dict[str, str]


class Manifest(Beginning, frozen=True):
    """What an embeddings folder holds and what made it: `manifest.json`.

    Attributes:
        patients_known: Whether the cohort says which studies are of one patient; where not, each study counts
            as a patient of its own.
        counts: How much was embedded.
        cut_share: Share of the distinct reports that the token budget cut; null without a budget.
        truncated_share: Share of them that the model's own limit cut after that.
        labels: The label columns of `pairs.parquet`.
        shards: Rows in each file.
        notes: What a person has to know of the cohort.
    """

    patients_known: bool
    counts: Counts
    cut_share: Share | None = None
    truncated_share: Share
    labels: tuple[str, ...]
    shards: Shards
    notes: tuple[str, ...]


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a finished embeddings folder.

    Raises:
        InputError: the folder is unfinished or none of ours, or its manifest is damaged.
    """
    if not (folder / MANIFEST).is_file():
        if (folder / PROGRESS).is_file():
            raise InputError(
                f"{folder} is unfinished; run `relinkage embed` again with the same cohort, model and --out, "
                "which resumes."
            )
        raise InputError(f"{folder} is not an embeddings folder; name one that `relinkage embed` wrote.")
    again = "name another folder, or embed the cohort again"
    return read_record(folder / MANIFEST, Manifest, "the manifest of an embeddings folder", again)
