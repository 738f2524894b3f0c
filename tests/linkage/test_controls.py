"""Attackers who know nothing sit on chance, whatever the embeddings; where counts are wrong, they do not."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.controls import recall_ceiling
from relinkage.records import plain

NAMES = ("scrambled mates", "random scorer")


def hospital(seed, cone=3.0, noise=0.3):
    """Images that find their reports easily, in a narrow cone; patients with studies, studies with images."""
    rng = np.random.default_rng(seed)
    study = np.sort(rng.integers(0, 400, 700))
    patient = study // 3
    reports = (rng.normal(size=(400, 24)) + cone).astype(np.float32)
    reports[::5] = reports[0]  # template reports
    images = (reports[study] + noise * rng.normal(size=(700, 24))).astype(np.float32)
    pairs = pl.DataFrame(
        {"pair_id": [str(row) for row in range(700)], "study_id": study, "patient_id": patient}
    )
    return images, reports[study], Links.from_pairs(pairs, 700, 700, "pairs")


@pytest.mark.parametrize("distractors", ["all", "other-patients"])
@pytest.mark.parametrize(("seed", "cone"), [(0, 0), (1, 3), (2, 30)])
def test_both_controls_sit_on_chance_where_the_signal_is_strong(seed, cone, distractors):
    settings = AuditSettings(pool=(10, 100, "full"), direction="both", distractors=distractors, seed=seed)
    result = measure(*hospital(seed, cone), settings).result
    controls = result.controls
    assert {row.control for row in controls} == set(NAMES)
    assert {row.direction for row in controls} == {"image-to-report", "report-to-image"}
    assert len(controls) == 2 * len(result.closed_set)
    assert [row for row in controls if not row.on_chance] == []
    assert not any(row.on_chance for row in result.closed_set if row.k < row.pool)


def test_scrambled_mates_show_a_pass_that_favours_mates(monkeypatch):
    from relinkage.linkage import controls, ranks

    def favours(*arguments, **options):
        counts = ranks.count_ranks(*arguments, **options)
        return replace(counts, above=counts.above // 4)

    monkeypatch.setattr(controls, "count_ranks", favours)
    settings = AuditSettings(pool=(100,), k=(1, 5))
    rows = measure(*hospital(0), settings).result.controls
    assert {(row.control, row.on_chance) for row in rows} == {(NAMES[0], False), (NAMES[1], True)}


def test_scrambled_mates_show_an_array_order_that_decides_ties(monkeypatch):
    """The classic mistake: tied candidates counted as below the mate."""
    from relinkage.linkage import controls, ranks

    def optimistic(*arguments, **options):
        counts = ranks.count_ranks(*arguments, **options)
        return replace(counts, ties=counts.ties * 0)

    monkeypatch.setattr(controls, "count_ranks", optimistic)
    images, reports, links = hospital(0)
    reports = np.where(np.arange(700)[:, None] % 2, reports[0], reports)
    rows = measure(images, reports, links, AuditSettings(pool=(100,), k=(1,))).result.controls
    assert [row.on_chance for row in rows] == [False, True]


def test_a_random_scorer_shows_intervals_or_chance_that_are_wrong(monkeypatch):
    monkeypatch.setattr("relinkage.linkage.measures.chance", lambda standing, cell: 0.1)
    rows = measure(*hospital(0), AuditSettings(pool=(100,), k=(5,))).result.controls
    assert [row.on_chance for row in rows] == [False, False]  # chance is 0.05


def test_controls_come_from_the_seed():
    def controls(seed):
        settings = AuditSettings(pool=(100,), k=(1,), replicates=100, seed=seed)
        return [row.recall for row in measure(*hospital(0), settings).result.controls]

    assert controls(0) == controls(0)
    assert all(a != b for a, b in zip(controls(0), controls(1), strict=True))


def test_the_ceiling_that_identical_reports_set():
    """Two of three candidates share a text: who finds it still has to guess between them."""
    pairs = pl.DataFrame({"pair_id": list("abcd"), "candidate": [0, 1, 2, 2]})
    links = Links.from_pairs(pairs, 4, 3, "pairs")
    assert plain(recall_ceiling(links, np.array([7, 7, 9]))) == {
        "known": False,
        "texts": 2,
        "largest": 2,
        "queries_sharing": 0.5,
        "recall_at_1_ceiling": (0.5 + 0.5 + 1 + 1) / 4,
    }


def test_a_perfect_attacker_reaches_the_ceiling_and_no_more():
    rng = np.random.default_rng(0)
    reports = rng.normal(size=(60, 8))[rng.integers(0, 60, 60)]
    result = measure(reports, reports, settings=AuditSettings(pool=("full",), k=(1,))).result
    assert not result.duplicates.known
    assert result.duplicates.recall_at_1_ceiling < 0.9
    assert result.closed_set[0].recall == pytest.approx(result.duplicates.recall_at_1_ceiling)
