"""Whose pairs trained heads, guessed from the heads: the likelihood-ratio attack, patient by patient.

After Carlini and others (LiRA, 2112.03570): an attacker who holds the patient's pairs trains shadow heads,
half of them on the patient, and looks whether the heads that were released treat the patient as the ones do
or as the others. What is looked at is how far a patient's own pairs stand out: the log-odds of the mate among
a bank of other candidates, in both directions.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from relinkage.compiled import compiled
from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.settings import Resampling
from relinkage.linkage.uncertainty import ClusterBootstrap, draw_patients, evened

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BANK = 1024
"""Pairs whose sides every mate is held against, at most; all trainings see the same."""
LEAST_SPREAD = 1e-9
"""A patient's deviation over shadow heads is no less than this share of that of all patients."""
_ROWS, _CHUNK = 4096, 64


def log_odds(images: Floats32, reports: Floats32, patient: Ints, bank: Ints, temperature: float) -> Floats:
    """Compute how far each patient's own pairs stand out.

    Of a pair with cosine s: s/τ − log Σ exp(s'/τ), over the bank's reports for its image and over the bank's
    images for its report; the mean of both, and over the patient's pairs. The patient's own pairs are no part
    of the bank.

    Args:
        images: float32, unit rows, shape (pairs, d).
        reports: float32, unit rows, shape (pairs, d): row i belongs to image i.
        patient: int64, shape (pairs,): patients numbered from 0 on without a gap.
        bank: int64: rows of the bank, of two patients or more.
        temperature: τ.

    Returns:
        float64, shape (patients,).

    Examples:
        >>> import numpy as np
        >>> sides = np.eye(3, dtype=np.float32)
        >>> log_odds(sides, sides, np.arange(3), np.arange(3), 1.0).round(3)
        array([0.307, 0.307, 0.307])
    """
    odds = np.empty(len(images))
    for start in range(0, len(images), _ROWS):
        rows = slice(start, start + _ROWS)
        mates = (images[rows].astype(np.float64) * reports[rows]).sum(axis=1) / temperature
        own = patient[rows, None] == patient[bank]
        others = []
        for queries, candidates in ((images, reports), (reports, images)):
            scores = (queries[rows] @ candidates[bank].T).astype(np.float64) / temperature
            scores[own] = -np.inf
            others.append(logsumexp(scores, axis=1))
        odds[rows] = mates - (others[0] + others[1]) / 2
    return np.bincount(patient, odds) / np.bincount(patient)


def shadow_coins(shadows: int, patients: int, random: np.random.Generator) -> Bools:
    """Draw which patients each shadow training has: every patient trains exactly half of them.

    Args:
        shadows: how many trainings, an even number.
        patients: how many patients.
        random: where the draw comes from.

    Returns:
        bool, shape (shadows, patients).
    """
    return random.random((shadows, patients)).argsort(axis=0) < shadows // 2


def log_likelihood_ratios(scores: Floats, shadows: Floats, inside: Bools) -> Floats:
    """Compute how much likelier heads are that a patient trained than heads that the patient did not.

    Over shadow heads a patient's score is taken for normal, with a mean of those that the patient trained and
    one of the others, and with one variance for both, estimated from both: of as few scores as there are, two
    variances say less than they cost. So with means m and m', variance v, and a score x, the logarithm of
    the ratio of both densities is (m − m') (x − (m + m')/2) / v.

    Args:
        scores: float64, shape (heads, patients): of the heads that are attacked.
        shadows: float64, shape (shadows, patients): of the shadow heads, at least four.
        inside: bool, shape (shadows, patients): whose pairs trained each; each patient trains two at least,
            and two others not.

    Returns:
        float64, shape (heads, patients).
    """
    means, squares = [], np.zeros(shadows.shape[1])
    for chosen in (inside, ~inside):
        means.append(shadows.mean(axis=0, where=chosen))
        squares += ((shadows - means[-1]) ** 2).sum(axis=0, where=chosen)
    variance = squares / (len(shadows) - 2)
    floor = max(LEAST_SPREAD**2 * float(variance.mean()), np.finfo(np.float64).tiny)
    return (means[0] - means[1]) * (scores - (means[0] + means[1]) / 2) / np.maximum(variance, floor)


