"""Choosing an attacker's settings on the auxiliary pairs alone, on patients that it was not fitted on.

What is minimised is the mean logarithm of the rank of the mate among the held-out pairs, in both directions.
It uses every held-out pair, where Recall@1 would rest on the few that rank first.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from relinkage.attackers.protocol import AuxiliaryPairs, Fitted, Floats, Ints
from relinkage.linkage.scores_and_ties import TIE
from relinkage.progress import progress

FOLDS = 5
LARGEST_FOLD = 1000
"""Held-out pairs looked at, a fold, at most: all against all is quadratic, and these say enough."""

Setting = TypeVar("Setting")


def folds(patient: Ints, seed: int) -> list[tuple[Ints, Ints]]:
    """Split pairs into five folds that share no patient.

    Args:
        patient: int64, shape (n,): a number per patient, at least five different ones.
        seed: of the order of patients.

    Returns:
        For each fold the rows to fit on and the rows held out, ascending; of the latter 1,000 at most. Fewer
        than five folds where there are fewer patients.
    """
    patients, which = np.unique(patient, return_inverse=True)
    fold = (np.random.default_rng([seed, 11]).permutation(len(patients)) % FOLDS)[which]
    rows = [
        (np.flatnonzero(fold != number), np.flatnonzero(fold == number))
        for number in range(min(FOLDS, len(patients)))
    ]
    return [(fitted, held[:LARGEST_FOLD]) for fitted, held in rows]


def criterion(looked_at: int = FOLDS) -> str:
    """Say how settings are chosen, for the result."""
    return f"mean log rank of held-out auxiliary pairs, {looked_at} of {FOLDS} folds of patients"


def largest_rank(known: AuxiliaryPairs, seed: int) -> int:
    """Give how many components every fold can bear, whatever it leaves out."""
    least = min(len(fitted) for fitted, _ in folds(known.patient, seed))
    return max(min(known.images.shape[1], known.texts.shape[1], least - 1), 1)


def doubling(largest: int, first: int = 4) -> tuple[int, ...]:
    """Give 4, 8, 16, … below `largest`, and `largest` itself."""
    steps = [first]
    while steps[-1] < largest:
        steps.append(2 * steps[-1])
    return (*(step for step in steps if step < largest), largest)


def mean_log_rank(scores: Floats, patient: Ints) -> float:
    """Give the mean natural logarithm of the mates' ranks, in both directions; see `log_ranks`."""
    return float(log_ranks(scores, patient).mean())


def log_ranks(scores: Floats, patient: Ints) -> Floats:
    """Give the natural logarithm of each mate's rank, the mean of both directions.

    A patient's other pairs are not distractors: to prefer one of them to the mate is not an error. Ties count
    half.

    Args:
        scores: float64, shape (n, n), mates on the diagonal.
        patient: int64, shape (n,).

    Returns:
        float64, shape (n,).
    """
    rival = patient[:, None] != patient
    mates = np.diag(scores)
    there, back = (np.log(_ranks(turned, mates, rival)) for turned in (scores, scores.T))
    return (there + back) / 2


def choose(
    known: AuxiliaryPairs,
    grid: Sequence[Setting],
    prepare: Callable[[AuxiliaryPairs], Callable[[Setting], Fitted]],
    seed: int,
    what: str,
    looked_at: int = FOLDS,
) -> Setting:
    """Give the setting under which held-out mates rank best by cosine; of equals the first.

    Args:
        known: the auxiliary pairs.
        grid: the settings to try, the simplest first.
        prepare: does once a fold what all settings share, and gives the attacker for a setting.
        seed: of the folds.
        what: the attacker, for the progress bar.
        looked_at: how many of the five folds to hold out in turn; fewer where fitting takes long.
    """
    total = np.zeros(len(grid))
    with progress(looked_at, f"fitting {what}", "folds") as bar:
        for fitted, held in folds(known.patient, seed)[:looked_at]:
            family, asked = prepare(known.take(fitted)), known.take(held)
            for place, setting in enumerate(grid):
                images, texts = (unit(side) for side in family(setting).transform(asked.images, asked.texts))
                total[place] += mean_log_rank(images @ texts.T, asked.patient) * len(held)
            bar.update()
    return grid[int(np.argmin(total))]


def strength(
    known: AuxiliaryPairs | None,
    grid: Sequence[Setting],
    make: Callable[[Setting], Fitted],
    absent: float = 0.0,
) -> tuple[Setting, str]:
    """Choose how strong an attacker is that is fitted on what it attacks: attack auxiliary pairs first.

    Args:
        known: the auxiliary pairs; None where none are known.
        grid: the strengths to try, the default first.
        make: gives the attacker of a strength.
        absent: share of the auxiliary patients whose reports are taken away first, and who are not judged.

    Returns:
        The strength under which the auxiliary mates rank best, the default without pairs; and what chose it.
    """
    if known is None:
        return grid[0], "the default, as no pairs are known"
    asked = known.take(np.arange(min(len(known), LARGEST_FOLD)))
    patients = np.unique(asked.patient)
    there = np.isin(asked.patient, patients[: max(round((1 - absent) * len(patients)), 2)])
    ranks = []
    for setting in grid:
        left, right = make(setting).transform(asked.images, asked.texts[there])
        ranks.append(mean_log_rank(unit(left[there]) @ unit(right).T, asked.patient[there]))
    how = f"mean log rank of {len(asked):,} auxiliary pairs, attacked as a gallery"
    return grid[int(np.argmin(ranks))], how


def unit(vectors: Any) -> Floats:
    """Give float64 vectors of length 1; a vector of length 0 stays."""
    vectors = vectors.astype(np.float64)
    norm = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.where(norm > 0, norm, 1)[:, None]


def _ranks(scores: Floats, mates: Floats, rival: Any) -> Floats:
    gap = scores - mates[:, None]
    above = ((gap > TIE) & rival).sum(axis=1)
    ties = ((np.abs(gap) <= TIE) & rival).sum(axis=1)
    return 1 + above + ties / 2
