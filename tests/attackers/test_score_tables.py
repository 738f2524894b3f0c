"""Scores of somebody's own are counted as they are, in both directions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relinkage as rl
from relinkage.attackers.tables import table_vectors

ROWS = 60


class Nearest(rl.Attacker):
    """Less the largest difference of any dimension: no inner product."""

    def score(self, images, reports):
        return -np.abs(images[:, None] - reports[None]).max(axis=2)


def by_hand(scores):
    """Expected hits of a first rank, ties broken at random."""
    hits = []
    for row, line in enumerate(scores):
        above, ties = (line > line[row]).sum(), (line == line[row]).sum() - 1
        hits.append(0.0 if above else 1 / (1 + ties))
    return np.mean(hits)


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_recall_is_that_of_the_table_in_both_directions(seed):
    random = np.random.default_rng(seed)
    reports = random.integers(0, 4, size=(ROWS, 3)).astype(float)  # many ties
    images = reports + random.integers(-1, 2, size=(ROWS, 3))
    reports += 1e-3 * np.arange(3)
    attack = rl.attack(images, reports, attackers=Nearest(), direction="both", k=1, replicates=100)
    scores = Nearest().score(images, reports)
    made = attack["nearest"]
    # Equal reports are one text, and an attacker who finds it is right by the share of its studies.
    assert made.recall().value == pytest.approx(by_hand(scores))
    assert made.recall(direction="report-to-image").value == pytest.approx(by_hand(scores.T))


@pytest.mark.parametrize("gap", [1e-3, 1e-9])
def test_a_small_gap_is_no_tie(gap):
    class Close(rl.Attacker):
        def score(self, images, reports):
            return np.where(images[:, :1] == reports[:, 0], 1000 + gap, 1000.0)

    sides = np.arange(1.0, 31)[:, None], np.arange(1.0, 31)[:, None]
    made = rl.attack(*sides, attackers=Close(), k=1, replicates=100)["close"]
    assert made.recall().value == 1
    assert made.result.open_set == ()
    assert all(row.on_chance for row in made.result.controls)


def test_blocks_make_no_difference(monkeypatch):
    random = np.random.default_rng(0)
    images, reports = random.normal(size=(50, 3)), random.normal(size=(35, 3))
    whole = table_vectors(Nearest().score, images, reports, "nearest")
    monkeypatch.setattr("relinkage.attackers.tables._BLOCK", 8)
    for one, other in zip(table_vectors(Nearest().score, images, reports, "nearest"), whole, strict=True):
        np.testing.assert_array_equal(one, other)
    scores = Nearest().score(images, reports)
    np.testing.assert_allclose(whole[0] @ whole[1].T, scores - scores.mean(), atol=1e-12)


def test_mistakes_are_one_sentence(monkeypatch):
    class Wrong(rl.Attacker):
        made = np.zeros((2, 2))

        def score(self, images, reports):
            return self.made

    sides = np.eye(30), np.eye(30)
    with pytest.raises(rl.InputError, match=r"scores of shape \(2, 2\) for 30 images and 30 reports"):
        rl.attack(*sides, attackers=Wrong())
    Wrong.made = np.full((30, 30), np.nan)
    with pytest.raises(rl.InputError, match="made scores that are NaN or infinite"):
        rl.attack(*sides, attackers=Wrong())
    monkeypatch.setattr("relinkage.attackers.tables.LARGEST", 100)
    with pytest.raises(rl.InputError, match="scores 30 × 30 pairs one by one, and at most 100 are held"):
        rl.attack(*sides, attackers=Wrong())


def test_equal_scores_everywhere_are_chance():
    class Flat(rl.Attacker):
        def score(self, images, reports):
            return np.zeros((len(images), len(reports)))

    made = rl.attack(np.eye(30), np.eye(30), attackers=Flat(), k=1, replicates=100)["flat"]
    assert made.recall().value == pytest.approx(1 / 30)
