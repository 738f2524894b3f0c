"""GELU with dropout: its share, its mean, its gradient, and whose state decides the masks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn.functional import gelu

from relinkage.encoders.dropped_gelu import DroppedGelu


@pytest.fixture
def layer():
    return DroppedGelu(0.3).train()


def test_a_share_is_dropped_and_the_mean_is_kept(layer):
    threes, value = torch.full((400, 500), 3.0), gelu(torch.tensor(3.0)).item()
    made = layer(threes)
    assert (made == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)
    assert made.mean().item() == pytest.approx(value, abs=0.03)
    assert made[made != 0].unique().tolist() == pytest.approx([value / 0.7], rel=1e-4)
    assert torch.equal(threes, torch.full((400, 500), 3.0))


def test_every_call_draws_a_mask_of_its_own_and_torchs_seed_when_training_begins_decides_them_all():
    values = torch.linspace(1, 2, 999).view(27, 37)

    def masked():
        torch.manual_seed(3)
        layers = DroppedGelu(0.3).train(), DroppedGelu(0.3).train()
        torch.manual_seed(4)
        return [layers[k](values) for k in (0, 0, 1)]

    first, second, third = masked()
    assert not torch.equal(first, second)
    assert not torch.equal(first, third)
    for one, other in zip((first, second, third), masked(), strict=True):
        assert torch.equal(one, other)


def test_the_gradient_is_gelus_where_a_value_was_kept(layer):
    values = torch.randn(31, 17, generator=torch.Generator().manual_seed(0)).T.requires_grad_()
    made = layer(values)
    pull = torch.linspace(-1, 1, values.numel()).view_as(made)
    (gradient,) = torch.autograd.grad(made, values, pull)
    (plain,) = torch.autograd.grad(gelu(values), values, pull)
    scale = 2**16 / (2**16 - round(0.3 * 2**16))
    torch.testing.assert_close(made, torch.where(made == 0, 0, gelu(values) * scale))
    torch.testing.assert_close(gradient, torch.where(made == 0, 0, plain * scale))


@settings(deadline=None)
@given(values=arrays(np.float32, st.integers(1, 99), elements=st.floats(-40, 40, width=32)))
def test_values_and_slopes_are_gelus_to_single_precision(values):
    layer = DroppedGelu(1e-9).train()  # rounded to nothing dropped
    single = torch.from_numpy(values).requires_grad_()
    double = torch.from_numpy(values.astype(float)).requires_grad_()
    made, exact = layer(single), gelu(double)
    (slope,) = torch.autograd.grad(made.sum(), single)
    (exact_slope,) = torch.autograd.grad(exact.sum(), double)
    torch.testing.assert_close(made.double(), exact, rtol=3e-7, atol=3e-7)
    torch.testing.assert_close(slope.double(), exact_slope, rtol=3e-7, atol=3e-7)


def test_other_precisions_take_torchs_own(layer):
    made = layer(torch.full((99, 99), 3.0, dtype=torch.float64))
    assert made.dtype == torch.float64
    assert 0 < (made == 0).float().mean() < 1


def test_nothing_is_dropped_outside_of_training_or_where_the_share_is_nothing(layer):
    values = torch.randn(4, 5)
    assert torch.equal(layer.eval()(values), gelu(values))
    assert torch.equal(DroppedGelu(0.0).train()(values), gelu(values))
