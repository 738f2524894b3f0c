"""Wider targets than the mate, any report with its text and any candidate of its patient, by brute force."""

from itertools import combinations, pairwise
from math import comb

import numpy as np
import oracle
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.linkage import AuditSettings, Links, Resampling, targets
from relinkage.linkage.measures import FULL, Cell, recall_rows
from relinkage.linkage.targets import patient_standing, same_text, target_rows
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.records import plain
from tiers import quick

FORTH, BACK = "image-to-report", "report-to-image"
EVERY = pytest.mark.parametrize("distractors", ["all", "other-patients"])
FEW = Resampling(replicates=100)


def cohort(seed, images, studies, patients, texts, width=2):
    """Images of studies of patients, template reports; vectors on a small grid, so that many tie."""
    rng = np.random.default_rng(seed)
    study = rng.integers(0, studies, images)
    patient = rng.integers(0, patients, studies)[study]
    text = rng.integers(0, texts, studies)
    of_text = rng.integers(0, 3, (texts, width)) + 0.5  # some texts have the vector of another
    reports = of_text[text[study]]
    vectors = rng.integers(-1, 2, (images, width)) + reports
    return vectors, reports, study, patient, text[study]


def links_of(study, patient, text):
    pairs = {"pair_id": np.arange(len(study)), "study_id": study, "patient_id": patient, "report_hash": text}
    pairs = {name: [str(value) for value in values] for name, values in pairs.items() if values is not None}
    return Links.from_pairs(pl.DataFrame(pairs), len(study), len(study), "pairs.csv")


def linked(images, reports, links, direction="both", distractors="all"):
    sides = Vectors.prepare(images, "images"), Vectors.prepare(reports[links.candidate_row], "reports")
    return link(*sides, links, AuditSettings(direction=direction, distractors=distractors))


class Truth:
    """One direction from ids alone: scores, who is right, who is in every pool, who may be drawn."""

    def __init__(self, images, reports, study, patient, text, direction, distractors="all"):
        first = np.sort(np.unique(study, return_index=True)[1])  # a study's report is one candidate
        row_of = {s: row for row, s in enumerate(study[first])}
        own_study = np.array([row_of[s] for s in study])
        if direction == FORTH:
            self.scores, self.mate = oracle.cosines(images, reports[first]), own_study
            self.patient = patient[:, None] == patient[first]
            self.text = text[:, None] == text[first]
        else:
            self.scores, self.mate = oracle.cosines(reports[first][own_study], images), np.arange(len(study))
            self.patient = patient[:, None] == patient
        itself = np.arange(len(study))
        self.mates = np.zeros(self.scores.shape, bool)
        self.mates[itself, self.mate] = True
        self.eligible = self.mates | (~self.patient if distractors == "other-patients" else True)

    def asks(self, target):
        """For every query: scores, whether right, whether in every pool, of all that may be in the pool."""
        for query in range(len(self.scores)):
            if target == "text":
                seen, right, always = self.eligible[query], self.text[query], self.mates[query]
            else:
                seen, right, always = (
                    np.ones_like(self.patient[query]),
                    self.patient[query],
                    self.patient[query],
                )
            yield self.scores[query][seen], right[seen], always[seen]


def cast(pool, always):
    """How many distractors complete the pool, or None where that many are not there."""
    others = int((~always).sum())
    draws = others if pool == FULL else pool - int(always.sum())
    return draws if 1 <= draws <= others else None


def hit_in_all_pools(scores, right, always, pool, k):
    """The share of pools, and of orders of those that tie, with one that is right within K."""
    draws = cast(pool, always)
    if draws is None:
        return None
    pools = list(combinations(np.flatnonzero(~always), draws))
    hits = 0.0
    for drawn in pools:
        inside = np.concatenate([np.flatnonzero(always), drawn])
        gap = scores[inside] - scores[inside][right[inside]].max()
        tied = np.abs(gap) <= oracle.TIE
        orders = list(combinations(range(tied.sum()), (tied & right[inside]).sum()))
        hits += sum((gap > oracle.TIE).sum() + min(order) < k for order in orders) / len(orders)
    return hits / len(pools)


def chance_in_all_pools(scores, right, always, pool, k):
    """A scorer without knowledge scores all alike."""
    return hit_in_all_pools(np.zeros_like(scores), right, always, pool, k)


def hypergeometric(at_most, population, successes, draws):
    ways = range(min(at_most, successes, draws) + 1)
    return sum(comb(successes, i) * comb(population - successes, draws - i) for i in ways) / comb(
        population, draws
    )


