"""Splits that no patient crosses."""

import numpy as np
import polars as pl

from relinkage.cohorts.table import Cohort
from relinkage.errors import InputError


def with_split(cohort: Cohort, *, by: str = "patient_id", train: float = 0.8, seed: int = 0) -> Cohort:
    """Give the cohort a `split` column (`train`, `test`) that no value of `by` crosses.

    Args:
        cohort: the cohort; a split it already has is replaced.
        by: the column whose values stay together: patients, or a coarser group.
        train: the share of groups that go to training, above 0 and below 1.
        seed: the seed of the random order of groups.

    Raises:
        InputError: there is no column `by`, the share is out of range, or there are fewer than two groups.
    """
    if by not in cohort.pairs.columns:
        raise InputError(f"The cohort has no column {by} to split by; name one of its columns.")
    if not 0 < train < 1:
        raise InputError(f"The training share is {train}; give a number above 0 and below 1.")
    groups = cohort.pairs[by].fill_null("").unique(maintain_order=True)
    if len(groups) < 2:
        raise InputError(f"The cohort has one value of {by}; a split needs at least two.")
    count = min(max(round(train * len(groups)), 1), len(groups) - 1)
    chosen = np.random.default_rng(seed).permutation(len(groups))[:count]
    in_train = cohort.pairs[by].fill_null("").is_in(groups.gather(np.sort(chosen)).implode())
    split = pl.Series("split", np.where(in_train.to_numpy(), "train", "test"))
    return Cohort.from_table(cohort.pairs.with_columns(split), cohort.root, cohort.name)
