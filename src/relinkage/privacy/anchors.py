"""Public anchors of labels in the shared space: where images and reports with a label are pulled to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from relinkage.cohorts.labels import POSITIVE, UNCERTAIN
from relinkage.embeddings import Embeddings
from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.manifest import GIVEN
from relinkage.errors import InputError

FEWEST = 20
"""Public pairs that must have a label for their mean to stand for it."""
SHARE = 0.15
"""The share of pairs that a label is taken to have where no public pairs tell."""


@dataclass(frozen=True, eq=False)
class Anchors:
    """A public vector per label.

    Attributes:
        labels: names of the labels that have one.
        vectors: float32, shape (labels, d), unit vectors.
        shares: float32, shape (labels,): the share of pairs that have the label, as far as is public.
        source: where they come from, in a few words.
    """

    labels: tuple[str, ...]
    vectors: NDArray[np.float32]
    shares: NDArray[np.float32]
    source: str

    def basis(self, span: int = 0) -> NDArray[np.float32]:
        """Orthonormal columns that span the anchors, float32, shape (d, rank).

        Args:
            span: how many of their principal directions, the strongest first; 0 for all.
        """
        _, strength, directions = np.linalg.svd(self.vectors.astype(np.float64), full_matrices=False)
        return np.ascontiguousarray(
            directions[strength > 1e-3 * strength.max()][: span or None].T, np.float32
        )


def label_values(pairs: pl.DataFrame, labels: Sequence[str]) -> NDArray[np.float32]:
    """Give labels as float32, shape (n, labels): 1 positive, ½ uncertain, 0 negative or not mentioned."""
    values = pairs.select(pl.col(labels).cast(pl.Float32).fill_null(0)).to_numpy()
    return np.where(values == UNCERTAIN, 0.5, values == POSITIVE).astype(np.float32)


def prototype_anchors(public: Embeddings, labels: Sequence[str], heads: HeadPair) -> Anchors:
    """Make anchors of public pairs: the mean text embedding of the pairs with a label, less the mean of all.

    Args:
        public: public embeddings of the same encoder, such as those of an open or a phantom cohort.
        labels: the private cohort's labels; those that too few public pairs have get no anchor.
        heads: the heads that the training starts from.

    Raises:
        InputError: no label is common enough among the public pairs.
    """
    known = [label for label in labels if label in public.labels]
    values = label_values(public.pairs, known)
    positive = values == 1
    found = [column for column in range(len(known)) if positive[:, column].sum() >= FEWEST]
    texts = public.project(heads)[1][public.pairs["report_row"].to_numpy()].astype(np.float64)
    vectors = [texts[positive[:, column]].mean(0) - texts.mean(0) for column in found]
    lengths = np.linalg.norm(vectors, axis=1) if found else np.zeros(0)
    if not found or lengths.min() == 0:
        raise InputError(
            f"{public.path} has no label of the cohort with {FEWEST} positive pairs to make an anchor of; "
            "give other public embeddings."
        )
    return Anchors(
        tuple(known[column] for column in found),
        (vectors / lengths[:, None]).astype(np.float32),
        values[:, found].mean(0),
        f"mean text embeddings of {len(public)} public pairs ({public.manifest.cohort.name})",
    )


def random_anchors(labels: Sequence[str], dimension: int, seed: int) -> Anchors:
    """Make orthogonal anchors from a seed, for labels that nothing public tells about.

    Args:
        labels: names.
        dimension: width of the shared space.
        seed: of the directions; public.

    Raises:
        InputError: there are more labels than dimensions.
    """
    if len(labels) > dimension:
        raise InputError(
            f"{len(labels)} labels do not fit into {dimension} dimensions; give a larger --dimension."
        )
    random = torch.randn(dimension, len(labels), generator=torch.Generator().manual_seed(seed))
    vectors = torch.linalg.qr(random.double()).Q.T.numpy().astype(np.float32)
    shares = np.full(len(labels), SHARE, np.float32)
    return Anchors(tuple(labels), vectors, shares, f"random orthogonal directions from the seed {seed}")


def given_anchors(
    vectors: NDArray[np.float32], labels: Sequence[str], dimension: int, public: Embeddings | None
) -> Anchors:
    """Check anchors that were made elsewhere, such as embedded label prompts.

    Args:
        vectors: shape (labels, d), in the order of the cohort's labels.
        labels: names.
        dimension: width of the shared space.
        public: public pairs that tell how common labels are, where there are any.

    Raises:
        InputError: the array has another shape, or holds a zero row, NaN or infinity.
    """
    if vectors.shape != (len(labels), dimension):
        raise InputError(
            f"The anchors have the shape {vectors.shape}; give one vector of {dimension} dimensions for each "
            f"of the {len(labels)} labels."
        )
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    if not np.isfinite(lengths).all() or lengths.min() == 0:
        raise InputError("The anchors hold a zero row, NaN or infinity; give a direction for each label.")
    shares = np.full(len(labels), SHARE, np.float32)
    for column, label in enumerate(labels):
        if public is not None and label in public.labels:
            shares[column] = label_values(public.pairs, [label]).mean()
    return Anchors(tuple(labels), (vectors / lengths[:, None]).astype(np.float32), shares, GIVEN)
