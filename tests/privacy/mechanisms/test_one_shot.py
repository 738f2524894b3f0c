"""One noisy release of second moments, and the heads that canonical correlation makes of it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from relinkage.privacy.mechanisms.one_shot import correlated_heads, noisy, second_moments
from relinkage.privacy.noise import SeededCoins
from relinkage.privacy.units import units_of


def moments_of(images, texts, patient):
    patient = np.asarray(patient)
    units = units_of(patient, np.zeros(len(patient), np.uint64), "patient", None)
    return second_moments(images.astype(np.float32), texts.astype(np.float32), np.arange(len(patient)), units)


def by_definition(images, texts, patient):
    total = 0
    for one in set(patient):
        outer = []
        for row in np.flatnonzero(np.asarray(patient) == one):
            v = np.concatenate(
                [images[row] / np.linalg.norm(images[row]), texts[row] / np.linalg.norm(texts[row])]
            )
            outer.append(np.outer(v, v) / 2)
        total = total + np.mean(outer, axis=0)
    return total


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), rows=st.integers(1, 8), patients=st.integers(1, 4))
def test_moments_are_what_their_definition_gives_and_a_patient_moves_them_by_one_at_most(
    seed, rows, patients
):
    rng = np.random.default_rng(seed)
    images, texts = rng.normal(size=(rows, 3)), rng.normal(size=(rows, 2)) * 100
    patient = np.unique(rng.integers(0, patients, rows), return_inverse=True)[1]
    total = moments_of(images, texts, patient)
    np.testing.assert_allclose(total, by_definition(images, texts, patient), atol=1e-5)
    stay = patient < patient.max()
    less = moments_of(images[stay], texts[stay], patient[stay]) if stay.any() else 0
    assert np.linalg.norm(total - less) <= 1 + 1e-6


def test_copies_of_a_pair_reach_the_bound():
    images, texts = np.ones((3, 2)), np.ones((3, 2))
    assert np.linalg.norm(moments_of(images, texts, [0, 0, 0])) == pytest.approx(1, abs=1e-6)


def test_noise_keeps_moments_symmetric_and_has_the_deviation_asked_for():
    made = noisy(np.zeros((60, 60)), 3.0, SeededCoins(0))
    np.testing.assert_array_equal(made, made.T)
    diagonals = [np.diag(noisy(np.zeros((60, 60)), 3.0, SeededCoins(seed))) for seed in range(40)]
    assert np.std(diagonals) == pytest.approx(3, rel=0.05)  # of 2,400 numbers, which are off by 1.4 %
    assert made[np.triu_indices(60, 1)].std() == pytest.approx(3 / np.sqrt(2), rel=0.05)


def test_without_noise_planted_pairs_find_each_other():
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=(400, 4))
    images = hidden @ rng.normal(size=(4, 12)) + 0.1 * rng.normal(size=(400, 12))
    texts = hidden @ rng.normal(size=(4, 9)) + 0.1 * rng.normal(size=(400, 9))
    heads = correlated_heads(moments_of(images[:300], texts[:300], np.arange(300)), 12, 4, 0.0)
    with torch.no_grad():
        left, right = (
            embed(torch.tensor(held_out, dtype=torch.float32))
            for embed, held_out in ((heads.embed_images, images[300:]), (heads.embed_texts, texts[300:]))
        )
    assert ((left @ right.T).argmax(1) == torch.arange(100)).float().mean() > 0.8


def test_noise_alone_gives_heads_all_the_same():
    heads = correlated_heads(noisy(np.zeros((21, 21)), 5.0, SeededCoins(2)), 12, 6, 5.0)
    assert all(parameter.isfinite().all() for parameter in heads.parameters())
    assert heads.image_spec.embedding == heads.text_spec.embedding == 6
    assert correlated_heads(np.eye(21), 12, 64, 0.1).image_spec.embedding == 9
