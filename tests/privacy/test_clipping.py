"""The sum of clipped gradients equals clipping every group's gradient by itself, for heads of any depth."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.privacy.clipping import clipped_sum, tapped


def heads_of(kind, bias, features=5, embedding=3, hidden=4):
    hidden = hidden if kind == "mlp" else 0
    specs = [HeadSpec(kind, features + side, embedding, bias=bias, hidden=hidden) for side in (0, 1)]
    torch.manual_seed(0)
    return HeadPair(*specs).eval()


def pulled_together(images, texts):
    """A loss of one row each: how far a pair's two embeddings are apart, and how large they are."""
    return ((images - texts).square().sum(1) + images.sum(1).sin()).sum()


def fast(heads, images, texts, groups, clip):
    left, left_taps = tapped(heads.image, images)
    right, right_taps = tapped(heads.text, texts)
    return clipped_sum(heads, left_taps + right_taps, pulled_together(left, right), groups, clip)


def one_after_the_other(heads, images, texts, groups, clip):
    """Each group's own gradient by autograd, clipped by its own norm."""
    totals, norms = [torch.zeros_like(parameter) for parameter in heads.parameters()], []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        loss = pulled_together(heads.image(images[rows]), heads.text(texts[rows]))
        gradients = torch.autograd.grad(loss, list(heads.parameters()))
        norm = torch.cat([gradient.flatten() for gradient in gradients]).double().norm().item()
        norms.append(norm)
        for total, gradient in zip(totals, gradients, strict=True):
            total += gradient * min(1, clip / norm)
    return totals, np.array(norms)


def features_of(rng, rows, width=5):
    draw = [torch.tensor(rng.normal(size=(rows, width + side)), dtype=torch.float32) for side in (0, 1)]
    return draw[0], draw[1]


@pytest.mark.parametrize("kind", ["linear", "mlp"])
@pytest.mark.parametrize("bias", [False, True])
@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000), rows=st.integers(1, 12), patients=st.integers(1, 6), clip=st.floats(0.1, 30)
)
def test_clipping_a_patients_summed_gradient_is_exact(kind, bias, seed, rows, patients, clip):
    rng = np.random.default_rng(seed)
    heads, groups = heads_of(kind, bias), rng.integers(0, patients, size=rows)
    images, texts = features_of(rng, rows)
    sums, norms = fast(heads, images, texts, groups, clip)
    slow, slow_norms = one_after_the_other(heads, images, texts, groups, clip)
    np.testing.assert_allclose(norms, slow_norms, rtol=1e-4)
    for one, other in zip(sums, slow, strict=True):
        torch.testing.assert_close(one.float(), other, rtol=1e-3, atol=1e-3)


def test_groups_of_many_rows_take_the_other_way_to_their_norm_and_get_the_same():
    """Above a few rows, the gradient itself is smaller than the products of all pairs of rows."""
    rng = np.random.default_rng(1)
    heads, images_texts = heads_of("linear", True), features_of(rng, 200)
    groups = np.repeat([0, 1, 2, 3], [1, 9, 90, 100])
    _, norms = fast(heads, *images_texts, groups, 1.0)
    np.testing.assert_allclose(norms, one_after_the_other(heads, *images_texts, groups, 1.0)[1], rtol=1e-4)


@pytest.mark.parametrize("length", [1.0, 1e4, 1e8, 1e10, 1e18])
@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_rows_of_any_length_that_cancel_move_a_sum_by_no_more_than_the_norm(kind, length):
    """A patient with images x and −x: what is summed with and without, beside other patients, in float64."""
    heads, rng = heads_of(kind, False), np.random.default_rng(5)
    others, reports = features_of(rng, 40)
    wild = torch.tensor(rng.normal(size=(1, 5)) * length, dtype=torch.float32)
    images = torch.cat([others, wild, -wild])
    texts = torch.cat([reports, reports[:1], reports[:1]])
    owner = np.concatenate([np.arange(40), [40, 40]])

    def summed(rows):
        left, left_taps = tapped(heads.image, images[:rows])
        right, right_taps = tapped(heads.text, texts[:rows])
        loss = -(left * right).sum()
        sums, _ = clipped_sum(heads, left_taps + right_taps, loss, owner[:rows], 0.5)
        return torch.cat([one.flatten() for one in sums])

    assert summed(42).dtype == torch.float64
    assert float((summed(42) - summed(40)).norm()) <= 0.5


