"""The two sides of a shared space as things that ask or are found: every image, and a report per study."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.embeddings import Embeddings
from relinkage.encoders import HeadPair
from relinkage.errors import InputError
from relinkage.linkage.vectors import Vectors
from relinkage.retrieval.settings import Exclude, SideName
from relinkage.usefulness.parts import numbers

Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]

NOBODY = -1
"""The group of a query that comes from outside the embeddings: nothing is its own."""


@dataclass(frozen=True, eq=False)
class Side:
    """Images, or reports, of a shared space.

    Attributes:
        kind: `image` or `report`.
        row: int64, shape (n,): the row of the pair that each stands in, a report at its study's first.
        study: int64, shape (n,): a number per study.
        patient: int64, shape (n,): a number per patient.
        vectors: the embeddings.
    """

    kind: SideName
    row: Ints
    study: Ints
    patient: Ints
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.row)

    def take(self, places: Ints) -> "Side":
        """Keep some of them."""
        return Side(
            self.kind, self.row[places], self.study[places], self.patient[places], self.vectors.take(places)
        )

    def group(self, other: "Side", exclude: Exclude | None) -> Ints:
        """Number the groups whose members must not find each other: int64, shape (n,).

        Where nothing is excluded, nothing finds itself all the same: an image not that image, a report not
        the report of the same study.

        Args:
            other: the side that this one is searched by, or searches.
            exclude: the wider group that is left out.
        """
        if exclude is not None:
            return self.study if exclude == "study" else self.patient
        if self.kind != other.kind:
            return np.full(len(self), NOBODY, np.int64)
        return self.row if self.kind == "image" else self.study


def shared_space(embeddings: Embeddings, heads: HeadPair | None) -> tuple[Floats32, Floats32]:
    """Give the embeddings of the images and of the distinct reports, through heads or the model's own.

    Returns:
        float32, shapes (pairs, d) and (distinct texts, d).

    Raises:
        InputError: the heads do not fit or give values that are not finite, or there are none.
    """
    if heads is not None:
        images, texts = embeddings.project(heads)
        if not (np.isfinite(images).all() and np.isfinite(texts).all()):
            raise InputError("The heads give vectors that are not finite; train them again.")
        return images, texts
    return embeddings.shared_space()


def rows_of_split(embeddings: Embeddings, split: str | None) -> Ints:
    """Give the rows of a split, or all: int64, ascending.

    Raises:
        InputError: no pair is in that split.
    """
    if split is None:
        return np.arange(len(embeddings))
    embeddings.split(split)  # it says which splits there are, where this one is not
    return np.flatnonzero((embeddings.pairs["split"] == split).fill_null(False).to_numpy())


def image_side(embeddings: Embeddings, images: Floats32, rows: Ints) -> Side:
    """Give the images of some rows.

    Args:
        embeddings: whose pairs they are; numbers of studies and patients are those of all pairs.
        images: float32, shape (pairs, d).
        rows: int64, ascending.

    Raises:
        InputError: a vector has length zero.
    """
    study, patient = numbers(embeddings.pairs["study_id"]), numbers(embeddings.pairs["patient_id"])
    vectors = Vectors.prepare(images[rows], f"The images of {embeddings.path}")
    return Side("image", rows, study[rows], patient[rows], vectors)


def report_side(embeddings: Embeddings, texts: Floats32, rows: Ints) -> Side:
    """Give a report for every study among some rows.

    Args:
        embeddings: whose pairs they are; numbers of studies and patients are those of all pairs.
        texts: float32, shape (distinct texts, d).
        rows: int64, ascending.

    Raises:
        InputError: a vector has length zero.
    """
    study, patient = numbers(embeddings.pairs["study_id"]), numbers(embeddings.pairs["patient_id"])
    rows = np.sort(rows[np.unique(study[rows], return_index=True)[1]])
    report_row = embeddings.pairs["report_row"].to_numpy()[rows]
    vectors = Vectors.prepare(texts[report_row], f"The reports of {embeddings.path}")
    return Side("report", rows, study[rows], patient[rows], vectors)
