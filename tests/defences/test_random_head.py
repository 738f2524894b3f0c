"""A random image head links nothing, and a linear probe of images does not notice."""

import pytest
import torch
from some_heads import KINDS, some_features, some_heads

from relinkage.defences import with_random_image_head


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_side_stays_and_the_image_side_is_of_the_same_shapes(kind):
    heads, (images, texts) = some_heads(kind), some_features(kind)
    before = [weight.clone() for weight in heads.parameters()]
    made = with_random_image_head(heads, 3)
    assert torch.equal(made.embed_texts(texts), heads.embed_texts(texts))
    assert not torch.allclose(made.embed_images(images), heads.embed_images(images), atol=0.1)
    assert made.image_spec == heads.image_spec
    assert all(torch.equal(one, other) for one, other in zip(before, heads.parameters(), strict=True))
    for old, new in zip(heads.image.parameters(), made.image.parameters(), strict=True):
        assert old.shape == new.shape
        if old.ndim == 1:
            assert torch.equal(old, new)


def test_weights_are_gaussian_of_the_size_they_had():
    heads = some_heads()
    drawn = torch.stack([with_random_image_head(heads, seed).image.weight for seed in range(200)])
    old = heads.image.weight
    assert drawn.mean(0).abs().max() < 4 * old.square().mean().sqrt() / 200**0.5
    assert drawn.square().mean().sqrt() == pytest.approx(old.square().mean().sqrt().item(), rel=0.03)
    kurtosis = (drawn**4).mean() / drawn.square().mean() ** 2
    assert kurtosis == pytest.approx(3, abs=0.2)


def test_a_seed_repeats_and_another_seed_does_not():
    heads = some_heads()
    first, again, other = (with_random_image_head(heads, seed).image.weight for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
