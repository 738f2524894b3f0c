"""The compiled loop of clipping: norms of summed gradients of small groups of rows, in float64."""

import numpy as np
from numpy.typing import NDArray

from relinkage.compiled import compiled


@compiled(fastmath={"reassoc", "contract"})
def add_squared_norms(
    gradient: NDArray[np.float32],
    inputs: NDArray[np.float32],
    bias: float,
    order: NDArray[np.int64],
    start: NDArray[np.int64],
    numbers: NDArray[np.int64],
    squared: NDArray[np.float64],
) -> None:
    """Add Σ_ij (g_i·g_j)(a_i·a_j + bias) over the rows of each of some groups.

    Args:
        gradient: float32, shape (n, outputs): g, a row each.
        inputs: float32, shape (n, inputs): a, a row each.
        bias: 1 where the layer has a bias, which is a feature of 1; else 0.
        order: int64, shape (n,): row numbers, those of a group next to each other.
        start: int64, shape (groups + 1,): group u has order[start[u]:start[u + 1]].
        numbers: int64: the groups to look at.
        squared: float64, shape (groups,): what the sums are added to.
    """
    for place in range(len(numbers)):
        u = numbers[place]
        total = 0.0
        for x in range(start[u], start[u + 1]):
            for y in range(start[u], x + 1):
                i, j = order[x], order[y]
                left, right = 0.0, bias
                for k in range(gradient.shape[1]):
                    left += np.float64(gradient[i, k]) * np.float64(gradient[j, k])
                for k in range(inputs.shape[1]):
                    right += np.float64(inputs[i, k]) * np.float64(inputs[j, k])
                total += left * right * (1.0 if x == y else 2.0)
        squared[u] += total
