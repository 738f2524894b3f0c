"""What candidates move recall by follows from pools written out, and intervals cover cohorts drawn anew."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.gallery import candidate_moves, gallery_widening
from relinkage.linkage.measures import FULL, Cell, closed_set_rows
from relinkage.linkage.settings import Resampling
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link


def scene(seed, direction="image-to-report", distractors="all", pairs=9):
    """Few pairs on a lattice, so that candidates tie; a study has two images, a patient two studies."""
    rng = np.random.default_rng(seed)
    study = np.arange(pairs) // 2
    reports = rng.integers(-1, 2, (pairs, 2)) + 0.25
    images = reports[study] + rng.integers(-1, 2, (pairs, 2))
    table = pl.DataFrame(
        {
            "pair_id": [str(row) for row in range(pairs)],
            "study_id": [f"s{number}" for number in study],
            "patient_id": [f"p{number // 2}" for number in study],
        }
    )
    links = Links.from_pairs(table, pairs, pairs, "pairs")
    settings = AuditSettings(direction=direction, distractors=distractors)
    sides = Vectors.prepare(images, "i"), Vectors.prepare(reports[study][links.candidate_row], "r")
    (way,) = link(*sides, links, settings)
    return way, links


def written_out(way, pool, k):
    """For each query and candidate: P(hit | candidate in the pool) − P(hit), over all pools of the size."""
    units = [np.asarray(side.given, float) for side in (way.queries, way.candidates)]
    units = [unit / np.linalg.norm(unit, axis=1, keepdims=True) for unit in units]
    scores = np.round(units[0] @ units[1].T, 10)
    barred = set(zip(*(rows.tolist() for rows in way.left_out), strict=True)) if way.left_out else set()
    moves, queries = np.zeros(scores.shape[1]), 0
    for i, row in enumerate(scores):
        mate = row[way.mate[i]]
        others = [j for j in range(len(row)) if j != way.mate[i] and (i, j) not in barred]
        if pool - 1 > len(others):
            continue
        queries += 1
        hits = []
        for chosen in combinations(others, pool - 1):
            above = sum(row[j] > mate for j in chosen)
            ties = sum(row[j] == mate for j in chosen)
            hits.append((chosen, np.mean([above + lifted < k for lifted in range(ties + 1)])))
        mean = np.mean([hit for _, hit in hits])
        for j in others:
            inside = np.mean([hit for chosen, hit in hits if j in chosen])
            moves[j] += (pool - 1) / len(others) * (inside - mean)
    return moves / max(queries, 1)


@pytest.mark.parametrize("direction", ["image-to-report", "report-to-image"])
@pytest.mark.parametrize("distractors", ["all", "other-patients"])
@pytest.mark.parametrize("seed", range(4))
def test_moves_are_those_of_all_pools_written_out(seed, distractors, direction):
    way, _ = scene(seed, direction, distractors)
    cells = [Cell(2, 1), Cell(3, 2), Cell(3, 1), Cell(4, 1), Cell(4, 3), Cell(FULL, 1)]
    moves = candidate_moves(way, cells)
    for place, cell in enumerate(cells):
        expected = 0 if cell.pool == FULL else written_out(way, cell.pool, cell.k)
        np.testing.assert_allclose(moves[:, place], expected, atol=1e-12)


def test_together_candidates_move_nothing():
    way, _ = scene(1, pairs=300)
    moves = candidate_moves(way, [Cell(10, 1), Cell(100, 5)])
    assert abs(moves).max() > 1e-4
    np.testing.assert_allclose(moves.sum(axis=0), 0, atol=1e-12)


def test_tiles_do_not_matter(monkeypatch):
    way, _ = scene(2, pairs=200)
    whole = candidate_moves(way, [Cell(10, 1), Cell(50, 5)])
    module = __import__("sys").modules["relinkage.linkage.gallery"]
    monkeypatch.setattr(module, "_COLUMNS", 7)
    monkeypatch.setattr(module, "_ROWS", 11)
    np.testing.assert_allclose(candidate_moves(way, [Cell(10, 1), Cell(50, 5)]), whole, atol=1e-14)


def test_rows_say_what_varies_and_are_never_narrower():
    rng = np.random.default_rng(3)
    reports = rng.normal(size=(200, 8))
    images = reports + rng.normal(size=(200, 8))
    both, fixed = (
        measure(
            images,
            reports,
            settings=AuditSettings(pool=(10, 100, "full"), k=(1, 10), replicates=200, varies=varies),
        ).result
        for varies in ("patients-and-gallery", "patients")
    )
    for wide, narrow in zip(both.closed_set, fixed.closed_set, strict=True):
        assert narrow.varies == "patients"
        assert wide.varies == ("patients" if wide.full else "patients-and-gallery")
        assert wide.recall == narrow.recall
        assert wide.low <= narrow.low
        assert wide.high >= narrow.high
        if wide.pool == wide.k:
            assert wide.low == wide.high == 1
    assert both.closed_set[0].low < fixed.closed_set[0].low


def cohort(rng, patients):
    """Draw patients of ten kinds, some common; those of one kind are hard to tell apart."""
    kinds, shares = np.random.default_rng(1).normal(size=(10, 12)), np.random.default_rng(2)
    kind = rng.choice(10, patients, p=shares.dirichlet(np.full(10, 0.5)))
    signal = kinds[kind] + 0.35 * rng.normal(size=(patients, 12))
    return [signal + 0.35 * rng.normal(size=signal.shape) for _ in range(2)]


def covered(cohorts, patients, cell):
    """Give the share of cohorts, gallery and all drawn anew, whose interval holds it: fixed and both."""
    rng, found = np.random.default_rng(patients), []
    for seed in range(cohorts):
        images, reports = cohort(rng, patients)
        links = Links.row_by_row(patients, patients)
        (way,) = link(Vectors.prepare(images, "i"), Vectors.prepare(reports, "r"), links, AuditSettings())
        for gallery in (None, gallery_widening(way, links, [cell])):
            some = Resampling(replicates=200, seed=seed)
            ((row,), _) = closed_set_rows(way.table, [cell], (), some, gallery=gallery)
            found.append((row.recall, row.low, row.high))
    recall, low, high = np.array(found).reshape(cohorts, 2, 3).transpose(2, 0, 1)
    return ((low <= recall.mean()) & (recall.mean() <= high)).mean(axis=0)


def test_a_cohort_drawn_anew_is_allowed_for():
    assert covered(60, 60, Cell(10, 1))[1] >= 0.88


@pytest.mark.slow
@pytest.mark.parametrize("patients", [100, 200])
def test_of_500_cohorts_93_in_a_hundred_hold_the_truth(patients):
    fixed, both = covered(500, patients, Cell(10, 1))
    assert fixed < both
    assert 0.93 <= both <= 0.98
