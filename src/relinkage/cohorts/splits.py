"""Splits that no patient crosses."""

from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts.table import Cohort
from relinkage.errors import InputError


def with_split(cohort: Cohort, *, by: str = "patient_id", train: float = 0.8, seed: int = 0) -> Cohort:
    """Give the cohort a `split` column (`train`, `test`) that no value of `by` crosses.

    Where a group goes follows from a keyed hash of its name alone, so groups that come or go move no other,
    and none in `test` has a say in who trains. Only where all would go to one side is one moved.

    Args:
        cohort: the cohort; a split it already has is replaced.
        by: the column whose values stay together: patients (studies where patients are not known), or a
            coarser group.
        train: the probability of a group to go to training, above 0 and below 1.
        seed: the key of the hash.

    Raises:
        InputError: there is no column `by`, the share is out of range, or there are fewer than two groups.
    """
    chosen = train_rows(cohort.pairs, by=by, train=train, seed=seed)
    return cohort.with_pairs(cohort.pairs.with_columns(pl.Series("split", np.where(chosen, "train", "test"))))


def train_rows(pairs: pl.DataFrame, *, by: str, train: float, seed: int) -> NDArray[np.bool_]:
    """Return which rows of a table go to training: bool, shape (rows,); see `with_split`.

    Raises:
        InputError: as in `with_split`.
    """
    if by not in pairs.columns:
        raise InputError(f"The pairs have no column {by} to split by; name one of their columns.")
    if not 0 < train < 1:
        raise InputError(f"The training share is {train}; give a number above 0 and below 1.")
    values = pairs[by].cast(pl.String).fill_null("")
    groups = values.unique(maintain_order=True)
    if len(groups) < 2:
        raise InputError(f"The pairs have one value of {by}; a split needs at least two.")
    place = np.array([_place(group, seed) for group in groups])
    chosen = place < train
    if chosen.all() or not chosen.any():
        chosen[np.argmax(place) if chosen.all() else np.argmin(place)] ^= True
    return values.is_in(groups.filter(pl.Series(chosen)).implode()).to_numpy()


def _place(group: str, seed: int) -> float:
    """Give a number in [0, 1) that looks random and depends on nothing but the group and the seed."""
    digest = blake2b(group.encode(), key=str(seed).encode(), person=b"split", digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
