"""Risk per patient: what a plain loop over patients gives, and whom it may name."""

from itertools import pairwise

import numpy as np
import oracle
import polars as pl
import pytest

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, LinkageTable, Links, Resampling, Standing, measure
from relinkage.linkage.measures import Cell, recall_rows
from relinkage.linkage.risk import FEWEST_PATIENTS, THRESHOLD, query_risk, risk_pool, risk_row

FEW = Resampling(replicates=200)


def table(eligible, above, ties, patient, direction="image-to-report"):
    columns = [np.asarray(column, np.int64) for column in (eligible, above, ties)]
    names = pl.Series("pair_id", [str(row) for row in range(len(above))])
    score = np.zeros(len(above))
    return LinkageTable(direction, names, np.asarray(patient), score, {"all": Standing(*columns)})


def scene(seed, queries=300, candidates=60):
    """Queries of some dozens of patients whose mates stand anywhere, mostly near the top."""
    random = np.random.default_rng(seed)
    eligible = random.integers(2, candidates, queries) if seed % 2 else np.full(queries, candidates)
    above = (eligible * random.random(queries) ** 4).astype(int)
    ties = random.integers(0, 4, queries)
    ties = np.minimum(ties, eligible - 1 - above)
    return table(eligible, above, ties, random.integers(0, queries // 4, queries))


def pairs_of(rows, **columns):
    return pl.DataFrame({"pair_id": [str(row) for row in range(rows)], **columns})


def row_of(made, pool, pairs=None, labels=()):
    return risk_row(made, pool, pairs_of(len(made)) if pairs is None else pairs, labels, FEW)


def naive(made, pool):
    """The risk of every query that has such a pool, by the law of ranks in whole numbers; by patient."""
    standing, patients = made.standings["all"], {}
    for m, b, t, who in zip(standing.eligible, standing.above, standing.ties, made.patient, strict=True):
        n = max(int(m), 2) if pool == "full" else pool
        if n <= m:
            patients.setdefault(int(who), []).append(oracle.rank_law(int(m), int(b), int(t), n)[0])
    return patients


@pytest.mark.parametrize("pool", [2, 10, 40, "full"])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_a_loop_over_patients_gives(seed, pool):
    made = scene(seed)
    found, patients = row_of(made, pool), naive(made, pool)
    each = np.concatenate(list(patients.values()))
    exposed = np.array([max(risks) for risks in patients.values()])
    mean = np.array([np.mean(risks) for risks in patients.values()])
    linked = np.array([1 - np.prod([1 - risk for risk in risks]) for risks in patients.values()])
    assert (found.queries, found.patients) == (len(each), len(patients))
    assert found.coverage == pytest.approx(len(each) / len(made))
    assert found.maximum == pytest.approx(each.max())
    assert found.average == pytest.approx(each.mean())
    for risk, values in ((found.most_exposed, exposed), (found.at_least_one, linked)):
        assert risk.average == pytest.approx(values.mean())
        assert risk.above == (values > THRESHOLD).sum()
        assert risk.above_share == pytest.approx((values > THRESHOLD).mean())
        assert 0 <= risk.low <= risk.average <= risk.high <= 1
        assert 0 <= risk.above_low <= risk.above_share <= risk.above_high <= 1
    for quantile in found.quantiles:
        assert quantile.most_exposed == pytest.approx(np.quantile(exposed, quantile.share))
        assert quantile.mean == pytest.approx(np.quantile(mean, quantile.share))
        assert quantile.at_least_one == pytest.approx(np.quantile(linked, quantile.share))
    assert 0 <= found.average_low <= found.average <= found.average_high <= 1


@pytest.mark.parametrize("seed", range(4))
def test_the_average_is_recall_at_1_with_its_interval(seed):
    made = scene(seed)
    found = row_of(made, 10)
    (recall,) = recall_rows(made, [Cell(10, 1)], FEW)
    assert found.average == pytest.approx(recall.recall)
    assert found.average_low == pytest.approx(recall.low)
    assert found.average_high == pytest.approx(recall.high)
    assert found.chance == pytest.approx(recall.chance)


@pytest.mark.parametrize("pool", [2, 5, 30, "full"])
def test_the_histogram_counts_every_patient_once_and_parts_at_the_threshold(pool):
    made = scene(0)
    found = row_of(made, pool)
    edges, patients = found.histogram.edges, naive(made, pool)
    assert all(low < high for low, high in pairwise(edges))
    assert edges[0] <= found.chance / 10 * (1 + 1e-9)
    assert edges[-1] == 1
    place = edges.index(THRESHOLD)
    exposed = [max(risks) for risks in patients.values()]
    assert sum(found.histogram.most_exposed) == sum(found.histogram.mean) == len(patients)
    assert sum(found.histogram.most_exposed[place:]) == found.most_exposed.above
    for low, high, number in zip(edges[1:-1], edges[2:], found.histogram.most_exposed[1:], strict=True):
        assert number == sum(low < risk <= high for risk in exposed)


def test_a_patient_counts_once_however_many_queries_it_has():
    # 1 patient with 30 queries that always link, 20 with one each that never does
    above = np.array([0] * 30 + [9] * 20)
    made = table(np.full(50, 10), above, np.zeros(50), np.array([0] * 30 + list(range(1, 21))))
    found = row_of(made, "full")
    assert found.average == pytest.approx(0.6)
    assert found.most_exposed.average == pytest.approx(1 / 21)
    assert found.most_exposed.above_share == pytest.approx(1 / 21)
    assert found.most_exposed.above_low > 0
    assert found.most_exposed.above_high < 0.4


@pytest.mark.parametrize(("above", "share"), [(0, 1.0), (9, 0.0)])
def test_the_interval_has_width_where_all_or_none_are_above(above, share):
    found = row_of(table(np.full(40, 10), np.full(40, above), np.zeros(40), np.arange(40)), "full")
    found = found.most_exposed
    assert found.above_share == share
    assert found.above_high - found.above_low == pytest.approx(1 - 0.025 ** (1 / 40), rel=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_strata_are_what_grouping_gives(seed):
    made = scene(seed)
    random = np.random.default_rng(100 + seed)
    rows = len(made)
    pairs = pairs_of(
        rows,
        Edema=random.choice(np.array(["1", "1.0", "0", "-1", "", None], object), rows).tolist(),
        view=random.choice(np.array(["PA", "AP ", None], object), rows).tolist(),
        sex=random.choice(np.array(["F", "M", " "], object), rows).tolist(),
        age=random.integers(20, 60, rows),
        patient_id=[str(who) for who in made.patient],
        hospital=["x"] * rows,
    )
    risk = query_risk(made, 10)
    found = row_of(made, 10, pairs, ("Edema",))
    bearers = {("Edema", "positive"): pairs["Edema"].is_in(["1", "1.0"]).fill_null(False)}
    bearers |= {("view", v): (pairs["view"].str.strip_chars() == v).fill_null(False) for v in ("PA", "AP")}
    bearers |= {("sex", v): pairs["sex"] == v for v in ("F", "M")}
    bearers |= {("age", f"{d}-{d + 9}"): pairs["age"].is_between(d, d + 9) for d in (20, 30, 40, 50)}
    assert {(s.column, s.value) for s in found.strata} == set(bearers)
    for stratum in found.strata:
        inside = bearers[stratum.column, stratum.value].to_numpy() & ~np.isnan(risk)
        assert stratum.risk == pytest.approx(risk[inside].mean())
        assert stratum.ratio == pytest.approx(risk[inside].mean() / np.nanmean(risk))
        assert stratum.queries == inside.sum()
        assert stratum.patients == len(set(made.patient[inside]))
        assert stratum.low <= stratum.risk <= stratum.high
    risks = [stratum.risk for stratum in found.strata]
    assert risks == sorted(risks, reverse=True)


@pytest.mark.parametrize("patients", [FEWEST_PATIENTS - 1, FEWEST_PATIENTS])
def test_a_stratum_of_few_patients_is_not_shown(patients):
    made = table(np.full(100, 10), np.zeros(100), np.zeros(100), np.arange(100) // 2)
    rare = [1 if row < 2 * patients else 0 for row in range(100)]
    found = row_of(made, 5, pairs_of(100, Fracture=rare), ("Fracture",))
    assert [s.patients for s in found.strata] == [patients] * (patients >= FEWEST_PATIENTS)


def test_only_what_differs_stands_out():
    random = np.random.default_rng(0)
    rare = np.arange(1000) < 200
    above = np.where(rare, 0, random.integers(0, 50, 1000))
    made = table(np.full(1000, 50), above, np.zeros(1000), np.arange(1000))
    pairs = pairs_of(1000, Fracture=rare.astype(int), sex=random.choice(["F", "M"], 1000).tolist())
    found = {(s.column, s.value): s for s in row_of(made, "full", pairs, ("Fracture",)).strata}
    assert found["Fracture", "positive"].stands_out
    assert not found["sex", "F"].stands_out
    assert not found["sex", "M"].stands_out


def test_the_pool_is_the_largest_of_three_that_every_query_has():
    def of(*eligible):
        return table(eligible, [0] * len(eligible), [0] * len(eligible), range(len(eligible)))

    assert risk_pool([of(20_000, 10_000)]) == 10_000
    assert risk_pool([of(20_000, 9_999)]) == 1_000
    assert risk_pool([of(20_000, 20_000), of(100, 20_000)]) == 100
    assert risk_pool([of(99)]) == "full"
    assert risk_pool([of(99)], "full") == "full"
    assert risk_pool([of(99, 500)], 500) == 500
    with pytest.raises(InputError, match="risk_pool 500 is larger than the 99 eligible candidates"):
        risk_pool([of(99), of(500)], 500)


@pytest.mark.parametrize("pool", [1, 0, -5, "all", 2.5])
def test_a_pool_that_is_none_is_refused(pool):
    with pytest.raises(InputError, match="risk_pool"):
        AuditSettings(risk_pool=pool)


def test_an_audit_has_an_entry_for_each_direction():
    random = np.random.default_rng(0)
    reports = random.normal(size=(150, 8))
    images = reports + random.normal(size=reports.shape)
    pairs = pairs_of(
        150, patient_id=[str(row // 3) for row in range(150)], Edema=[row % 2 for row in range(150)]
    )
    links = Links.from_pairs(pairs, 150, 150, "pairs")
    made = measure(images, reports, links, AuditSettings(direction="both", replicates=100, risk_pool=20))
    assert [row.direction for row in made.result.risk] == ["image-to-report", "report-to-image"]
    for row, each in zip(made.result.risk, made.tables, strict=True):
        assert (row.pool, row.patients) == (20, 50)
        assert [s.column for s in row.strata] == ["Edema"]
        truth = oracle.count(
            oracle.cosines(images, reports) if each.direction == "image-to-report"
            else oracle.cosines(reports, images),
            np.arange(150),
        )  # fmt: skip
        assert row.average == pytest.approx(oracle.recall(truth, 20, 1))
    assert made.result.pseudonymised is False


def test_ages_that_nobody_has_make_no_stratum():
    ages = np.repeat(["41", "1e30", "inf", "-inf"], FEWEST_PATIENTS)
    zeros = np.zeros(len(ages), int)
    row = row_of(table(zeros + 10, zeros, zeros, np.arange(len(ages))), 2, pairs_of(len(ages), age=ages))
    assert [(stratum.column, stratum.value) for stratum in row.strata] == [("age", "40-49")]
