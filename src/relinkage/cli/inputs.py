"""What commands read: embeddings folders, arrays, heads, and what messages call them."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from relinkage.errors import InputError
from relinkage.options import Option, Settings

Existing = Annotated[Path | None, Option(exists=True)]
"""A file or folder that must be there."""
Folder = Annotated[Path, Option(argument=True, metavar="EMB", exists=True)]
"""An embeddings folder, by its place on the command line."""


class Vectors(Settings, frozen=True):
    """What an audit compares: an embeddings folder, or two arrays.

    Attributes:
        embeddings: Folder that `relinkage embed` wrote.
        images: Array (queries, d): .npy, .npz, .safetensors or .parquet.
        reports: Array (candidates, d); row i belongs to image i.
        pairs: CSV or Parquet, a row per image: pair_id, candidate, patient_id, …
        heads: Trained heads for EMB.
        split: Audit this split of EMB only.
    """

    embeddings: Annotated[Path | None, Option(argument=True, metavar="EMB", exists=True)] = None
    images: Existing = None
    reports: Existing = None
    pairs: Existing = None
    heads: Annotated[Path | None, Option(exists=True, default="the model's own")] = None
    split: Annotated[str | None, Option(default="all pairs")] = None

    def check(self) -> None:
        """Check that one of both is given, and nothing that belongs to the other.

        Raises:
            InputError: both are given, or neither, or a part is missing.
        """
        if self.embeddings is not None:
            for option, value in (
                ("--images", self.images),
                ("--reports", self.reports),
                ("--pairs", self.pairs),
            ):
                if value is not None:
                    raise InputError(
                        f"{option} does not go with an embeddings folder; give one or the other."
                    )
        elif self.images is None or self.reports is None:
            raise InputError("Nothing to audit; name an embeddings folder, or both --images and --reports.")
        elif self.heads is not None or self.split is not None:
            raise InputError(
                "--heads and --split go with an embeddings folder; name one instead of --images."
            )


class SplitOfEmbeddings(Settings, frozen=True):
    """A split of an embeddings folder, and the heads that are put on.

    Attributes:
        embeddings: Folder that `relinkage embed` wrote.
        heads: Trained heads for EMB.
        split: Split of EMB to look at.
    """

    embeddings: Folder
    heads: Annotated[Path | None, Option(exists=True, default="the model's own")] = None
    split: str = "test"


class Runs(Settings, frozen=True):
    """Runs that are set side by side.

    Attributes:
        run: Run folders, or their audit.json.
    """

    run: Annotated[
        tuple[Path, ...],
        Meta(min_length=1),
        Option(argument=True, repeat=True, metavar="RUN", exists=True),
    ]


class TrainingSplit(Settings, frozen=True):
    """What heads are trained on.

    Attributes:
        embeddings: Folder that `relinkage embed` wrote.
        train: Split to train on.
    """

    embeddings: Folder
    train: str = "train"


class PublicInputs(Settings, frozen=True):
    """What a private training may look at freely.

    Attributes:
        start: Public heads to start from.
        public: Embeddings of a public cohort: anchors and negatives.
        anchors: Array with a public vector per label, in the order of EMB's.
    """

    start: Annotated[Path | None, Option(exists=True, default="the model's own, else fresh")] = None
    public: Existing = None
    anchors: Existing = None
