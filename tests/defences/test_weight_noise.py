"""Isotropic noise on weights."""

import pytest
import torch
from some_heads import KINDS, some_heads

from relinkage.defences import with_weight_noise
from relinkage.encoders import HeadPair, HeadSpec


def flat(head):
    return torch.cat([weight.flatten() for weight in head.parameters()])


@pytest.mark.parametrize("kind", KINDS)
def test_no_noise_changes_nothing(kind):
    heads = some_heads(kind)
    noisy = with_weight_noise(heads, 0.0, 5)
    for name, weight in heads.state_dict().items():
        assert torch.equal(noisy.state_dict()[name], weight)


def test_the_noise_is_as_long_as_the_amount_says_and_alike_in_all_directions():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        heads = HeadPair(HeadSpec("mlp", 90, 40, bias=True, hidden=60), HeadSpec("linear", 70, 40)).eval()
    noisy = with_weight_noise(heads.requires_grad_(False), 0.5, 5)
    for side in ("image", "text"):
        before, after = flat(getattr(heads, side)), flat(getattr(noisy, side))
        noise = after - before
        assert float(noise.norm() / before.norm()) == pytest.approx(0.5, rel=0.05)
        assert abs(float(torch.nn.functional.cosine_similarity(noise, before, dim=0))) < 0.05
    deviations = [
        float((new - old).std())
        for new, old in zip(noisy.image.parameters(), heads.image.parameters(), strict=True)
        if old.ndim == 2
    ]
    assert deviations[0] == pytest.approx(deviations[1], rel=0.1)  # whatever a layer's own scale is


def test_a_seed_repeats_and_leaves_the_given_heads_alone():
    heads = some_heads()
    before = flat(heads.image).clone()
    one, same, other = (flat(with_weight_noise(heads, 1.0, seed).image) for seed in (5, 5, 6))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(flat(heads.image), before)
