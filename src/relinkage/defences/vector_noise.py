"""Gaussian noise on released image vectors, and what is left of it where somebody has several releases."""

from dataclasses import dataclass

import numpy as np

from relinkage.defences.protocol import Defence, Ints, Vectors


@dataclass(frozen=True)
class VectorNoise(Defence):
    """Image vectors are released with Gaussian noise.

    Noise is drawn for each release afresh, so whoever holds r releases of the same images averages them, and
    noise of a length 1/√r of the stated one is left.

    Examples:
        >>> import numpy as np
        >>> images = np.zeros((1000, 64), np.float32); images[:, 0] = 1
        >>> noise = VectorNoise(0.5).released(images, np.arange(1000)) - images
        >>> round(float(np.linalg.norm(noise, axis=1).mean()), 1)
        0.5

    Attributes:
        amount: the length of the noise beside that of the vector, as a root mean square.
        releases: that the attacker holds and averages.
        seed: of the noise.
    """

    amount: float
    releases: int = 1
    seed: int = 0
    name = "vector-noise"

    def transform(self, images: Vectors, patient: Ints) -> Vectors:
        """Return the vectors with the noise that is left of all releases; see `Defence.transform`."""
        random = np.random.default_rng([self.seed, 29, len(images)])
        scale = self.amount / np.sqrt(images.shape[1] * self.releases)
        return (images + scale * random.normal(size=images.shape)).astype(np.float32)
