"""Sign bits: what is released of a vector is on which side of some planes it lies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.defences.protocol import Defence, Ints, Vectors


@dataclass(frozen=True)
class SignBits(Defence):
    """A code of some bits is released, each the sign of a product with a random direction.

    The directions are public, so an attacker puts the code back: sign(P x) times P is what a code says of the
    vector (Charikar 2002; one-bit compressed sensing), and that is what is compared.

    Examples:
        >>> import numpy as np
        >>> vector = np.float32([[0.6, 0.8]])
        >>> SignBits(4096, seed=0).released(vector, np.array([0])) @ vector[0] > 0.99
        array([ True])

    Attributes:
        bits: of a code.
        seed: of the directions.
    """

    bits: int
    seed: int = 0
    name = "sign-bits"

    def transform(self, images: Vectors, patient: Ints) -> Vectors:
        """Return what the codes say of each vector, of unit length; see `Defence.transform`."""
        planes = _directions(self.bits, images.shape[1], self.seed)
        codes = np.where(images.astype(np.float64) @ planes.T >= 0, 1.0, -1.0)
        vectors = codes @ planes
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _directions(bits: int, width: int, seed: int) -> NDArray[np.float64]:
    """Return directions, orthogonal in blocks of the width: shape (bits, width)."""
    random, blocks = np.random.default_rng([seed, 23]), []
    for first in range(0, bits, width):
        turned = np.linalg.qr(random.normal(size=(width, width)))[0]
        blocks.append(turned[: min(width, bits - first)])
    return np.concatenate(blocks)
