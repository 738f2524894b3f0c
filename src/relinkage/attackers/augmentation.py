"""Scores that are an inner product and a term of each side, turned into plain cosines."""

import numpy as np

from relinkage.attackers.protocol import Floats


def augment(left: Floats, right: Floats, left_term: Floats, right_term: Floats) -> tuple[Floats, Floats]:
    """Give vectors whose cosine stands for S(a, b) = ⟨left_a, right_b⟩ + left_term_a + right_term_b.

    u = [left, f/s, t, p, 0] and v = [right, s, g/t, 0, q], where f and g are the terms less their means, s
    and t are scales that keep the numbers alike in size, and the pads p and q make all u equally long and
    all v equally long. Then ⟨u, v⟩ = ⟨left, right⟩ + f + g, and the cosine is that times one positive
    constant: pairs keep their order for every fixed a, for every fixed b, and over all pairs.

    Args:
        left: float64, shape (n, d).
        right: float64, shape (m, d).
        left_term: float64, shape (n,): f.
        right_term: float64, shape (m,): g.

    Returns:
        float64, shapes (n, d + 4) and (m, d + 4).
    """
    f, g = left_term - left_term.mean(), right_term - right_term.mean()
    s, t = _scale(f), _scale(g)
    u = np.column_stack([left, f / s, np.full(len(f), t), np.zeros((len(f), 2))])
    v = np.column_stack([right, np.full(len(g), s), g / t, np.zeros((len(g), 2))])
    u[:, -2], v[:, -1] = _pad(u), _pad(v)
    return u, v


def _scale(term: Floats) -> float:
    """Give the root of a term's usual size, 1 where the term says nothing."""
    size = float(np.sqrt(np.mean(term**2)))
    return np.sqrt(size) if size > 0 else 1.0


def _pad(vectors: Floats) -> Floats:
    """Give what each vector lacks to be as long as the longest."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    return np.sqrt(squares.max() - squares)
