"""The strongest of several attackers: chosen on one half of the patients, measured on the other."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.linkage import LinkageTable, Resampling, Standing
from relinkage.linkage.measures import Cell
from relinkage.linkage.strongest import at_least, at_most
from relinkage.linkage.thresholds import Halves

CELL, HOW = Cell("full", 1), Resampling(replicates=200)


def table(hits, patient):
    hits = np.asarray(hits, bool)
    ones = np.ones(len(hits), np.int64)
    standing = Standing(10 * ones, (~hits).astype(np.int64), 0 * ones)
    names = pl.Series("pair_id", [str(row) for row in range(len(hits))])
    return LinkageTable("image-to-report", names, np.asarray(patient), np.zeros(len(hits)), {"all": standing})


def by_hand(tables, seed):
    """Choose on each half and measure on the other, query by query."""
    hits = [np.asarray(one.standings["all"].above == 0, float) for one in tables]
    halves = Halves.deal(tables[0].patient, seed, 0).in_second.tolist()
    chosen = []
    for row, inside in enumerate(halves):
        others = [other for other, side in enumerate(halves) if side != inside]
        means = [sum(values[other] for other in others) / max(len(others), 1) for values in hits]
        chosen.append(hits[means.index(max(means))][row])
    return sum(chosen) / len(chosen)


@given(st.integers(2, 5), st.integers(4, 40), st.integers(0, 2**31))
def test_at_least_chooses_on_one_half_and_measures_on_the_other(attackers, queries, seed):
    random = np.random.default_rng(seed)
    patient = random.integers(0, max(queries // 2, 2), queries)
    tables = [table(random.random(queries) < random.random(), patient) for _ in range(attackers)]
    how = Resampling(replicates=100, seed=seed % 1000)
    assert at_least(tables, CELL, how).value == pytest.approx(by_hand(tables, how.seed))


@given(st.integers(0, 2**31))
def test_at_least_of_one_attacker_is_its_recall(seed):
    random = np.random.default_rng(seed)
    one = table(random.random(60) < 0.3, np.arange(60))
    found = at_least([one], CELL, HOW)
    assert found.value == pytest.approx((one.standings["all"].above == 0).mean())
    assert found.low <= found.value <= found.high


def test_at_least_is_not_the_best_of_many_that_know_nothing():
    random = np.random.default_rng(0)
    tables = [table(random.random(400) < 0.1, np.arange(400)) for _ in range(40)]
    best = max((one.standings["all"].above == 0).mean() for one in tables)
    assert at_least(tables, CELL, HOW).value < best
    assert at_most(tables, CELL, HOW) > best


def test_at_most_is_the_largest_one_sided_limit():
    weak, strong = table([0] * 380 + [1] * 20, np.arange(400)), table([0] * 200 + [1] * 200, np.arange(400))
    limit = at_most([weak, strong], CELL, HOW)
    assert limit == at_most([strong], CELL, HOW)
    wald = 0.5 + 1.645 * np.sqrt(0.25 / 400)
    assert limit == pytest.approx(wald, abs=0.01)
