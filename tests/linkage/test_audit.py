"""Every figure of an audit equals brute force: all cosines in float64, all pools counted or sampled."""

from itertools import product

import numpy as np
import oracle
import polars as pl
import pytest
from scipy.stats import hypergeom

from relinkage.linkage import AuditSettings, Links, Resampling, measure
from tiers import quick

FEW = Resampling(replicates=100)
FORTH, BACK = "image-to-report", "report-to-image"


def run(images, reports, links=None, **choices):
    return measure(images, reports, links, AuditSettings(**{"replicates": 100, **choices}))


def result(*arguments, **choices):
    return run(*arguments, **choices).result


def brute_force(images, reports, study, patient, direction, distractors):
    """Counts from the ids alone: who asks, who is the mate, who is a distractor."""
    study, patient = np.asarray(study), np.asarray(patient)
    if direction == FORTH:
        first = [list(study).index(s) for s in dict.fromkeys(study)]  # a study's report is one candidate
        mate = np.array([list(study[first]).index(s) for s in study])
        scores = oracle.cosines(images, reports[first])
        others = study[:, None] != study[first]
        strangers = patient[:, None] != patient[first]
    else:
        of_study = {s: row for row, s in reversed(list(enumerate(study)))}
        scores = oracle.cosines(reports[[of_study[s] for s in study]], images)
        mate = np.arange(len(study))
        others = study[:, None] != study  # a study's other images are no wrong answers
        strangers = patient[:, None] != patient
    return oracle.count(scores, mate, others & strangers if distractors == "other-patients" else others)


def assert_equals_brute_force(made, counted, direction):
    """Every recall and rank row of one direction, against pools counted in whole numbers."""
    rows = [row for row in made.closed_set + made.curve if row.direction == direction]
    assert {row.k for row in rows} >= {1}
    for row in rows:
        pool = "full" if row.full else row.pool
        assert row.recall == pytest.approx(oracle.recall(counted, pool, row.k), abs=1e-6)
        bearing = counted.eligible[counted.eligible >= (2 if row.full else pool)]
        assert row.queries == len(bearing)
        sizes = bearing if row.full else np.array([pool])
        assert row.chance == pytest.approx(np.minimum(row.k / sizes, 1).mean(), abs=1e-9)
        assert row.lift == pytest.approx(row.recall / row.chance)
        assert row.low - 1e-9 <= row.recall <= row.high + 1e-9
    ranks = [row for row in made.ranks if row.direction == direction]
    assert ranks
    largest = counted.eligible.max()
    for row in ranks:
        pool = "full" if row.pool == largest else row.pool
        expected = oracle.expected_ranks(counted, pool)
        assert row.mrr == pytest.approx(oracle.mean_reciprocal_rank(counted, pool), abs=1e-6)
        assert row.median_rank == pytest.approx(np.median(expected), abs=1e-6)
        assert row.mean_rank == pytest.approx(expected.mean(), abs=1e-6)


