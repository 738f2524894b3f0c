"""The swap of BatchNorm for GroupNorm as a baseline of its own."""

import torch
from some_heads import some_features, some_heads

from relinkage.defences import swapped_norm


def test_heads_without_batch_norm_have_nothing_to_swap():
    assert swapped_norm(some_heads("linear")) is None
    assert swapped_norm(some_heads("mlp")) is None


def test_heads_with_batch_norm_give_other_images_and_the_same_reports():
    heads, (images, texts) = some_heads("grid"), some_features("grid")
    swapped = swapped_norm(heads)
    assert not torch.allclose(swapped.embed_images(images), heads.embed_images(images), atol=1e-3)
    assert torch.equal(swapped.embed_texts(texts), heads.embed_texts(texts))
