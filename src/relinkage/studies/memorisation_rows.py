"""Memorisation out of linkage tables and scores: the rows of linkage, and what is told of membership."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relinkage.encoders.trained.statement import PrivacyStatement
from relinkage.linkage import AuditSettings
from relinkage.linkage.estimates import Estimate
from relinkage.linkage.grid import grid
from relinkage.linkage.measures import chance, recalls, size
from relinkage.linkage.settings import FULL
from relinkage.linkage.table import ALL, LinkageTable
from relinkage.linkage.thresholds import HITS
from relinkage.linkage.uncertainty import Estimates
from relinkage.privacy.canaries import epsilon_at_least
from relinkage.privacy.membership import log_likelihood_ratios, rates_at, true_positive_rate
from relinkage.privacy.memorisation import gaps, most_by_privacy
from relinkage.privacy.memorisation_result import LinkageGap, Membership
from relinkage.privacy.settings import MemorisationSettings
from relinkage.usefulness.auroc import auroc_bootstrap

RATE = 0.01
"""The false positive rate at which membership is told."""
FEW = (
    f"There are too few patients to say what is claimed where {RATE:.0%} of those who did not train are: it "
    f"takes {HITS / RATE:,.0f} of them, all trainings together; give more --coins."
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def measure_linkage(
    patient: Ints,
    tables: Sequence[Sequence[LinkageTable]],
    inside: Bools,
    settings: MemorisationSettings,
    stated: PrivacyStatement | None,
) -> tuple[list[LinkageGap], tuple[str, ...], float]:
    """Return a row for each direction, pool and rank.

    Args:
        patient: int64, shape (queries,): a number per patient.
        tables: linkage tables of each coin's heads, a table a direction, and last of the published heads.
        inside: bool, shape (coins, patients): who trained.
        settings: the choices.
        stated: what the heads state; None for nothing.

    Returns:
        The rows; a sentence for each thing that the gallery cannot bear; and the level at which each bound of
        the result is held to figures, of which membership has two.

    Raises:
        InputError: no pool fits.
    """
    *by_coin, published = tables
    asked = AuditSettings(pool=settings.pool, k=settings.k, direction=settings.direction)
    laid = [grid(table.standings[ALL], asked) for table in published]
    strict = 1 - (1 - settings.interval) / (sum(len(each.cells) for each in laid) + 2)
    queries = inside[:, patient]
    rows = []
    for place, (before, each) in enumerate(zip(published, laid, strict=True)):
        hits = np.stack([recalls(coin[place].standings[ALL], each.cells) for coin in by_coin])
        alone = recalls(before.standings[ALL], each.cells)
        measured = gaps(hits, alone, queries, patient, settings, strict)
        for cell, gap in zip(each.cells, measured, strict=True):
            standing = before.standings[ALL]
            rows.append(
                LinkageGap(
                    direction=before.direction,
                    pool=size(standing, cell.pool),
                    full=cell.pool == FULL,
                    k=cell.k,
                    chance=chance(standing, cell),
                    bound=_bound(gap.held_out.value, stated),
                    refuted=stated is not None and gap.least > (_bound(gap.most, stated) or 0.0),
                    deviation=_deviation(gap.by_coin),
                    **{name: getattr(gap, name) for name in _SHOWN},
                )
            )
    return rows, laid[0].dropped, strict


_SHOWN = ("trained", "held_out", "gap", "published_gap", "memorised", "by_coin", "queries", "patients")


def measure_membership(
    odds: Floats,
    inside: Bools,
    settings: MemorisationSettings,
    stated: PrivacyStatement | None,
    strict: float,
) -> Membership:
    """Return what shadow heads tell of who trained the heads of each coin.

    Args:
        odds: float64, shape (coins + shadows, patients): how far each patient's own pairs stand out.
        inside: bool, of the same shape: who trained.
        settings: the choices.
        stated: what the heads state; None for nothing.
        strict: the level at which each bound is held to figures.
    """
    coins, patients = settings.coins, odds.shape[1]
    ratios = log_likelihood_ratios(odds[:coins], odds[coins:], inside[coins:])
    trained, everyone = inside[:coins], np.tile(np.arange(patients), coins)
    truth = trained.ravel()[:, None].astype(np.int8)
    area = auroc_bootstrap(ratios.ravel()[:, None], truth, everyone, settings)
    auroc = area.take(slice(1)).interval(settings.interval)
    claimed, least = None, 0.0
    by_coin: tuple[float, ...] = ()
    if RATE * (~trained).sum() >= HITS:
        drawn = rates_at(ratios, trained, RATE, settings)
        claimed = drawn.interval(settings.interval)
        least = float(drawn.interval(strict).low[0])
        by_coin = tuple(true_positive_rate(*coin, RATE) for coin in zip(ratios, trained, strict=True))
    half = max(patients // 20, 1)
    order = np.argsort(ratios[0], kind="stable")
    correct = int(trained[0][order[-half:]].sum() + (~trained[0][order[:half]]).sum())
    delta = 0.0 if stated is None else stated.delta
    lower_bound, bound = epsilon_at_least(patients, 2 * half, correct, delta, strict), _bound(RATE, stated)
    return Membership(
        shadows=settings.shadows,
        auroc=_estimate(auroc),
        rate=RATE,
        tpr=None if claimed is None else _estimate(claimed),
        by_coin=by_coin,
        deviation=_deviation(by_coin),
        bound=bound,
        refuted=stated is not None and (least > (bound or 0.0) or lower_bound > stated.epsilon),
        guesses=2 * half,
        correct=correct,
        lower_bound=lower_bound,
        confidence=strict,
        patients=patients,
    )


def _bound(share: float, stated: PrivacyStatement | None) -> float | None:
    return None if stated is None else most_by_privacy(share, stated.epsilon, stated.delta)


def _deviation(by_coin: Sequence[float]) -> float | None:
    return float(np.std(by_coin, ddof=1)) if len(by_coin) > 1 else None


def _estimate(measured: Estimates) -> Estimate:
    mean, low, high = (float(ends[0]) for ends in (measured.mean, measured.low, measured.high))
    return Estimate(value=mean, low=low, high=high)
