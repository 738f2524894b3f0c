"""One side's features, standardised as they are read."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from relinkage.compiled import compiled
from relinkage.embeddings.scaling import divisors


@dataclass(frozen=True, eq=False)
class StandardFeatures:
    """Features less their mean, over their deviation; what is on disk or in memory stays as it is.

    Attributes:
        features: float32, shape (n, features).
        mean: float64, shape (features,).
        deviation: float64, shape (features,).
    """

    features: NDArray[np.float32]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[np.float32], fitting: NDArray[np.int64]) -> "StandardFeatures":
        """Measure mean and deviation over the rows `fitting`; what never changes is only centred."""
        total, squares = np.zeros((2, features.shape[1]))
        around = features[fitting[0]].astype(np.float64)  # so that squares lose nothing far from 0
        _add_moments(np.ascontiguousarray(features), fitting, around, total, squares)
        mean = total / len(fitting)
        deviation = np.sqrt(np.maximum(squares / len(fitting) - mean**2, 0))
        return cls(features, around + mean, divisors(around + mean, deviation))

    def batch(self, rows: NDArray[np.int64]) -> Tensor:
        """Give some rows, standardised: float32, shape (rows, features)."""
        made = torch.empty(len(rows), self.features.shape[1])
        # Twice subtracted: features may lie far from 0, next to each other, and the first difference is exact
        # there, so that the second loses no more than single precision must.
        near = self.mean.astype(np.float32)
        rest, scale = (self.mean - near).astype(np.float32), (1 / self.deviation).astype(np.float32)
        _standardise(self.features, rows, near, rest, scale, made.numpy())
        return made

    @torch.no_grad()
    def fold_into(self, head: nn.Module) -> None:
        """Let a head take features as they are: W((x − m)/s) + c = (W/s)x + (c − (W/s)m)."""
        first = head if isinstance(head, nn.Linear) else head[0]  # type: ignore[index]
        weight = first.weight.double() / torch.from_numpy(self.deviation)
        first.bias.copy_((first.bias.double() - weight @ torch.from_numpy(self.mean)).float())
        first.weight.copy_(weight.float())


@compiled
def _standardise(features, rows, near, rest, scale, made):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for i in range(len(rows)):
        row = features[rows[i]]
        for j in range(len(row)):
            made[i, j] = ((row[j] - near[j]) - rest[j]) * scale[j]


@compiled
def _add_moments(features, rows, around, total, squares):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for i in rows:
        row = features[i]
        for j in range(len(row)):
            away = row[j] - around[j]
            total[j] += away
            squares[j] += away * away