def hit_counted(scores, right, always, pool, k):
    """The same counted: how many right ones are drawn, how many of the tied stand ahead of the first."""
    draws = cast(pool, always)
    if draws is None:
        return None
    gap = scores - scores[right].max()
    above, tied = int((gap > oracle.TIE).sum()), np.abs(gap) <= oracle.TIE
    fixed, loose, wrong = (int((tied & part).sum()) for part in (always, right & ~always, ~right))
    population, total = int((~always).sum()), 0.0
    for drawn in range(max(0, draws - population + loose), min(loose, draws) + 1):
        share = comb(loose, drawn) * comb(population - loose, draws - drawn) / comb(population, draws)
        for ahead in range(wrong + 1):
            first = comb(wrong - ahead + fixed + drawn - 1, fixed + drawn - 1)
            place = first / comb(wrong + fixed + drawn, fixed + drawn)
            rest = (population - loose, above + ahead, draws - drawn)
            total += share * place * hypergeometric(k - 1, *rest)
    return total


def assert_rows_are(rows, truth, target, cells, of_query, of_chance=None):
    rows = list(rows)
    for cell in cells:
        asks = list(truth.asks(target))
        hits = [of_query(*ask, cell.pool, cell.k) for ask in asks]
        seen = [hit is not None for hit in hits]
        if not any(seen):
            continue
        row = rows.pop(0)
        assert (row.target, row.k, row.full) == (target, cell.k, cell.pool == FULL)
        assert row.recall == pytest.approx(np.mean([hit for hit in hits if hit is not None]), abs=1e-9)
        assert row.queries == sum(seen)
        assert row.coverage == np.mean(seen)
        assert row.lift == pytest.approx(row.recall / row.chance)
        assert row.low <= row.recall <= row.high
        assert row.pool == (
            max(len(ask[0]) for ask, there in zip(asks, seen, strict=True) if there)
            if row.full
            else cell.pool
        )
        if of_chance is not None:
            chances = [of_chance(*ask, cell.pool, cell.k) for ask in asks]
            expected = np.mean([chance for chance in chances if chance is not None])
            assert row.chance == pytest.approx(expected, abs=1e-9)
    assert not rows


def rows_by(rows, target, direction):
    return [row for row in rows if (row.target, row.direction) == (target, direction)]


@EVERY
@pytest.mark.parametrize("seed", quick(2, range(6)))
def test_every_pool_and_every_order_of_the_tied_written_out(seed, distractors):
    images, reports, study, patient, text = cohort(seed, images=9, studies=8, patients=5, texts=4)
    links = links_of(study, patient, text)
    cells = [Cell(pool, k) for pool in (2, 4, 6, FULL) for k in (1, 2, 3)]
    ways = linked(images, reports, links, distractors=distractors)
    rows, notes = target_rows(ways, links, cells, FEW, patients=True)
    for target, direction in (("text", FORTH), ("patient", FORTH), ("patient", BACK)):
        truth = Truth(images, reports, study, patient, text, direction, distractors)
        found = rows_by(rows, target, direction)
        assert_rows_are(found, truth, target, cells, hit_in_all_pools, chance_in_all_pools)
        if target == "patient":
            told = [note for note in notes if f"({direction}) has no row for --pool" in note]
            assert len(told) == (
                len({cell.pool for cell in cells}) > len({(row.pool, row.full) for row in found})
            )
    assert rows_by(rows, "text", BACK) == []


@EVERY
@pytest.mark.parametrize("seed", quick(1, range(4)))
def test_larger_galleries_counted_in_whole_numbers(seed, distractors):
    size = (60, 90, 120, 150)[seed]
    images, reports, study, patient, text = cohort(
        seed, images=size, studies=size - 20, patients=size // 4, texts=size // 3, width=2 + seed % 2
    )
    dtype = (np.float16, np.float32, np.float64, np.float32)[seed]
    images, reports = images.astype(dtype), reports.astype(dtype)
    links = links_of(study, patient, text)
    cells = [Cell(10, 1), Cell(30, 5), Cell(FULL, 1), Cell(FULL, 10), Cell(10, 10)]
    ways = linked(images, reports, links, distractors=distractors)
    assert (ways[0].table.standings["all"].ties > same_text(ways[0], links.text)).sum() > 10
    rows, _ = target_rows(ways, links, cells, FEW, patients=True)
    for target, direction in (("text", FORTH), ("patient", FORTH), ("patient", BACK)):
        truth = Truth(images, reports, study, patient, text, direction, distractors)
        assert_rows_are(rows_by(rows, target, direction), truth, target, cells, hit_counted)
    for way in ways:
        alone = linked(images, reports, links, way.table.direction, distractors)
        assert target_rows(alone, links, cells, FEW, patients=True)[0] == [
            row for row in rows if row.direction == way.table.direction
        ]


