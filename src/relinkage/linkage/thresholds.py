"""Thresholds of the open set: who sets them, how many queries that takes, and where they are looked for.

A rate that fewer than `HITS` false claims stand for is not known: it takes `HITS` / rate queries in each half
of the patients.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.linkage.claims import drawn_leads
from relinkage.linkage.open_set_rows import Score
from relinkage.linkage.score_rows import ScoreRows
from relinkage.linkage.scores_and_ties import TIE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HITS = 5
"""False claims that a half must expect at a rate before it sets a threshold for it."""
SAMPLE = 512
"""Queries drawn from each half at least, where there are more scores than `_ALL`."""
_ALL = 2**26
"""Where no more scores than that belong to the queries, all queries are looked at."""

GRID = 32
"""Thresholds between `_MOST` and `_LEAST` of the lowest rate."""
_MOST, _LEAST = 0.95, 1 / 16
_POOLS = 8
"""Pools drawn for each query to see where thresholds must lie; nothing is measured on them."""
_ABOVE_ALL = {"cosine": 1 + 1e-9, "margin": 4.0}
_BELOW_ALL = {"cosine": -1 - 1e-9, "margin": TIE}


@dataclass(frozen=True)
class Halves:
    """Patients dealt into two halves, and the queries of each that are looked at.

    Attributes:
        first: int64: queries that are looked at, of one half, ascending.
        second: int64: queries that are looked at, of the other half, ascending.
        in_second: bool: whether a query is of the second half, of all queries.
    """

    first: Ints
    second: Ints
    in_second: NDArray[np.bool_]

    @classmethod
    def deal(cls, patient: Ints, seed: int, most: int) -> "Halves":
        """Deal patients into halves and draw at most so many queries from each.

        Args:
            patient: int64, shape (q,): a number per patient.
            seed: of the deal and the draw.
            most: queries drawn from each half.
        """
        random = np.random.default_rng([seed, 5])
        patients, which = np.unique(patient, return_inverse=True)
        second = np.zeros(len(patients), bool)
        second[random.permutation(len(patients))[: len(patients) // 2]] = True
        in_second = second[which.ravel()]
        halves = np.flatnonzero(~in_second), np.flatnonzero(in_second)
        drawn = [np.sort(random.permutation(half)[:most]) for half in halves]
        return cls(drawn[0], drawn[1], in_second)

    @property
    def smaller(self) -> int:
        """Return how many queries of the smaller half are looked at."""
        return min(len(self.first), len(self.second))


def queries_needed(rate: float) -> int:
    """Return how many queries of each half it takes to set a threshold for a rate of false claims."""
    return int(np.ceil(HITS / rate - 1e-9))


def sample_size(queries: int, candidates: int, rates: Sequence[float]) -> int:
    """Return how many queries of each half are looked at, at most.

    All where they have no more than `_ALL` scores together; else as many as the lowest rate takes, and
    `SAMPLE` at least.
    """
    if queries * candidates <= _ALL:
        return queries
    return max([SAMPLE, *(queries_needed(rate) for rate in rates)])


def check_rates(halves: Halves, rates: Sequence[float]) -> None:
    """Check that some rate of false claims can be set, where there are two patients or more.

    Raises:
        InputError: no rate has queries enough; the message says how many it takes.
    """
    if not rates or any(queries_needed(rate) <= halves.smaller for rate in rates):
        return
    asked = ",".join(f"{rate:g}" for rate in rates)
    least = HITS / halves.smaller
    then = f"give rates from {_round_up(least):g} up" if least < 1 else "leave out --open-set"
    raise InputError(
        f"--open-set {asked} takes {queries_needed(max(rates)):,} queries in each half of the patients, and "
        f"the smaller half has {halves.smaller:,}; {then}."
    )


def _round_up(rate: float) -> float:
    """Return a rate of two digits that is no lower."""
    digit = 10.0 ** (np.floor(np.log10(rate)) - 1)
    return float(f"{np.ceil(rate / digit - 1e-9) * digit:.2g}")


def grid(score: Score, rows: ScoreRows, drawn: Ints, rates: Sequence[float], seed: int) -> Floats:
    """Return thresholds, ascending, evenly spaced in the logarithm of the rate of false claims.

    They run from one at which nearly all searches end in a claim to one at which hardly any does, and hold
    those of the rates that were asked for. The first is below all scores, the last above all.

    Args:
        score: what a threshold is set on.
        rows: the distractors' scores of the queries of both halves.
        drawn: int64, shape (n,): distractors that each query meets where its mate is absent.
        rates: the rates asked for.
        seed: of the pools that are drawn to find the place.
    """
    leads = np.sort(drawn_leads(rows, score, drawn, _POOLS, seed))
    levels = np.append(np.geomspace(_MOST, _LEAST * min(rates), GRID), 0.0)
    levels = np.union1d(levels, np.asarray(rates))
    places = np.clip(np.ceil((1 - levels) * len(leads)).astype(np.int64) - 1, 0, len(leads) - 1)
    # Half a tie above a score, so that a product's last bit decides nothing.
    inner = leads[places] + TIE / 2
    low, high = _BELOW_ALL[score], _ABOVE_ALL[score]
    return np.unique(np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]]))