def cohort(seed, queries=90, dtype=np.float32):
    """Patients with studies, studies with images, template reports, vectors on a grid so that many tie."""
    rng = np.random.default_rng(seed)
    study = rng.integers(0, queries // 2, queries)
    patient = study // 2
    reports = np.round(rng.normal(size=(queries // 2, 3)) * 2) + 0.5
    reports[::3] = reports[0]
    images = reports[study] + rng.integers(-2, 3, (queries, 3))
    images[::4] = images[0]
    return images.astype(dtype), reports[study].astype(dtype), [f"s{s}" for s in study], patient


def links_of(study, patient):
    rows = len(study)
    pairs = {"pair_id": [str(row) for row in range(rows)], "study_id": study, "patient_id": patient}
    return Links.from_pairs(pl.DataFrame(pairs), rows, rows, "pairs.csv")


@pytest.mark.parametrize("distractors", ["all", "other-patients"])
@pytest.mark.parametrize("seed", quick(1, range(3)))
def test_every_figure_equals_brute_force(seed, distractors):
    dtype = (np.float16, np.float32, np.float64)[seed]
    images, reports, study, patient = cohort(seed, dtype=dtype)
    choices = {"pool": (2, 7, 30, "full"), "k": (1, 3, 5, 10), "distractors": distractors}
    both = result(images, reports, links_of(study, patient), direction="both", **choices)
    for direction in (FORTH, BACK):
        counted = brute_force(images, reports, study, patient, direction, distractors)
        assert (counted.ties > 0).sum() > 10
        alone = result(images, reports, links_of(study, patient), direction=direction, **choices)
        for made in (both, alone):
            assert_equals_brute_force(made, counted, direction)
    assert both.queries == 90
    assert both.candidates == both.studies == len(set(study))
    assert both.patients == len(set(patient))


@pytest.mark.slow
def test_five_thousand_pairs():
    rng = np.random.default_rng(3)
    reports = (rng.normal(size=(5000, 16)) + 1).astype(np.float32)
    reports[::10] = reports[0]
    images = (reports + 1.5 * rng.normal(size=reports.shape)).astype(np.float32)
    made = run(images, reports, pool=(20, "full"), k=(1, 5))
    counted = oracle.count(oracle.cosines(images, reports), np.arange(5000))
    for name in ("eligible", "above", "ties"):
        np.testing.assert_array_equal(getattr(made.tables[0].standings["all"], name), getattr(counted, name))

    places = list(zip(counted.above, counted.above + counted.ties + 1, strict=True))
    draws, ahead = hypergeom(4999, np.arange(5000)[:, None], 19), np.arange(20)

    def mean(of_place):
        """The mean over queries of a value at every place that the mate may take among the tied."""
        return np.mean([of_place[first:last].mean() for first, last in places])

    tables = {(20, k): draws.cdf(k - 1)[:, 0] for k in (1, 5)} | {(5000, k): ahead_of(k) for k in (1, 5)}
    for row in made.result.closed_set:
        assert row.recall == pytest.approx(mean(tables[row.pool, row.k]), abs=1e-6)
    small, full = made.result.ranks
    assert small.mrr == pytest.approx(mean((draws.pmf(ahead) / (ahead + 1)).sum(axis=1)), abs=1e-6)
    assert full.mrr == pytest.approx(mean(1 / np.arange(1, 5001)), abs=1e-6)
    assert full.mean_rank == pytest.approx(mean(np.arange(1, 5001)), abs=1e-6)
    assert small.mean_rank == pytest.approx(1 + 19 * (full.mean_rank - 1) / 4999, abs=1e-6)


def ahead_of(k):
    """Recall in the full gallery of 5,000, at every place."""
    return (np.arange(5000) < k).astype(np.float64)


@pytest.mark.parametrize("seed", range(4))
def test_small_galleries_with_every_pool_written_out(seed):
    rng = np.random.default_rng(seed)
    size = 5 + seed
    images, reports = rng.integers(-1, 2, (2, size, 2)) + 0.5
    pools = tuple(range(2, size + 1))
    made = result(images, reports, pool=pools, k=(1, 2, 3))
    counted = oracle.count(oracle.cosines(images, reports), np.arange(size))
    counts = list(zip(counted.eligible, counted.above, counted.ties, strict=True))
    laws = {n: np.mean([oracle.rank_law_of_all_pools(*c, n) for c in counts], axis=0) for n in pools}
    assert len(made.closed_set) == sum(k <= n for n, k in product(pools, (1, 2, 3)))
    for row in made.closed_set:
        assert row.recall == pytest.approx(laws[row.pool][: row.k].sum(), abs=1e-9)
    for row in made.ranks:
        law, ranks = laws[row.pool], np.arange(1, row.pool + 1)
        assert row.mrr == pytest.approx((law / ranks).sum(), abs=1e-9)
        assert row.mean_rank == pytest.approx((law * ranks).sum(), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("pool", "k"), [(5, 1), (20, 5)])
def test_twenty_thousand_sampled_pools_average_to_the_figures(pool, k):
    images, reports, *_ = cohort(5, queries=60)
    made = result(images, reports, pool=(pool,), k=(k,))
    scores, rng, draws = oracle.cosines(images, reports), np.random.default_rng(0), 20_000
    found, reciprocal, ranks = np.empty((3, 60, draws))
    for query in range(60):
        gap = np.delete(scores[query], query) - scores[query, query]
        side = np.where(np.abs(gap) <= oracle.TIE, 0, np.sign(gap)).astype(np.int8)
        key = rng.random((draws, 59), np.float32)
        chosen = side[np.argpartition(key, pool - 1, axis=1)[:, : pool - 1]]
        tied = (chosen == 0).sum(axis=1)
        rank = 1 + (chosen > 0).sum(axis=1) + rng.integers(0, tied + 1)
        found[query], reciprocal[query], ranks[query] = rank <= k, 1 / rank, rank
    for sampled, figure in (
        (found, made.closed_set[0].recall),
        (reciprocal, made.ranks[0].mrr),
        (ranks, made.ranks[0].mean_rank),
    ):
        error = np.sqrt((sampled.var(axis=1) / draws).sum()) / 60
        assert abs(sampled.mean() - figure) < 4 * error
        assert error < 0.01