def rates_at(scores: Floats, inside: Bools, rate: float, resampling: Resampling) -> ClusterBootstrap:
    """Measure the share of patients who trained that is claimed where so large a share of the others is.

    The rate is kept exactly: of scores that tie at the threshold a share is claimed. Replicates draw patients
    with all their scores, and set the threshold again.

    Args:
        scores: float64, shape (heads, patients): larger for those who look trained on.
        inside: bool, shape (heads, patients): who trained each.
        rate: the false positive rate.
        resampling: how replicates are drawn.

    Returns:
        One cell: the true positive rate.
    """
    patients, ranked = scores.shape[1], _ranked(scores, inside)
    value = _rates(*ranked, np.ones((1, patients)), rate)
    stream = np.random.SeedSequence(resampling.seed).generate_state(1, np.uint64)[0]
    drawn = []
    for start in range(0, resampling.replicates, _CHUNK):
        weights = np.empty((min(_CHUNK, resampling.replicates - start), patients))
        draw_patients(stream, start, weights)
        drawn.append(_rates(*ranked, weights, rate))
    replicates = np.concatenate(drawn)[:, None]
    counts = inside.sum(axis=0, dtype=np.float64)[:, None]
    effective_patients, variance = evened(counts), np.nanvar(replicates, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.minimum(value * (1 - value) / variance, counts.sum())
    effective = np.where(variance > 0, effective, effective_patients)
    return ClusterBootstrap(value, replicates, (counts > 0).sum(axis=0), effective_patients, effective)


def true_positive_rate(scores: Floats, inside: Bools, rate: float) -> float:
    """Return the share of patients who trained that is claimed where so large a share of the others is.

    Args:
        scores: float64, shape (patients,).
        inside: bool, shape (patients,): who trained; some did, and some did not.
        rate: the false positive rate, kept exactly.
    """
    ranked = _ranked(scores[None], inside[None])
    return float(_rates(*ranked, np.ones((1, len(scores))), rate)[0])


def _ranked(scores: Floats, inside: Bools) -> tuple[Ints, Bools, Bools]:
    """Sort scores, the highest first: patient, who trained, and where a run of tied scores ends."""
    order = np.argsort(-scores.ravel(), kind="stable")
    patient = np.tile(np.arange(scores.shape[1]), len(scores))
    ends = np.append(-np.diff(scores.ravel()[order]) > TIE, True)
    return patient[order], inside.ravel()[order], ends


@compiled
def _rates(patient: Ints, positive: Bools, ends: Bools, weights: Floats, rate: float) -> Floats:
    """Go down the scores until so many of the others are claimed, for each set of weights."""
    out = np.empty(len(weights))
    for row in range(len(weights)):
        weight = weights[row]
        inside, outside = 0.0, 0.0
        for place in range(len(patient)):
            if positive[place]:
                inside += weight[patient[place]]
            else:
                outside += weight[patient[place]]
        allowed = rate * outside
        claimed, false, tied_inside, tied_outside = 0.0, 0.0, 0.0, 0.0
        for place in range(len(patient)):
            if positive[place]:
                tied_inside += weight[patient[place]]
            else:
                tied_outside += weight[patient[place]]
            if ends[place]:
                if false + tied_outside > allowed:
                    claimed += tied_inside * (allowed - false) / tied_outside
                    break
                claimed, false = claimed + tied_inside, false + tied_outside
                tied_inside, tied_outside = 0.0, 0.0
        out[row] = claimed / inside if inside > 0 else np.nan
    return out
