"""What features are divided by when they are standardised, each judged by itself."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDING = 2.0**-22
"""Two units in the last place of float32: what batches and processors make of one value."""
_LEAST = 1e-30
"""Below, the inverse leaves little room in float32."""


def divisors(mean: Floats, deviation: Floats) -> Floats:
    """Return the deviations, and 1 where a feature never changes but for its own rounding.

    A feature says as much on a small scale as on a large one, so none is compared with the others.

    Args:
        mean: float64, shape (features,), of float32 features.
        deviation: float64, shape (features,).

    Example:
        >>> divisors(np.array([5.0, 0.0]), np.array([1e-7, 1e-7])).tolist()
        [1.0, 1e-07]
    """
    return np.where(deviation <= np.maximum(_ROUNDING * np.abs(mean), _LEAST), 1.0, deviation)
