"""Every figure of an audit, over all distractors and inside strata, equals a count by the definitions."""

import math
from collections import defaultdict

import numpy as np
import oracle
import polars as pl
import pytest
from by_definition import FORTH, KINDS, KS, LABELS, POOLS, case, laws, levels, mates, study_strata, truth

from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.risk import FEWEST_PATIENTS, THRESHOLD
from tiers import quick

# --- the comparison ---------------------------------------------------------------------------------------


def assert_all_figures(case):
    """Compare every row of an audit with the definitions, and see that no row is missing."""
    made = case.audited()
    counted, patient = truth(case)
    expected = set()
    for (direction, name), counts in counted.items():

        def rows(table, known=(direction, name)):
            return [row for row in table if (row.direction, row.negatives) == known]

        fitting = {pool: of_query for pool in POOLS if longest(of_query := laws(counts, pool))}
        for pool, of_query in fitting.items():
            expected |= {(direction, name, pool, k) for k in KS if k <= longest(of_query)}
        for row in rows(made.closed_set + made.curve):
            assert_recall(row, laws(counts, "full" if row.full else row.pool), patient)
        for row, of_query in zip(rows(made.ranks), fitting.values(), strict=True):
            assert_ranks(row, of_query)
        (spread,) = rows(made.rank_distribution)
        assert sum(spread.counts) == len(patient)
        if direction == FORTH and name != "all":
            assert_strata(case, next(row for row in made.strata if row.negatives == name), counts)
    found = {
        (row.direction, row.negatives, "full" if row.full else row.pool, row.k) for row in made.closed_set
    }
    assert found == expected
    for row in made.risk:
        counts = counted[row.direction, "all"]
        assert_risk(case, row, laws(counts, "full" if row.full else row.pool), patient)
    assert_ceiling(case, made.duplicates)
    return counted


def longest(of_query):
    """Give the size of the largest pool, 0 where there is none."""
    return max((len(each) for each in of_query if each is not None), default=0)


def assert_recall(row, of_query, patient):
    kept = [number for number, each in enumerate(of_query) if each is not None]
    chance = np.mean([min(row.k / len(of_query[number]), 1) for number in kept])
    recall = np.mean([of_query[number][: row.k].sum() for number in kept])
    assert row.recall == pytest.approx(recall, abs=1e-9)
    assert row.chance == pytest.approx(chance, abs=1e-12)
    assert row.lift == pytest.approx(recall / chance)
    assert row.pool == longest(of_query)
    assert row.queries == len(kept)
    assert row.patients == len({patient[number] for number in kept})
    assert row.coverage == pytest.approx(len(kept) / len(of_query))
    assert 0 <= row.low <= row.recall + 1e-9
    assert row.recall - 1e-9 <= row.high <= 1


def assert_ranks(row, of_query):
    kept = [each for each in of_query if each is not None]
    ranks = [each @ np.arange(1, len(each) + 1) for each in kept]
    assert row.queries == len(kept)
    assert row.mean_rank == pytest.approx(np.mean(ranks))
    assert row.median_rank == pytest.approx(np.median(ranks))
    assert row.mrr == pytest.approx(np.mean([each @ (1 / np.arange(1, len(each) + 1)) for each in kept]))
    assert row.mrr_low <= row.mrr + 1e-9
    assert row.mrr - 1e-9 <= row.mrr_high


def assert_strata(case, said, counts):
    rows = case.pairs.rows(named=True)
    strata = study_strata(case, rows, mates(rows), levels(case)[said.negatives])
    if case.settings.missing == "own":  # otherwise blanks are filled or gone
        assert said.strata == len({frozenset(values) for values in strata.values()})
    assert said.largest == max(counts.eligible)
    assert said.median_stratum_of_a_query == np.median(counts.eligible)
    assert said.alone == pytest.approx(np.mean(counts.eligible == 1))


def assert_risk(case, row, of_query, patient):
    risk = {number: each[0] for number, each in enumerate(of_query) if each is not None}
    of_patient = defaultdict(list)
    for number, value in risk.items():
        of_patient[patient[number]].append(value)
    exposed = [max(values) for values in of_patient.values()]
    average = np.mean(list(risk.values()))
    assert (row.queries, row.patients) == (len(risk), len(of_patient))
    assert row.coverage == pytest.approx(len(risk) / len(of_query))
    assert row.average == pytest.approx(average)
    assert row.maximum == pytest.approx(max(exposed))
    linked = [1 - math.prod(1 - value for value in values) for values in of_patient.values()]
    for risk_of_patients, values in ((row.most_exposed, exposed), (row.at_least_one, linked)):
        assert risk_of_patients.average == pytest.approx(np.mean(values))
        assert risk_of_patients.above == sum(value > THRESHOLD + 1e-12 for value in values)
    for quantile in row.quantiles:
        assert quantile.most_exposed == pytest.approx(np.quantile(exposed, quantile.share))
    found = {(stratum.column, stratum.value): stratum for stratum in row.strata}
    groups = defaultdict(list)
    for number, pair in enumerate(case.pairs.rows(named=True)):
        if number in risk:
            bears = {(label, "positive"): pair[label] == 1 for label in LABELS}
            bears |= {(column, pair[column]): pair[column] is not None for column in ("view", "sex")}
            if pair["age"] is not None:
                bears["age", f"{int(pair['age'] // 10) * 10}-{int(pair['age'] // 10) * 10 + 9}"] = True
            for group in (group for group, inside in bears.items() if inside):
                groups[group].append(number)
    shown = {g: own for g, own in groups.items() if len({patient[n] for n in own}) >= FEWEST_PATIENTS}
    assert set(found) == set(shown)
    for group, own in shown.items():
        mean = np.mean([risk[number] for number in own])
        assert found[group].risk == pytest.approx(mean)
        assert found[group].ratio == pytest.approx(mean / average if average else 1)
        assert found[group].queries == len(own)
        assert found[group].patients == len({patient[number] for number in own})