def test_a_row_whose_gradient_is_no_number_adds_nothing():
    heads, rng = heads_of("linear", False), np.random.default_rng(6)
    images, texts = features_of(rng, 3)
    images[2] = 3e38
    left, left_taps = tapped(heads.image, images)
    right, right_taps = tapped(heads.text, texts)
    loss = (left * right * 1e10).sum()
    sums, _ = clipped_sum(heads, left_taps + right_taps, loss, np.arange(3), 1.0)
    assert all(one.isfinite().all() for one in sums)
    assert float(torch.cat([one.flatten() for one in sums]).norm()) <= 3


def test_gradients_that_cancel_within_a_patient_are_measured_in_full_precision():
    """Two large gradients that nearly cancel: in float32 their sum's norm would be lost."""
    heads = heads_of("linear", False)
    rng = np.random.default_rng(2)
    images, texts = features_of(rng, 2)
    images[1], texts[1] = images[0], texts[0]
    left, left_taps = tapped(heads.image, images)
    right, right_taps = tapped(heads.text, texts)
    loss = 1e4 * (left[0] - left[1] * (1 - 1e-5)).sum() + 0 * right.sum()
    _, norms = clipped_sum(heads, left_taps + right_taps, loss, np.zeros(2, np.int64), 100.0)
    slope = np.float64(1e4) - np.float64(np.float32(1e4) * np.float32(1 - 1e-5))
    expected = slope * np.sqrt(3) * images[0].double().norm().item()
    assert norms[0] == pytest.approx(expected, rel=1e-6)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), clip=st.floats(1e-3, 1e3), size=st.floats(1e-3, 1e6))
def test_no_groups_part_exceeds_the_norm(seed, clip, size):
    rng = np.random.default_rng(seed)
    heads = heads_of("linear", True)
    images, texts = (features * size for features in features_of(rng, 3))
    sums, _ = fast(heads, images, texts, np.zeros(3, np.int64), clip)
    assert torch.cat([one.flatten() for one in sums]).double().norm() <= clip


def test_gradients_below_the_norm_are_left_alone():
    rng = np.random.default_rng(3)
    heads, (images, texts) = heads_of("mlp", True), features_of(rng, 6)
    sums, norms = fast(heads, images, texts, np.arange(6), 1e6)
    plain = torch.autograd.grad(
        pulled_together(heads.image(images), heads.text(texts)), list(heads.parameters())
    )
    assert norms.max() < 1e6
    for one, other in zip(sums, plain, strict=True):
        torch.testing.assert_close(one.float(), other, rtol=1e-4, atol=1e-4)


def test_without_groups_nothing_is_clipped():
    rng = np.random.default_rng(4)
    heads, (images, texts) = heads_of("linear", False), features_of(rng, 6)
    sums, norms = fast(heads, images, texts, None, 1e-6)
    plain = torch.autograd.grad(
        pulled_together(heads.image(images), heads.text(texts)), list(heads.parameters())
    )
    assert norms.size == 0
    for one, other in zip(sums, plain, strict=True):
        torch.testing.assert_close(one.float(), other)


def test_a_tapped_head_gives_what_the_head_gives():
    heads, (images, _) = heads_of("mlp", True), features_of(np.random.default_rng(5), 4)
    outputs, taps = tapped(heads.image, images)
    torch.testing.assert_close(outputs, heads.image(images))
    assert [tuple(tap.inputs.shape) for tap in taps] == [(4, 5), (4, 4)]
