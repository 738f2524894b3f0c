"""Gaussian features of two sides that share a latent, with everything about them known."""

from dataclasses import dataclass

import numpy as np

from relinkage.attackers import AuxiliaryPairs


@dataclass(frozen=True)
class Planted:
    """Pairs whose sides are linear mixtures of canonical variates, and those variates themselves.

    `a` and `b` are standard normal; component k of a pair correlates by rho[k], and by nothing else.
    """

    images: np.ndarray
    texts: np.ndarray
    a: np.ndarray
    b: np.ndarray
    rho: np.ndarray
    patient: np.ndarray

    def rows(self, chosen):
        fields = (self.images, self.texts, self.a, self.b)
        return Planted(*(field[chosen] for field in fields), self.rho, self.patient[chosen])

    def known(self, chosen):
        part = self.rows(chosen)
        return AuxiliaryPairs(part.images, part.texts, part.patient)

    @property
    def likelihood_ratio(self):
        """The log-likelihood ratio of every image and text under the true parameters, by the densities."""
        return log_likelihood_ratio(self.a, self.b, self.rho)


def draw(pairs, rho, *, nuisance=0, loud=1.0, widths=(None, None), seed=0, studies=1):
    """Draw pairs.

    `nuisance` further dimensions a side are noise, `loud` times as large as a variate. A side of width None
    is its variates and noise as they are; of any other it is mixed by a random matrix of that width.
    """
    rng = np.random.default_rng(seed)
    rho = np.asarray(rho, np.float64)
    a = rng.normal(size=(pairs, len(rho)))
    b = rho * a + np.sqrt(1 - rho**2) * rng.normal(size=a.shape)
    sides = []
    for variates, width in zip((a, b), widths, strict=True):
        side = np.hstack([variates, loud * rng.normal(size=(pairs, nuisance))])
        sides.append(side if width is None else side @ rng.normal(size=(side.shape[1], width)))
    return Planted(*sides, a, b, rho, np.arange(pairs) // studies)


def rotation(width, seed=0):
    """A random orthogonal matrix, all of them alike: without the signs, QR leans to negative traces."""
    turn, rest = np.linalg.qr(np.random.default_rng(seed).normal(size=(width, width)))
    return turn * np.sign(np.diag(rest))


def cosines(images, texts):
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, texts)]
    return unit[0].astype(np.float64) @ unit[1].astype(np.float64).T


def hits(scores):
    """Whether each image's own text scores highest: bool, shape (n,)."""
    return scores.argmax(axis=1) == np.arange(len(scores))


def found(attacker, pairs, known):
    """Recall@1 of an attacker that learns from some rows and attacks the others."""
    fitted = attacker.fit(pairs.known(known))
    attacked = pairs.rows(np.setdiff1d(np.arange(len(pairs.a)), known))
    return hits(cosines(*fitted.transform(attacked.images, attacked.texts))).mean()


def log_likelihood_ratio(a, b, rho):
    """log p(a, b) − log p(a) p(b) of every image and text, one density after the other."""
    out = np.zeros((len(a), len(b)))
    for k, r in enumerate(rho):
        x, y = a[:, k, None], b[None, :, k]
        joint = -(x**2 - 2 * r * x * y + y**2) / (2 * (1 - r**2)) - np.log(2 * np.pi * np.sqrt(1 - r**2))
        apart = -(x**2 + y**2) / 2 - np.log(2 * np.pi)
        out += joint - apart
    return out
