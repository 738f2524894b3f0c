"""Centring and whitening: no pairs are needed, only the vectors that are attacked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from relinkage.attackers.protocol import AuxiliaryPairs, Floats, Pools, Vectors


@dataclass(frozen=True)
class Whiten:
    """Centre each side and make all directions vary alike, within the space that the sides share.

    Each side is multiplied by the inverse root of its own covariance (ZCA), which moves no direction further
    than needed, so that the sides still point the same way. The covariance is that of the attacked vectors
    themselves: the attacker sees the gallery, and no pair.
    """

    needs_pairs: ClassVar[bool] = False
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "full"
    one_space: ClassVar[bool] = True

    @property
    def settings(self) -> Mapping[str, Any]:
        """Say what it sees; there is nothing to choose."""
        return {"sees": "the attacked vectors of each side, unpaired", "shrinkage": "Ledoit-Wolf"}

    def fit(self, known: AuxiliaryPairs | None) -> "Whiten":
        """There is nothing to learn."""
        return self

    @property
    def temperature(self) -> None:
        """That of plain cosines."""
        return None

    def transform(self, images: Vectors, texts: Vectors) -> tuple[Floats, Floats]:
        """Give the whitened vectors; see `Fitted.transform`."""
        return whitened(images), whitened(texts)


def whitened(vectors: Vectors) -> Floats:
    """Centre vectors, shape (n, d), and multiply them by the inverse root of their shrunk covariance."""
    given = vectors.astype(np.float64)
    given -= given.mean(axis=0)
    variance, directions = np.linalg.eigh(shrunk_covariance(given))
    # Where nothing varies there is nothing to whiten, and 1 / 0 must not make it everything.
    root = np.sqrt(np.where(variance > 1e-12 * variance.max(initial=1e-300), variance, np.inf))
    return given @ ((directions / root) @ directions.T)


def shrunk_covariance(centred: Floats) -> Floats:
    """Give the Ledoit-Wolf estimate of a covariance (Journal of Multivariate Analysis 2004, Lemma 3.2-3.4).

    S* = (b²/δ²) μI + (1 − b²/δ²) S, with S = XᵀX/n, μ = tr S / d, δ² = ‖S − μI‖² and
    b² = min(δ², n⁻² Σ_k ‖x_k x_kᵀ − S‖²), norms squared and Frobenius.

    Args:
        centred: float64, shape (n, d), with mean zero.

    Returns:
        float64, shape (d, d).
    """
    n, d = centred.shape
    covariance = centred.T @ centred / n
    mean = np.trace(covariance) / d
    distance = float((covariance**2).sum() - d * mean**2)
    fourth = float((np.einsum("ij,ij->i", centred, centred) ** 2).sum())
    noise = (fourth / n - float((covariance**2).sum())) / n
    share = min(noise / distance, 1.0) if distance > 0 else 1.0
    return share * mean * np.eye(d) + (1 - share) * covariance
