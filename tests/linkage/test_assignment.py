"""Matched one to one: as scipy matches the whole table of scores, and more than a ranking finds."""

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linear_sum_assignment

import relinkage as rl
from relinkage.linkage import Links
from relinkage.linkage.assignment import assignment_row
from relinkage.linkage.settings import Resampling
from relinkage.linkage.vectors import Vectors

ROWS = 300
HOW = Resampling(replicates=200)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def drawn(seed=0, noise=0.6):
    random = np.random.default_rng(seed)
    images = random.normal(size=(ROWS, 12))
    return images, images + noise * random.normal(size=(ROWS, 12))


def test_it_matches_what_scipy_matches_and_beats_the_ranking():
    images, reports = drawn()
    links = Links.row_by_row(ROWS, ROWS)
    row = assignment_row(Vectors.prepare(images, ""), Vectors.prepare(reports, ""), links, HOW)
    scores = unit(images) @ unit(reports).T
    expected = linear_sum_assignment(-scores)[1] == np.arange(ROWS)
    assert row.matched == expected.sum()
    assert row.share == pytest.approx(expected.mean())
    assert row.low < row.share < row.high
    ranked = (scores.argmax(axis=1) == np.arange(ROWS)).sum()
    assert row.matched > ranked + 10
    assert (row.studies, row.candidates, row.chance) == (ROWS, ROWS, 1 / ROWS)


def test_the_images_of_a_study_are_one_and_reports_without_an_image_may_stay_alone():
    images, reports = drawn()
    mate = np.repeat(np.arange(200), 2)
    random = np.random.default_rng(1)
    seen = images[mate] + random.normal(size=(400, 12))
    pairs = pl.DataFrame(
        {
            "pair_id": [str(row) for row in range(400)],
            "candidate": mate,
            "patient_id": [f"p{m}" for m in mate],
        }
    )
    links = Links.from_pairs(pairs, 400, ROWS, "--pairs")
    row = assignment_row(Vectors.prepare(seen, ""), Vectors.prepare(reports, ""), links, HOW)
    sums = unit(seen).reshape(200, 2, 12).sum(axis=1)
    expected = linear_sum_assignment(-(sums @ unit(reports).T))[1] == np.arange(200)
    assert (row.studies, row.candidates, row.patients) == (200, ROWS, 200)
    assert row.matched == expected.sum()


def test_beyond_what_memory_can_hold_there_is_no_row(monkeypatch):
    monkeypatch.setattr("relinkage.linkage.assignment.LARGEST", 200)
    images, reports = drawn()
    links = Links.row_by_row(ROWS, ROWS)
    assert assignment_row(Vectors.prepare(images, ""), Vectors.prepare(reports, ""), links, HOW) is None


def test_an_attack_has_it_where_it_was_asked_for():
    images, reports = drawn()
    alone = rl.attack(images, reports, attackers="assignment", replicates=200)
    assert list(alone) == ["cosine"]
    scores = unit(images) @ unit(reports).T
    expected = linear_sum_assignment(-scores)[1] == np.arange(ROWS)
    assert alone["cosine"].result.assignment.matched == expected.sum()
    said = f"Matched one to one by the scores of cosine, {expected.sum()} of 300"
    assert any(note.startswith(said) for note in alone["cosine"].notes)
    both = rl.attack(images, reports, attackers=["csls", "cosine", "assignment"], replicates=200)
    assert both["csls"].result.assignment is None
    assert both["cosine"].result.assignment is not None
    assert rl.attack(images, reports, attackers="csls", replicates=200)["csls"].result.assignment is None
