"""Units of privacy: which rows of the training pairs stand or fall together."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.encoders.trained.hardening import Unit
from relinkage.privacy.noise import Coins


@dataclass(frozen=True, eq=False)
class Units:
    """Rows of the training pairs, unit by unit.

    Attributes:
        rows: int64, shape (kept rows,): row numbers, those of a unit next to each other.
        start: int64, shape (units + 1,): unit u has rows[start[u]:start[u + 1]].
        key: uint64, shape (units,): a number that depends on nothing but the unit itself.
    """

    rows: NDArray[np.int64]
    start: NDArray[np.int64]
    key: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.start) - 1

    def keep(self, kept: NDArray[np.bool_]) -> "Units":
        """Return some of the units.

        Args:
            kept: bool, shape (units,).
        """
        sizes = np.diff(self.start)
        start = np.concatenate([[0], np.cumsum(sizes[kept])])
        return Units(self.rows[np.repeat(kept, sizes)], start, self.key[kept])

    def sample(self, rate: float, coins: Coins) -> NDArray[np.int64]:
        """Poisson sampling: every unit is chosen with probability `rate`, whatever the others do.

        The units passed over before the next one that is chosen follow the geometric law ⌊ln U / ln(1 − q)⌋
        (Devroye 1986, chapter X.2), which asks for a coin per chosen unit and not for one per unit.
        """
        if rate >= 1:
            return np.arange(len(self))
        if rate <= 0:
            return np.empty(0, np.int64)
        block = math.ceil(1.1 * rate * len(self)) + 16
        chosen, last = [np.empty(0)], -1.0
        while last < len(self):
            passed_over = np.floor(np.log(np.maximum(coins.uniform(block), 2.0**-54)) / math.log1p(-rate))
            places = last + np.cumsum(passed_over + 1)
            chosen.append(places[places < len(self)])
            last = float(places[-1])
        return np.concatenate(chosen).astype(np.int64)

    def rows_of(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the rows of some units, and for each row its unit's place among the chosen ones."""
        sizes = self.start[chosen + 1] - self.start[chosen]
        owner = np.repeat(np.arange(len(chosen)), sizes)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.rows[self.start[chosen][owner] + within], owner

    def one_row_of(self, chosen: NDArray[np.int64], coins: Coins) -> NDArray[np.int64]:
        """Give one row of each of some units, each of its rows being as likely."""
        sizes = self.start[chosen + 1] - self.start[chosen]
        drawn = (coins.uniform(len(chosen)) * sizes).astype(np.int64)
        return self.rows[self.start[chosen] + np.minimum(drawn, sizes - 1)]


def units_of(patient: NDArray[np.int64], key: NDArray[np.uint64], unit: Unit, cap: int | None) -> Units:
    """Group training pairs into units.

    Args:
        patient: int64, shape (n,): a number per patient.
        key: uint64, shape (n,): a number per row that depends on the row's patient alone (for patients as
            units) or on the row alone (for pairs as units).
        unit: whose presence is drawn: a patient, or a pair.
        cap: pairs kept of a patient, its first ones; all where None.
    """
    order = np.argsort(patient, kind="stable")
    sizes = np.unique(patient, return_counts=True)[1]
    within = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    if cap is not None:
        order, sizes = order[within < cap], np.minimum(sizes, cap)
    if unit == "pair":
        sizes = np.ones(len(order), np.int64)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Units(order.astype(np.int64), start, key[order[start[:-1]]])
