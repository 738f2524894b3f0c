"""What commands read: embeddings folders, arrays, heads, and what messages call them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from relinkage.errors import InputError
from relinkage.options import Option, Settings
from relinkage.studies.places import AUDIT

if TYPE_CHECKING:
    from relinkage.embeddings import Embeddings

Existing = Annotated[Path | None, Option(exists=True)]
"""A file or folder that must be there."""
WHOLE = "all"
"""The split that is no split: all pairs."""
PutOn = Annotated[Path | None, Option(exists=True, default="the model's own, or the arrays as they are")]
"""Trained heads that are put on."""


class Subject(Settings, frozen=True):
    """What is looked at: an embeddings folder, or two arrays and who belongs to whom.

    Attributes:
        embeddings: Folder that `relinkage embed` wrote.
        images: Array (images, d): .npy, .npz, .safetensors, .pt, Parquet, or a folder of numbered .npy.
        reports: Array (reports, d); row i belongs to image i, unless --pairs says otherwise.
        pairs: CSV or Parquet, a row per image: pair_id, candidate, patient_id, split, …
    """

    embeddings: Annotated[Path | None, Option(argument=True, metavar="EMB", exists=True)] = None
    images: Existing = None
    reports: Existing = None
    pairs: Existing = None

    def check(self) -> None:
        """Check that one of both is given, and nothing that belongs to the other.

        Raises:
            InputError: both are given, or neither, or a part is missing.
        """
        arrays = (("--images", self.images), ("--reports", self.reports), ("--pairs", self.pairs))
        if self.embeddings is not None:
            for option, value in arrays:
                if value is not None:
                    raise InputError(
                        f"{option} does not go with an embeddings folder; give one or the other."
                    )
        elif self.images is None or self.reports is None:
            raise InputError(
                "Nothing is given to look at; name an embeddings folder, or both --images and --reports."
            )

    @property
    def called(self) -> str:
        """What messages call it: its folder, or the file of the images."""
        return str(self.embeddings or self.images)

    def read(self, *, large_on_disk: bool = False) -> "Embeddings":
        """Return the embeddings, read from the folder or made of the arrays.

        Args:
            large_on_disk: leave large arrays on disk.

        Raises:
            InputError: a file cannot be read, or they do not fit together.
        """
        from relinkage import studies

        if self.embeddings is not None:
            return studies.open(self.embeddings, large_on_disk=large_on_disk)
        names = str(self.images), str(self.reports), str(self.pairs or "--pairs")
        return studies.embeddings_of(
            self.images, self.reports, self.pairs, names=names, large_on_disk=large_on_disk
        )


class SplitSubject(Subject, frozen=True):
    """What is looked at, in splits.

    Attributes:
        split_by: Column of --pairs that no split crosses, where the table has no column split of its own.
        train_share: Share of its values that go to training, on average.
    """

    split_by: Annotated[str | None, Option(metavar="COLUMN", default="the column split")] = None
    train_share: Annotated[float, Meta(gt=0, lt=1), Option(noun="share")] = 0.8

    def read(self, *, large_on_disk: bool = False) -> "Embeddings":
        """Return the embeddings with their split; see `Subject.read`.

        Raises:
            InputError: as there, or arrays have no split and no column to split by.
        """
        from relinkage.studies.opening import split_by

        embeddings = super().read(large_on_disk=large_on_disk)
        if self.split_by is not None:
            return split_by(embeddings, self.split_by, self.train_share, seed=0)
        if "split" not in embeddings.pairs.columns:
            raise InputError(
                f"{self.called} comes without a column split in --pairs; add one, or name the column that no "
                "split may cross, such as --split-by patient_id."
            )
        return embeddings


class Audited(SplitSubject, frozen=True):
    """What is audited, in splits or whole.

    Attributes:
        heads: Trained heads to put on.
        split: Audit this split only.
    """

    heads: PutOn = None
    split: Annotated[str | None, Option(default="all pairs")] = None

    def read(self, *, large_on_disk: bool = False) -> "Embeddings":
        """Return the embeddings, with a split where one is asked for; see `Subject.read`.

        Raises:
            InputError: as there, or there is no column to split by.
        """
        if self.split_by is None:
            return Subject.read(self, large_on_disk=large_on_disk)
        return super().read(large_on_disk=large_on_disk)


class Attacked(SplitSubject, frozen=True):
    """A split that is attacked, and the heads that are put on.

    Attributes:
        heads: Trained heads to put on.
        split: Split to attack, or all for all pairs, by attackers who know none.
    """

    heads: PutOn = None
    split: str = "test"

    @property
    def whole(self) -> bool:
        """Whether all pairs are attacked, so that none is left to be known."""
        return self.split == WHOLE

    def read(self, *, large_on_disk: bool = False) -> "Embeddings":
        """Return the embeddings with their split, or without where all pairs are attacked.

        Raises:
            InputError: as in `SplitSubject.read`.
        """
        if not self.whole:
            return super().read(large_on_disk=large_on_disk)
        from dataclasses import replace

        embeddings = Subject.read(self, large_on_disk=large_on_disk)
        return replace(embeddings, pairs=embeddings.pairs.drop("split", strict=False))


class Runs(Settings, frozen=True):
    """Runs that are set side by side.

    Attributes:
        run: Run folders, or their audit.json; of an attack with several attackers, the folder of all.
    """

    run: Annotated[
        tuple[Path, ...],
        Meta(min_length=1),
        Option(argument=True, repeat=True, metavar="RUN", exists=True),
    ]

    @property
    def folders(self) -> list[Path]:
        """The runs; of the folder of an attack, that of each attacker."""
        several = [
            [run]
            if run.is_file() or (run / AUDIT).exists()
            else sorted(path.parent for path in run.glob(f"*/{AUDIT}")) or [run]
            for run in self.run
        ]
        return [run for runs in several for run in runs]


class TrainingSplit(SplitSubject, frozen=True):
    """What heads are trained on.

    Attributes:
        train: Split to train on.
    """

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