@EVERY
@pytest.mark.parametrize("seed", range(3))
def test_the_best_own_candidate_and_who_is_above_it_as_a_double_loop_finds_them(seed, distractors):
    rng = np.random.default_rng(seed)
    images, reports, study, patient, text = cohort(seed, images=80, studies=50, patients=20, texts=30)
    images += rng.normal(size=images.shape) / 10
    links = links_of(study, patient, text)
    asked = 0
    for way in linked(images, reports, links, distractors=distractors):
        truth = Truth(images, reports, study, patient, text, way.table.direction)
        got = patient_standing(way, links)
        for query, (scores, own) in enumerate(zip(truth.scores, truth.patient, strict=True)):
            gap = scores - scores[own].max()
            assert got.own[query] == own.sum()
            assert got.own_ties[query] == (own & (np.abs(gap) <= oracle.TIE)).sum()
            assert got.others.eligible[query] == (~own).sum() + 1
            assert got.others.above[query] == (~own & (gap > oracle.TIE)).sum()
            assert got.others.ties[query] == (~own & (np.abs(gap) <= oracle.TIE)).sum()
            asked += scores[truth.mate[query]] < scores[own].max() - oracle.TIE
    assert asked > 20


@EVERY
@given(st.integers(0, 10_000))
def test_reports_of_one_text_are_counted_among_those_eligible(distractors, seed):
    images, reports, study, patient, text = cohort(seed, images=12, studies=9, patients=5, texts=3)
    links = links_of(study, patient, text)
    (way,) = linked(images, reports, links, FORTH, distractors)
    truth = Truth(images, reports, study, patient, text, FORTH, distractors)
    expected = (truth.eligible & truth.text & ~truth.mates).sum(axis=1)
    np.testing.assert_array_equal(same_text(way, links.text), expected)


CELLS = [Cell(pool, k) for pool in (5, 20, FULL) for k in (1, 2, 5)]


@EVERY
@pytest.mark.parametrize("seed", range(3))
def test_text_level_is_never_below_study_level_and_recall_rises_with_k(seed, distractors):
    images, reports, study, patient, text = cohort(seed, images=100, studies=70, patients=30, texts=20)
    links = links_of(study, patient, text)
    ways = linked(images, reports, links, distractors=distractors)
    rows, _ = target_rows(ways, links, CELLS, FEW, patients=True)
    of_text = rows_by(rows, "text", FORTH)
    for wider, mate in zip(of_text, recall_rows(ways[0].table, CELLS, FEW), strict=True):
        assert wider.recall >= mate.recall - 1e-12
        assert wider.chance >= mate.chance
        assert {*plain(wider)} == {*plain(mate), "target"}
        assert (wider.pool, wider.k, wider.queries) == (mate.pool, mate.k, mate.queries)
    for first, then in pairwise(rows):
        if first.k < then.k:
            assert first.recall <= then.recall
            assert first.chance <= then.chance


def test_with_one_study_a_patient_and_one_study_a_text_all_three_are_alike():
    rng = np.random.default_rng(0)
    images, reports = rng.integers(-3, 4, (2, 70, 2)) + 0.5
    names = np.arange(70)
    links = links_of(names, names, names)
    ways = linked(images, reports, links)
    rows, _ = target_rows(ways, links, CELLS, FEW, patients=True)
    for way in ways:
        expected = recall_rows(way.table, CELLS, FEW)
        of_patient = rows_by(rows, "patient", way.table.direction)
        assert_same(of_patient, expected)
        if way.table.direction == FORTH:
            assert way.table.standings["all"].ties.sum() > 50
            assert_same(rows_by(rows, "text", FORTH), expected)


def assert_same(rows, expected):
    for row, mate in zip(rows, expected, strict=True):
        assert {key: getattr(row, key) for key in plain(mate)} == {
            key: pytest.approx(value, rel=1e-12, abs=1e-12) if isinstance(value, float) else value
            for key, value in plain(mate).items()
        }


