"""The rows of an audit follow from the linkage table, and from nothing else."""

import numpy as np
import oracle
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.linkage import LinkageTable, Resampling, Standing
from relinkage.linkage.measures import FULL, Cell, chance, rank_distribution, rank_rows, recall_rows, recalls
from relinkage.linkage.rows import RankFigures
from relinkage.records import plain

FEW = Resampling(replicates=100)


def table_of(eligible, above, ties, patient=None):
    eligible, above, ties = (np.asarray(counts, np.int64) for counts in (eligible, above, ties))
    queries = len(eligible)
    return LinkageTable(
        "image-to-report",
        pl.Series([str(row) for row in range(queries)]),
        np.arange(queries) if patient is None else np.asarray(patient),
        np.zeros(queries),
        {"all": Standing(eligible, above, ties)},
    )


def at_random(queries, least, most, seed=0, tied=3):
    rng = np.random.default_rng(seed)
    eligible = rng.integers(least, most + 1, queries)
    above = rng.integers(0, eligible)
    ties = np.minimum(rng.integers(0, tied, queries), eligible - 1 - above)
    return table_of(eligible, above, ties, rng.integers(0, queries // 2, queries))


def counted(table):
    standing = table.standings["all"]
    return oracle.Counted(standing.eligible, standing.above, standing.ties)


CELLS = [Cell(FULL, 5), Cell(10, 1), Cell(50, 5), Cell(FULL, 1), Cell(50, 1), Cell(10, 10)]


def test_rows_are_what_counting_pools_gives():
    table = at_random(60, 20, 80)
    rows = recall_rows(table, CELLS, FEW)
    for row, cell in zip(rows, CELLS, strict=True):
        pool = "full" if cell.pool == FULL else cell.pool
        bearing = table.standings["all"].eligible >= (0 if pool == "full" else pool)
        assert row.recall == pytest.approx(oracle.recall(counted(table), pool, cell.k), abs=1e-9)
        assert (row.k, row.full) == (cell.k, cell.pool == FULL)
        assert row.pool == (table.standings["all"].eligible.max() if row.full else cell.pool)
        assert row.queries == bearing.sum()
        assert row.patients == len(set(table.patient[bearing]))
        assert row.coverage == bearing.mean()
        sizes = table.standings["all"].eligible if row.full else np.array([cell.pool])
        assert row.chance == pytest.approx((cell.k / sizes).mean())
        assert row.lift == pytest.approx(row.recall / row.chance)
        assert row.low <= row.recall <= row.high


def test_what_every_pool_holds_has_no_interval_and_is_no_lift():
    table = table_of([10] * 30, np.arange(30) % 9, [0] * 30)
    certain, open_ = recall_rows(table, [Cell(5, 5), Cell(5, 4)], FEW)
    assert (certain.recall, certain.low, certain.high, certain.chance, certain.lift) == (1, 1, 1, 1, 1)
    assert certain.on_chance
    assert open_.low < open_.recall < open_.high
    (full,) = recall_rows(table, [Cell(FULL, 10)], FEW)
    assert (full.low, full.high) == (1, 1)


def test_counts_in_the_full_pool_are_what_ranking_with_ties_broken_by_lot_gives():
    """Scores are drawn, ties broken by a random number each, and queries and patients counted."""
    rng = np.random.default_rng(2)
    patient, scores = np.repeat(np.arange(12), 3), rng.integers(0, 6, (36, 15)).astype(float)
    mate = scores[:, :1]
    above, ties = (scores[:, 1:] > mate).sum(1), (scores[:, 1:] == mate).sum(1)
    rows = recall_rows(table_of([15] * 36, above, ties, patient), [Cell(FULL, 1), Cell(FULL, 3)], FEW)
    draws, queries, patients = 4000, np.zeros(2), np.zeros(2)
    for _ in range(draws):
        lot = scores + 0.5 * rng.random(scores.shape)
        rank = 1 + (lot[:, 1:] > lot[:, :1]).sum(1)
        for place, k in enumerate((1, 3)):
            queries[place] += (rank <= k).sum()
            patients[place] += len(set(patient[rank <= k]))
    for row, found, of in zip(rows, queries / draws, patients / draws, strict=True):
        assert row.queries_found == pytest.approx(found, abs=0.15)
        assert row.patients_found == pytest.approx(of, abs=0.15)
        assert row.queries_found == pytest.approx(row.recall * row.queries)


def test_counts_in_smaller_pools_are_what_a_pool_drawn_for_each_query_gives():
    """The misses of a patient's queries multiply, for each has a pool of its own."""
    table = at_random(60, 20, 80)
    (row,) = recall_rows(table, [Cell(10, 2)], FEW)
    hit = recalls(table.standings["all"], [Cell(10, 2)])[:, 0]
    missed = {}
    for patient, probability in zip(table.patient.tolist(), hit.tolist(), strict=True):
        missed[patient] = missed.get(patient, 1.0) * (1 - probability)
    assert row.queries_found == pytest.approx(hit.sum())
    assert row.patients_found == pytest.approx(sum(1 - miss for miss in missed.values()))
    assert row.patients_found < row.queries_found


def test_a_row_says_how_many_equal_patients_tell_as_much():
    patient = np.repeat(np.arange(21), [20] + [1] * 20)
    (row,) = recall_rows(table_of([50] * 40, np.arange(40), [0] * 40, patient), [Cell(10, 1)], FEW)
    assert row.patients == 21
    assert row.effective_patients == pytest.approx(40**2 / (20**2 + 20))


def test_rank_rows_are_what_counting_pools_gives():
    table = at_random(60, 20, 80)
    for row, pool in zip(rank_rows(table, [10, 50, FULL], FEW), [10, 50, "full"], strict=True):
        ranks = oracle.expected_ranks(counted(table), pool)
        assert row.mrr == pytest.approx(oracle.mean_reciprocal_rank(counted(table), pool), abs=1e-9)
        assert row.median_rank == pytest.approx(np.median(ranks))
        assert row.mean_rank == pytest.approx(ranks.mean())
        assert row.queries == len(ranks)
        assert row.mrr_low < row.mrr < row.mrr_high


def test_optimistic_and_pessimistic_ranks_put_every_tie_below_the_mate_and_above_it():
    table = at_random(60, 20, 80, tied=9)
    standing = table.standings["all"]
    none = np.zeros_like(standing.ties)
    for row, pool in zip(rank_rows(table, [10, 50, FULL], FEW), [10, 50, "full"], strict=True):
        for view, above in (
            (row.optimistic, standing.above),
            (row.pessimistic, standing.above + standing.ties),
        ):
            untied = oracle.Counted(standing.eligible, above, none)
            ranks = oracle.expected_ranks(untied, pool)
            mrr = oracle.mean_reciprocal_rank(untied, pool)
            assert plain(view) == {
                "mrr": pytest.approx(mrr, abs=1e-9),
                "median_rank": pytest.approx(np.median(ranks)),
                "mean_rank": pytest.approx(ranks.mean()),
            }
        assert row.optimistic.mrr > row.mrr > row.pessimistic.mrr
        for figure in ("median_rank", "mean_rank"):
            assert getattr(row.optimistic, figure) <= getattr(row, figure)
            assert getattr(row, figure) <= getattr(row.pessimistic, figure)


def test_without_ties_there_is_one_rank():
    for row in rank_rows(at_random(60, 20, 80, tied=1), [10, FULL], FEW):
        expected = RankFigures(mrr=row.mrr, median_rank=row.median_rank, mean_rank=row.mean_rank)
        assert row.optimistic == row.pessimistic == expected


def test_a_pool_that_no_query_can_fill_has_no_row():
    table = at_random(30, 5, 40)
    assert [row.pool for row in recall_rows(table, [Cell(41, 1), Cell(5, 1)], FEW)] == [5]
    assert [row.pool for row in rank_rows(table, [41, 5], FEW)] == [5]


def test_a_query_without_any_distractor_proves_nothing():
    """It would always be found, so it leaves the row of the full pool, and chance with it."""
    alone = table_of([1, 1, 1, 4], [0, 0, 0, 3], [0, 0, 0, 0])
    (row,) = recall_rows(alone, [Cell(FULL, 1)], FEW)
    assert (row.recall, row.chance, row.queries, row.coverage) == (0, 0.25, 1, 0.25)
    assert rank_rows(alone, [FULL], FEW)[0].mean_rank == 4


def test_chance_is_k_of_n_and_never_more_than_one():
    standing = Standing(*np.array([[20, 40], [0, 0], [0, 0]]))
    assert chance(standing, Cell(10, 5)) == 0.5
    assert chance(standing, Cell(FULL, 5)) == pytest.approx((5 / 20 + 5 / 40) / 2)
    assert chance(standing, Cell(FULL, 30)) == pytest.approx((1 + 30 / 40) / 2)


@given(st.permutations(CELLS))
def test_the_order_of_cells_is_the_order_of_rows(cells):
    standing = at_random(20, 50, 60).standings["all"]
    columns = recalls(standing, cells)
    alone = [recalls(standing, [cell])[:, 0] for cell in cells]
    np.testing.assert_array_equal(columns, np.stack(alone, axis=1))


@pytest.mark.parametrize("seed", range(5))
def test_ranks_drawn_evenly_sit_on_chance(seed):
    rows = recall_rows(at_random(1500, 200, 250, seed, tied=1), [Cell(100, 1), Cell(FULL, 10)], FEW)
    assert all(row.on_chance for row in rows)


@pytest.mark.parametrize("share", [0.05, -0.9])
def test_a_table_that_favours_or_hides_mates_is_told_from_chance(share):
    table = at_random(1500, 200, 250, tied=1)
    standing = table.standings["all"]
    moved = np.random.default_rng(1).random(1500) < abs(share)
    standing.above[moved] = 0 if share > 0 else standing.eligible[moved] - 1
    assert not any(row.on_chance for row in recall_rows(table, [Cell(100, 1), Cell(FULL, 10)], FEW))


@pytest.mark.parametrize("replicates", [100, 1000])
def test_whether_chance_is_in_reach_is_asked_at_a_stricter_level_than_is_printed(replicates):
    """Of many rows that sit on chance one in twenty leaves chance out of its 95 % interval."""
    rows = [
        recall_rows(at_random(200, 50, 50, seed, tied=1), [Cell(10, 1)], Resampling(replicates=replicates))[0]
        for seed in range(300)
    ]
    outside = sum(not row.low <= row.chance <= row.high for row in rows)
    assert 5 <= outside <= 30
    assert sum(not row.on_chance for row in rows) <= 3


def test_the_distribution_of_ranks_holds_every_query_once():
    table = at_random(400, 20, 300)
    made = rank_distribution(table, bins=12)
    assert len(made.edges) == 13
    assert sum(made.counts) == 400
    first = table_of([100] * 5, [0] * 5, [0] * 5)
    assert rank_distribution(first).counts[0] == 5
    last = table_of([100] * 5, [99] * 5, [0] * 5)
    assert rank_distribution(last).counts[-1] == 5
    assert rank_distribution(table_of([1], [0], [0])).counts == (1,)
