"""Refitted on drawn pools, an attacker links what one links who is handed each pool."""

import numpy as np
import pytest

import relinkage as rl
from relinkage.attackers.sinkhorn import Sinkhorn

ROWS, POOL = 200, 50
QUICK = {"replicates": 200, "k": [1, 5]}


def sides(seed=0):
    random = np.random.default_rng(seed)
    images = random.normal(size=(ROWS, 12))
    return images, images + 1.1 * random.normal(size=(ROWS, 12))


def handed(images, reports, rounds, seed):
    """Draw pools of pairs, fit Sinkhorn on each, and count whose mate scores highest."""
    random = np.random.default_rng(seed)
    hits = []
    for _ in range(rounds):
        chosen = random.permutation(ROWS)[:POOL]
        left, right = Sinkhorn().transform(images[chosen], reports[chosen])
        hits.append(((left @ right.T).argmax(axis=1) == np.arange(POOL)).mean())
    return np.mean(hits), np.std(hits) / np.sqrt(rounds)


def test_recall_is_that_of_an_attacker_who_is_handed_each_pool():
    images, reports = sides()
    made = rl.attack(images, reports, attackers="sinkhorn", pool=[POOL, "full"], refits=25, **QUICK)
    (row,) = [row for row in made["sinkhorn"].result.closed_set if row.pool == POOL and row.k == 1]
    assert row.refits == 25
    assert not row.full
    expected, error = handed(images, reports, 200, seed=1)
    assert row.recall == pytest.approx(expected, abs=4 * error)
    assert row.chance == pytest.approx(1 / POOL)
    # Potentials of the full gallery, applied to small pools, are another attacker's.
    cosine = rl.attack(images, reports, attackers="cosine", pool=[POOL], **QUICK)["cosine"].recall(pool=POOL)
    assert row.recall > cosine.value + 0.02


def test_only_attackers_of_the_gallery_are_refitted_and_the_audit_says_so(tmp_path):
    made = rl.attack(*sides(), attackers=["cosine", "csls"], pool=[POOL, "full"], refits=2, **QUICK)
    assert {row.refits for row in made["cosine"].result.closed_set} == {0}
    result = made["csls"].result
    assert [(row.pool, row.k, row.refits) for row in result.closed_set] == [
        (POOL, 1, 2), (POOL, 5, 2), (ROWS, 1, 0), (ROWS, 5, 0),
    ]  # fmt: skip
    assert result.settings.pool == (POOL, "full")
    assert any("drawn in 2 rounds, on each of which it was fitted" in note for note in result.notes)
    assert made.row.full
    made["csls"].save(tmp_path / "run")
    card = (tmp_path / "run/card.md").read_text()
    assert "is a mean over drawn pools, on each of which the attacker was fitted" in card
    assert "no pool is sampled" not in card + (tmp_path / "run/page.html").read_text()


def test_both_directions_patients_and_several_images_a_study_keep_their_meaning():
    images, reports = sides()
    twice = np.repeat(np.arange(ROWS), 2)
    random = np.random.default_rng(3)
    pairs = rl.Pairs(study=[f"s{row}" for row in twice], patient=[f"p{row // 2}" for row in twice])
    seen = images[twice] + 0.1 * random.normal(size=(2 * ROWS, 12))
    made = rl.attack(
        seen, reports[twice], pairs, attackers="csls", pool=[POOL], refits=2, direction="both", **QUICK
    )
    rows = [row for row in made["csls"].result.closed_set if row.refits]
    assert {row.direction for row in rows} == {"image-to-report", "report-to-image"}
    assert {row.pool for row in rows} == {POOL}
    assert all(0.1 < row.recall <= 1 for row in rows)
    assert all(row.queries == 2 * ROWS for row in rows if row.direction == "image-to-report")