def test_vectors_drawn_at_random_sit_on_chance_and_below_it_where_texts_repeat():
    """Reports of one text stand together, so of two that are first, both or none are right."""
    gaps = []
    for seed in range(30):
        _, _, study, patient, text = cohort(seed, images=60, studies=40, patients=15, texts=25)
        rng = np.random.default_rng([seed, 1])
        images, of_text = rng.normal(size=(60, 8)), rng.normal(size=(25, 8))
        links = links_of(study, patient, text)
        ways = linked(images, of_text[text], links)
        rows, _ = target_rows(ways, links, [Cell(20, 1), Cell(FULL, 5)], FEW, patients=True)
        gaps.append([row.recall - row.chance for row in rows])
    steps = np.mean(gaps, axis=0) / np.std(gaps, axis=0) * np.sqrt(30)
    assert [row.target for row in rows] == ["text"] * 2 + ["patient"] * 4
    assert (steps[:2] < -2).all()
    assert (np.abs(steps[2:]) < 3).all()


def test_where_reports_of_one_text_have_different_vectors_there_are_no_text_level_rows():
    images, reports, study, patient, text = cohort(0, images=30, studies=30, patients=30, texts=5)
    reports = reports + np.random.default_rng(0).normal(size=reports.shape)
    links = links_of(study, patient, text)
    rows, notes = target_rows(linked(images, reports, links, FORTH), links, CELLS, FEW, patients=False)
    assert rows == []
    assert notes == [
        "Text-level linkage is left out, as reports of one text have different vectors; give every report of "
        "a text the same vector."
    ]


def test_where_neither_texts_nor_patients_are_known_there_are_no_rows():
    images, reports, study, *_ = cohort(0, images=30, studies=30, patients=30, texts=5)
    links = links_of(study, None, None)
    ways = linked(images, reports, links)
    assert target_rows(ways, links, CELLS, FEW, patients=False) == ([], [])
    rows, notes = target_rows(ways, links, CELLS, FEW, patients=True)
    assert rows == []
    assert notes == ["Patient-level linkage is left out, as patients are not known; give patient_id."]


@EVERY
def test_a_patient_id_that_stands_for_many_has_no_value_and_a_note(monkeypatch, distractors):
    monkeypatch.setattr(targets, "MANY", 6)
    images, reports, study, patient, text = cohort(3, images=60, studies=50, patients=25, texts=30)
    patient = np.where(np.isin(study, np.unique(study)[:12]), 99, patient + 100)
    links = links_of(study, patient, text)
    unknown = int((patient == 99).sum())
    ways = linked(images, reports, links, distractors=distractors)
    rows, notes = target_rows(ways, links, [Cell(FULL, 1)], FEW, patients=True)
    for way, kind in zip(ways, ("reports", "images"), strict=True):
        truth = Truth(images, reports, study, patient, text, way.table.direction)
        crowded = truth.patient.sum(axis=1) > 6
        assert crowded.sum() >= unknown
        asks = [ask for ask, many in zip(truth.asks("patient"), crowded, strict=True) if not many]
        (row,) = rows_by(rows, "patient", way.table.direction)
        assert row.queries == len(asks)
        expected = np.mean([hit_counted(*ask, FULL, 1) for ask in asks])
        assert row.recall == pytest.approx(expected, abs=1e-9)
        named = len(set(patient[crowded]))
        assert notes.pop(0) == (
            f"Patient-level linkage ({way.table.direction}) leaves out {crowded.sum()} queries, as {named} "
            f"patients have more than 6 {kind} each; leave patient_id blank where the patient is unknown."
        )


def test_who_has_no_patient_id_is_alone_and_reports_that_nobody_asks_for_are_others():
    rng = np.random.default_rng(5)
    images, reports = rng.normal(size=(4, 3)), rng.normal(size=(9, 3))
    pairs = {
        "pair_id": list("abcd"),
        "candidate": [0, 1, 2, 3],
        "patient_id": ["p", None, "p", " "],
        "report_hash": ["x", None, "y", None],
    }
    links = Links.from_pairs(pl.DataFrame(pairs), 4, 9, "pairs.csv")
    (way,) = linked(images, reports, links, FORTH)
    got = patient_standing(way, links)
    assert got.own.tolist() == [2, 1, 2, 1]
    assert got.others.eligible.tolist() == [8, 9, 8, 9]
    assert same_text(way, links.text).tolist() == [0, 0, 0, 0]
