"""Modality gap, alignment and uniformity against naive loops and at their known ends."""

import numpy as np
import pytest

from relinkage.records import plain
from relinkage.usefulness import geometry as rooms
from relinkage.usefulness.geometry import geometry, uniformity


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_numbers_equal_naive_loops(monkeypatch):
    monkeypatch.setattr(rooms, "_BLOCK", 7)
    random = np.random.default_rng(0)
    images, reports = unit(random.normal(size=(40, 5))), unit(random.normal(size=(25, 5)) + 0.5)
    mate = random.integers(0, 25, 40)
    made = geometry(images, reports, mate, largest=100, seed=0)
    assert made.modality_gap == pytest.approx(np.linalg.norm(images.mean(0) - reports.mean(0)))
    apart = [np.sum((images[row] - reports[mate[row]]) ** 2) for row in range(40)]
    assert made.alignment == pytest.approx(np.mean(apart))
    for value, side in ((made.image_uniformity, images), (made.report_uniformity, reports)):
        pairs = [
            np.exp(-2 * np.sum((side[i] - side[j]) ** 2))
            for i in range(len(side))
            for j in range(len(side))
            if i != j
        ]
        assert value == pytest.approx(np.log(np.mean(pairs)))


def test_vectors_that_coincide_have_no_gap_no_distance_and_no_spread():
    same = np.tile(unit(np.ones((1, 4))), (30, 1))
    made = geometry(same, same, np.arange(30), largest=100, seed=0)
    assert list(plain(made).values()) == pytest.approx([0, 0, 0, 0])


def test_opposite_modalities_are_as_far_apart_as_can_be():
    same = np.tile(unit(np.ones((1, 4))), (30, 1))
    made = geometry(same, -same, np.arange(30), largest=100, seed=0)
    assert (made.modality_gap, made.alignment) == pytest.approx((2, 4))


def test_random_directions_are_uniform_and_a_drawn_part_of_them_says_the_same():
    vectors = unit(np.random.default_rng(0).normal(size=(3000, 64)))
    whole = geometry(vectors, vectors, np.arange(3000), largest=3000, seed=0)
    part = geometry(vectors, vectors, np.arange(3000), largest=1000, seed=0)
    # Cosines of random directions vary by 1/64: log E exp(4 (u·v − 1)) ≈ −4 + 16/(2·64).
    assert whole.image_uniformity == pytest.approx(-4 + 16 / 128, abs=0.01)
    assert part.image_uniformity == pytest.approx(whole.image_uniformity, abs=0.01)
    assert part.alignment == whole.alignment
    assert uniformity(vectors[:2]) == pytest.approx(4 * (vectors[0] @ vectors[1] - 1))