def assert_ceiling(case, said):
    rows = case.pairs.rows(named=True)
    mate = mates(rows)
    text = {candidate: row["report_hash"] for row, candidate in zip(rows, mate, strict=True)}
    sharing = [list(text.values()).count(text[candidate]) for candidate in mate]
    nobodys = len(case.reports) - len(text) if "candidate" in rows[0] else 0
    assert said.known
    assert said.texts == len(set(text.values())) + nobodys
    assert said.largest == max(sharing)
    assert said.queries_sharing == pytest.approx(np.mean(np.array(sharing) > 1))
    assert said.recall_at_1_ceiling == pytest.approx(np.mean(1 / np.array(sharing)))


# --- the tests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "kind"),
    quick(
        9, [(seed, kind) for seed in range(12) for kind in KINDS if (seed // 2 + KINDS.index(kind)) % 2 == 0]
    ),
)
def test_every_figure_is_what_the_definitions_give(seed, kind):
    counted = assert_all_figures(case(seed, kind))
    if kind in ("templates", "lattice"):
        assert (counted[FORTH, "all"].ties > 0).mean() > 0.3


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "kind"), [(1, "templates"), (2, "studies")])
def test_four_hundred_pairs(seed, kind):
    assert_all_figures(case(seed, kind, rows=400))


@pytest.fixture(scope="module")
def five_thousand():
    """A cohort of 5,000 pairs with labels and template reports, and its audit."""
    random = np.random.default_rng(11)
    labels = random.integers(0, 2, (5000, 3)) * random.integers(0, 2, (5000, 3))  # strata from 80 up
    reports = random.normal(size=(5000, 12)) + labels @ random.normal(size=(3, 12))
    reports[::8] = reports[random.integers(0, 9, 625) * 8]
    images = reports + 1.3 * random.normal(size=reports.shape)
    pairs = pl.DataFrame({"pair_id": range(5000), **{f"L{n}": labels[:, n] for n in range(3)}})
    settings = AuditSettings(
        pool=(20, 100, 1000), k=(1, 5, 10), hard_negatives=("labels",),
        replicates=100,
    )  # fmt: skip
    made = measure(images, reports, Links.from_pairs(pairs, 5000, 5000, "pairs"), settings).result
    return images, reports, labels @ [1, 2, 4], made


@pytest.mark.parametrize(
    ("negatives", "pool"), [("all", 20), ("all", 1000), ("labels", 20), ("labels", 1000)]
)
def test_four_thousand_sampled_pools_average_to_the_figures(five_thousand, negatives, pool):
    images, reports, stratum, made = five_thousand
    random = np.random.default_rng([pool, len(negatives)])
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, reports)]
    members = {own: np.flatnonzero((stratum == own) | (negatives == "all")) for own in np.unique(stratum)}
    bearing = [query for query in range(5000) if len(members[stratum[query]]) >= pool]
    ranks = np.empty(4000)
    for draw, query in enumerate(random.choice(bearing, 4000)):
        others = members[stratum[query]]
        others = others[others != query]
        scores = unit[1][random.choice(others, pool - 1, replace=False)] @ unit[0][query]
        gap = scores - unit[1][query] @ unit[0][query]
        tied = (np.abs(gap) <= oracle.TIE).sum()
        ranks[draw] = 1 + (gap > oracle.TIE).sum() + random.integers(0, tied + 1)
    rows = [row for row in made.closed_set if (row.negatives, row.pool) == (negatives, pool)]
    figures = [(ranks <= row.k, row.recall) for row in rows]
    (row,) = (row for row in made.ranks if (row.negatives, row.pool) == (negatives, pool))
    figures += [(1 / ranks, row.mrr), (ranks, row.mean_rank)]
    assert row.queries == len(bearing)
    assert len(figures) == 5
    for sampled, figure in figures:
        assert abs(sampled.mean() - figure) < 4 * sampled.std() / np.sqrt(4000)
