"""The open set equals what counting pools one query at a time gives, at thresholds set on other patients."""

from math import comb

import numpy as np
import pytest

from relinkage.linkage import AuditSettings, Links, Resampling
from relinkage.linkage.open_set import _halves, open_set_rows
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link

PAIRS, RATES = 120, (0.003, 0.01, 0.1)
TIE = 2.0**-40


def scene(seed, distractors="all", direction="image-to-report", strength=0.8):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(PAIRS, 6))
    reports = images * strength + rng.normal(size=(PAIRS, 6))
    reports[:20] = reports[0]
    patient = np.arange(PAIRS) // 2
    links = Links.row_by_row(PAIRS, PAIRS).with_patients(patient)
    settings = AuditSettings(distractors=distractors, direction=direction, resampling=Resampling(seed=seed))
    (way,) = link(Vectors.prepare(images, "i"), Vectors.prepare(reports, "r"), links, settings)
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, reports)]
    scores = unit[0] @ unit[1].T
    scores = scores if direction == "image-to-report" else scores.T
    eligible = ~np.eye(PAIRS, dtype=bool)
    if distractors == "other-patients":
        eligible &= patient[:, None] != patient
    return way, scores, eligible


def false_claim(others, threshold, pool):
    """The chance that a pool without the mate has a score from the threshold on."""
    taken = min(pool, len(others))
    silent = comb(int((others < threshold).sum()), taken)
    return 1 - silent / comb(len(others), taken)


def true_and_wrong_claim(mate, others, threshold, pool):
    taken = min(pool, len(others) + 1) - 1
    above, tied = int((others > mate + TIE).sum()), int((abs(others - mate) <= TIE).sum())
    first = np.mean([comb(len(others) - above - u, taken) for u in range(tied + 1)]) / comb(
        len(others), taken
    )
    silent = (mate < threshold) * comb(int((others < threshold).sum()), taken) / comb(len(others), taken)
    found = (mate >= threshold) * first
    return found, 1 - silent - found


@pytest.mark.parametrize("direction", ["image-to-report", "report-to-image"])
@pytest.mark.parametrize("distractors", ["all", "other-patients"])
@pytest.mark.parametrize("seed", range(3))
def test_every_figure_equals_counting_pools(seed, distractors, direction):
    way, scores, eligible = scene(seed, distractors, direction)
    _, measuring = _halves(way, seed)
    rows = open_set_rows(way, [2, 10, "full"], RATES, Resampling(seed=seed))
    assert len(rows) == 9
    for row in rows:
        pool, threshold = row["pool"], row["threshold"]
        claims = [
            true_and_wrong_claim(scores[i, i], scores[i][eligible[i]], threshold, pool) for i in measuring
        ]
        assert (row["tpir"], row["misidentified"]) == pytest.approx(np.mean(claims, axis=0), abs=1e-9)
        false = np.mean([false_claim(scores[i][eligible[i]], threshold, pool) for i in measuring])
        assert row["fpir_measured"] == pytest.approx(false, abs=1e-9)
        assert row["low"] <= row["tpir"] <= row["high"]


@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_is_the_lowest_that_keeps_to_the_rate_on_other_patients(seed):
    way, scores, eligible = scene(seed)
    setting, measuring = _halves(way, seed)
    assert not set(way.table.patient[setting]) & set(way.table.patient[measuring])
    listed = np.unique(np.concatenate([scores[i][eligible[i]] for i in setting]))
    for row in open_set_rows(way, [2, 10, "full"], RATES, Resampling(seed=seed)):
        threshold = row["threshold"]

        def rate(at, pool=row["pool"]):
            return np.mean([false_claim(scores[i][eligible[i]], at, pool) for i in setting])

        assert rate(threshold) <= row["fpir"] + 1e-9
        lower = listed[listed < threshold - TIE]
        assert rate(lower[-1] - TIE) > row["fpir"] - 1e-9


def test_a_scorer_without_knowledge_finds_at_most_what_it_claims_falsely():
    way, _, _ = scene(4, strength=0.0)
    for row in open_set_rows(way, [10, 50], (0.1,), Resampling()):
        assert row["low"] <= row["fpir"] / row["pool"] + 0.05


def test_the_worth_of_a_claim_falls_with_the_prior():
    way, _, _ = scene(5)
    for row in open_set_rows(way, [10], RATES, Resampling()):
        worth = [entry["ppv"] for entry in row["ppv"] if entry["ppv"] is not None]
        assert worth == sorted(worth, reverse=True)
        for entry in row["ppv"]:
            claims = entry["prior"] * (row["tpir"] + row["misidentified"])
            claims += (1 - entry["prior"]) * row["fpir_measured"]
            assert entry["ppv"] == pytest.approx(entry["prior"] * row["tpir"] / claims)


def test_one_patient_cannot_be_split_in_halves():
    way, _, _ = scene(6)
    alone = Links.row_by_row(PAIRS, PAIRS).with_patients(np.zeros(PAIRS, np.int64))
    (one,) = link(way.queries, way.candidates, alone, AuditSettings())
    assert open_set_rows(one, [10], RATES, Resampling()) == []
