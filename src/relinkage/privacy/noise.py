"""Where the secret coins of private training come from: who is sampled, and the noise."""

import os
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Coins(Protocol):
    """Secret randomness. Both the sampling and the noise must stay unknown for a statement to hold."""

    name: str

    def uniform(self, count: int) -> NDArray[np.float64]:
        """Give `count` numbers, uniform in (0, 1), float64."""

    def normal(self, count: int) -> NDArray[np.float64]:
        """Give `count` standard normal numbers, float64."""


class SystemCoins:
    """Fresh numbers from the operating system's cryptographic generator; nobody can draw them again.

    Uniform numbers have 53 random bits; normal ones come from them in pairs (Box and Muller 1958). This does
    not defend against attacks on floating-point numbers (Mironov 2012), which ask for the sum before it is
    rounded; heads are rounded to float32 after many further steps.
    """

    name = "operating system"

    def uniform(self, count: int) -> NDArray[np.float64]:
        """Give `count` numbers, uniform in (0, 1), float64."""
        bits = np.frombuffer(os.urandom(8 * count), np.uint64) >> np.uint64(11)
        return (bits.astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, count: int) -> NDArray[np.float64]:
        """Give `count` standard normal numbers, float64."""
        half = (count + 1) // 2
        radius = np.sqrt(-2 * np.log(self.uniform(half)))
        angle = 2 * np.pi * self.uniform(half)
        return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]


class SeededCoins:
    """Numbers that a seed repeats: for tests. Whoever knows the seed can take the noise off again.

    Args:
        seed: of the generator.
    """

    name = "seeded"

    def __init__(self, seed: int) -> None:
        self._random = np.random.Generator(np.random.Philox(seed))

    def uniform(self, count: int) -> NDArray[np.float64]:
        """Give `count` numbers, uniform in [0, 1), float64."""
        return self._random.random(count)

    def normal(self, count: int) -> NDArray[np.float64]:
        """Give `count` standard normal numbers, float64."""
        return self._random.standard_normal(count)


def coins(seed: int | None) -> Coins:
    """Give seeded numbers where a seed is given, and the operating system's where none is."""
    return SystemCoins() if seed is None else SeededCoins(seed)
