"""An audit's intervals cover the truth: cohorts drawn from a model whose expected recall is known exactly."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import hypergeom, norm

from relinkage.linkage import LinkageTable, Resampling, Standing
from relinkage.linkage.measures import FULL, Cell, rank_rows, recall_rows

CANDIDATES = 5000
CELLS = (Cell(100, 1), Cell(1000, 1), Cell(1000, 10), Cell(FULL, 10))
COHORTS = 1000


def cohort(seed, patients, studies, skill, alike):
    """Draw a linkage table in which a patient's studies are alike easy to find.

    Each query's rank is that of a normal number, of which the patient gives a share `alike` of the variance;
    so over patients and studies above = ⌊CANDIDATES · U^skill⌋ with U even on (0, 1).
    """
    random = np.random.default_rng([seed, patients])
    patient = np.repeat(np.arange(patients), random.integers(1, 2 * studies, patients))
    own, each = random.normal(size=patients)[patient], random.normal(size=len(patient))
    place = norm.cdf(np.sqrt(alike) * own + np.sqrt(1 - alike) * each)
    above = np.minimum((CANDIDATES * place**skill).astype(np.int64), CANDIDATES - 1)
    eligible, names = np.full(len(patient), CANDIDATES), pl.Series(np.arange(len(patient)))
    standing = Standing(eligible, above, np.zeros_like(above))
    return LinkageTable("image-to-report", names, patient, np.zeros(len(patient)), {"all": standing})


def true_recalls(skill):
    """The expectation of Recall@K over that law of `above`, summed up place by place."""
    share = np.diff((np.arange(CANDIDATES + 1) / CANDIDATES) ** (1 / skill))
    pools = [CANDIDATES if cell.pool == FULL else cell.pool for cell in CELLS]
    draws = [hypergeom(CANDIDATES - 1, np.arange(CANDIDATES), pool - 1) for pool in pools]
    return np.array([share @ drawn.cdf(cell.k - 1) for drawn, cell in zip(draws, CELLS, strict=True)])


def covered(cohorts, truth, patients_known=True, **model):
    """Give, for each cell, the share of cohorts whose interval holds the truth."""
    held = np.zeros(len(CELLS))
    for seed in range(cohorts):
        table = cohort(seed, **model)
        if not patients_known:
            table = LinkageTable(
                table.direction, table.pair_id, np.arange(len(table)), table.mate_score, table.standings
            )
        rows = recall_rows(table, CELLS, Resampling(seed=seed))
        held += [row.low <= value <= row.high for row, value in zip(rows, truth, strict=True)]
    return held / cohorts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "recalls", "few"),
    [
        ({"patients": 60, "studies": 4, "skill": 3, "alike": 0.4}, (0.194, 0.093, 0.214, 0.126), ()),
        ({"patients": 300, "studies": 3, "skill": 2, "alike": 0.4}, (0.089, 0.029, 0.099, 0.045), ()),
        ({"patients": 400, "studies": 3, "skill": 1.6, "alike": 0.4}, (0.051, 0.012, 0.056, 0.021), (1,)),
        ({"patients": 40, "studies": 3, "skill": 2, "alike": 0.5}, (0.089, 0.029, 0.099, 0.045), (0, 1, 3)),
    ],
    ids=lambda value: f"{value['patients']} patients" if isinstance(value, dict) else "",
)
def test_of_a_thousand_cohorts_95_in_a_hundred_hold_their_true_recall(model, recalls, few):
    """Where hits are few (the cells named) the interval is Clopper and Pearson's, which may be too wide."""
    truth = true_recalls(model["skill"])
    np.testing.assert_allclose(truth, recalls, atol=6e-4)
    share = covered(COHORTS, truth, **model)
    assert (share >= 0.93).all(), share
    assert (np.delete(share, few) <= 0.97).all(), share


@pytest.mark.slow
def test_taking_each_study_for_a_patient_would_promise_too_much():
    """The reason why intervals draw patients: the same cohorts, their patients forgotten."""
    model = {"patients": 40, "studies": 6, "skill": 3, "alike": 0.7}
    truth = true_recalls(3)
    share = covered(150, truth, patients_known=False, **model)
    assert (share < 0.8).all(), share


@pytest.mark.slow
def test_of_300_cohorts_95_in_a_hundred_hold_their_true_reciprocal_rank():
    """The full pool's mean reciprocal rank is the mean of 1 / (above + 1)."""
    share = np.diff((np.arange(CANDIDATES + 1) / CANDIDATES) ** (1 / 3))
    truth = share @ (1 / np.arange(1, CANDIDATES + 1))
    held = 0
    for seed in range(300):
        table = cohort(seed, patients=150, studies=3, skill=3, alike=0.4)
        (row,) = rank_rows(table, [FULL], Resampling(seed=seed))
        held += row.mrr_low <= truth <= row.mrr_high
    assert 0.91 <= held / 300 <= 0.985  # three standard errors of 300 cohorts about 94 to 95 %
