"""Standardised features: their moments, what far-away values lose, and folding into a head."""

import numpy as np
import pytest
import torch

from relinkage.alignment.features import StandardFeatures


@pytest.fixture
def features():
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 5)) * [1, 1e-3, 40, 1, 1] + [0, 0, 0, 1e4, -1]
    values[:, 4] = 7
    return values.astype(np.float32)


def test_rows_are_standardised_by_those_that_are_fitted_on(features):
    fitting = np.arange(0, 300, 2)
    made = StandardFeatures.of(features, fitting).batch(np.array([3, 299, 3])).numpy()
    exact = features.astype(np.float64)
    deviation = exact[fitting].std(0)
    expected = (exact[[3, 299, 3]] - exact[fitting].mean(0)) / np.where(deviation == 0, 1, deviation)
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-6)


def test_features_far_from_0_lose_no_more_than_single_precision_must(features):
    far = features + np.float32(2**20)
    fitting = np.arange(300)
    exact = far.astype(np.float64)
    expected = (exact - exact.mean(0)) / np.where(exact.std(0) == 0, 1, exact.std(0))
    made = StandardFeatures.of(far, fitting).batch(fitting).numpy()
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


def test_a_feature_that_never_changes_is_0_wherever_it_was_measured(features):
    assert (StandardFeatures.of(features, np.arange(300)).batch(np.arange(300))[:, 4] == 0).all()


@pytest.mark.parametrize("scale", [1e-25, 1e-7, 1e7, 1e18])
def test_features_of_very_different_size_are_all_standardised(features, scale):
    rows = np.arange(300)
    plain = StandardFeatures.of(features, rows).batch(rows)
    sized = features * np.float32([1, scale, 1, 1, 1])
    torch.testing.assert_close(StandardFeatures.of(sized, rows).batch(rows), plain, rtol=1e-4, atol=1e-4)


def test_what_rounding_alone_changes_is_not_blown_up(features):
    features[::2, 4] = np.nextafter(np.float32(7), np.float32(8))
    made = StandardFeatures.of(features, np.arange(300)).batch(np.arange(300))
    assert made[:, 4].abs().max() < 1e-6


@pytest.mark.parametrize("order", ["C", "F"])
def test_features_that_are_read_only_or_in_columns_will_do(features, order):
    held = np.asarray(features, order=order)
    held.flags.writeable = False
    rows = np.arange(300)
    expected = StandardFeatures.of(features, rows).batch(rows)
    assert torch.equal(StandardFeatures.of(held, rows).batch(rows), expected)


def test_a_folded_head_takes_features_as_they_are(features):
    standard = StandardFeatures.of(features, np.arange(300))
    head = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU())
    with torch.no_grad():
        expected = head(standard.batch(np.arange(300)))
        standard.fold_into(head)
        torch.testing.assert_close(head(torch.from_numpy(features)), expected, rtol=1e-3, atol=2e-3)
