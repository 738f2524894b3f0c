"""Laws of an audit, on vectors on a grid: ties are frequent, and no two scores differ by a mere rounding."""

import numpy as np
import oracle
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relinkage.linkage import AuditSettings, Links, measure
from relinkage.records import plain

FORTH, BACK = "image-to-report", "report-to-image"


def result(images, reports, links=None, **choices):
    settings = AuditSettings(replicates=100, **choices)
    return measure(images, reports, links, settings).result


@st.composite
def galleries(draw, least=2, most=12):
    size, d = draw(st.integers(least, most)), draw(st.integers(1, 3))
    number = st.integers(-2, 2).map(lambda value: value + 0.5)
    vectors = st.lists(st.lists(number, min_size=d, max_size=d), min_size=size, max_size=size)
    return np.array(draw(vectors)), np.array(draw(vectors))


def figures(made):
    """What is said about recall and rank, without the intervals, which depend on the order of patients."""
    kept = ("direction", "pool", "k", "recall", "mrr", "median_rank", "mean_rank", "chance", "queries")
    return [
        {
            key: pytest.approx(row[key]) if isinstance(row[key], float) else row[key]
            for key in kept
            if key in row
        }
        for row in plain(made.closed_set + made.ranks)
    ]


@given(galleries())
@settings(max_examples=15)
def test_recall_in_the_full_pool_is_the_plain_recall(gallery):
    images, reports = gallery
    made = result(images, reports, pool=("full",), k=(1, 2))
    scores = np.round(oracle.cosines(images, reports), 9)
    for row in made.closed_set:
        plain = []
        for query, line in enumerate(scores):
            rest = np.delete(line, query)
            above, tied = (rest > line[query]).sum(), (rest == line[query]).sum()
            plain += [np.mean([above + lifted < row.k for lifted in range(tied + 1)])]
        assert row.recall == pytest.approx(np.mean(plain))


@pytest.mark.slow
@given(galleries(3), st.randoms())
@settings(max_examples=15)
def test_the_order_of_candidates_and_of_queries_changes_nothing(gallery, random):
    images, reports = gallery
    size = len(images)
    order, turned = random.sample(range(size), size), random.sample(range(size), size)
    place = np.argsort(order)  # where each report went
    pairs = pl.DataFrame({"pair_id": [str(i) for i in turned], "candidate": place[turned]})
    links = Links.from_pairs(pairs, size, size, "pairs")
    plain = result(images, reports, pool=(2, 3, "full"))
    moved = result(images[turned], reports[order], links, pool=(2, 3, "full"))
    assert figures(moved) == figures(plain)


@pytest.mark.slow
@given(galleries(), st.lists(st.sampled_from([0.125, 0.3, 1, 7, 1e9]), min_size=24, max_size=24))
@settings(max_examples=15)
def test_the_length_of_vectors_changes_nothing(gallery, factors):
    images, reports = gallery
    factors = np.array(factors)[:, None]
    scaled = result(images * factors[: len(images)], reports * factors[-len(images) :], direction="both")
    assert figures(scaled) == figures(result(images, reports, direction="both"))


@given(galleries())
@settings(max_examples=15)
def test_asking_the_other_way_is_asking_with_the_sides_exchanged(gallery):
    images, reports = gallery
    back = figures(result(images, reports, pool=(2, "full"), direction=BACK))
    exchanged = figures(result(reports, images, pool=(2, "full"), direction=FORTH))
    assert [{**row, "direction": BACK} for row in exchanged] == back


@given(st.integers(2, 30), st.integers(1, 3))
@settings(max_examples=15)
def test_where_all_candidates_tie_recall_is_k_of_n(size, d):
    rng = np.random.default_rng(size)
    made = result(rng.normal(size=(size, d)), np.tile(rng.normal(size=d), (size, 1)), pool=(2, "full"))
    for row in made.closed_set:
        assert row.recall == pytest.approx(row.k / row.pool)
        assert row.on_chance
    for row in made.ranks:
        assert row.mean_rank == pytest.approx((row.pool + 1) / 2)


@pytest.mark.slow
@given(galleries(4))
@settings(max_examples=15)
def test_recall_rises_with_k_and_falls_with_the_pool(gallery):
    size = len(gallery[0])
    rows = result(*gallery, pool=tuple(range(2, size + 1)), k=(1, 2, 3)).closed_set
    recall = {(row.pool, row.k): row.recall for row in rows}
    for (pool, k), value in recall.items():
        assert recall.get((pool, k + 1), 1) >= value - 1e-9
        assert recall.get((pool + 1, k), 0) <= value + 1e-9


@pytest.mark.slow
@given(galleries())
@settings(max_examples=15)
def test_a_scorer_for_whom_any_candidate_may_be_the_mate_sits_on_chance(gallery):
    """Ask every query about every candidate in turn: the mean recall is K/N, ties and all."""
    images, reports = gallery
    size = len(images)
    pairs = pl.DataFrame({"pair_id": range(size * size), "candidate": list(range(size)) * size})
    links = Links.from_pairs(pairs, size * size, size, "pairs")
    made = result(np.repeat(images, size, axis=0), reports, links, pool=(2, "full"))
    for row in made.closed_set:
        assert row.recall == pytest.approx(row.k / row.pool)


@pytest.mark.parametrize("seed", range(3))
def test_vectors_that_have_nothing_to_do_with_each_other_sit_on_chance(seed):
    rng = np.random.default_rng(seed)
    images, reports = rng.normal(size=(2, 1500, 16)) + 2
    made = measure(images, reports, settings=AuditSettings(direction="both", seed=seed))
    assert [row for row in made.result.closed_set if not row.on_chance] == []


def test_a_pool_of_two_is_the_area_under_the_curve():
    rng = np.random.default_rng(0)
    reports = rng.normal(size=(200, 8))
    images = reports + 2 * rng.normal(size=reports.shape)
    scores = oracle.cosines(images, reports)
    below = (scores < np.diag(scores)[:, None]).sum(axis=1) / 199
    assert result(images, reports, pool=(2,), k=(1,)).closed_set[0].recall == pytest.approx(below.mean())
