"""A rotation of one side hides every mate from the cosine and nothing from an attacker who realigns."""

import pytest
import torch
from some_heads import KINDS, some_features, some_heads

from relinkage.defences import rotated


@pytest.mark.parametrize("kind", KINDS)
def test_the_image_side_stays_exactly_as_it_was(kind):
    heads, (images, _) = some_heads(kind), some_features(kind)
    assert torch.equal(rotated(heads, 3).embed_images(images), heads.embed_images(images))


@pytest.mark.parametrize("kind", KINDS)
def test_reports_keep_their_angles_to_each_other_and_lose_those_to_images(kind):
    heads, (images, texts) = some_heads(kind), some_features(kind)
    before, after = heads.embed_texts(texts), rotated(heads, 3).embed_texts(texts)
    assert torch.allclose(after @ after.T, before @ before.T, atol=1e-5)
    across = heads.embed_images(images)
    assert (across @ after.T - across @ before.T).abs().max() > 0.5


def test_procrustes_undoes_it():
    heads, (_, texts) = some_heads(), some_features()
    before, after = heads.embed_texts(texts).double(), rotated(heads, 3).embed_texts(texts).double()
    u, _, v = torch.linalg.svd(before.T @ after)
    assert torch.allclose(after @ (u @ v).T, before, atol=1e-5)


def test_a_seed_repeats_and_another_seed_does_not():
    heads, (_, texts) = some_heads(), some_features()
    first, again, other = (rotated(heads, seed).embed_texts(texts) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=0.1)


def test_all_rotations_are_as_likely():
    """Over many seeds, a vector is turned to every direction alike: its mean is zero, its moments I/d."""
    heads, (_, texts) = some_heads(), some_features(rows=1)
    turned = torch.cat([rotated(heads, seed).embed_texts(texts) for seed in range(300)])
    assert turned.mean(0).abs().max() < 0.08
    assert torch.allclose(turned.T @ turned / len(turned), torch.eye(6) / 6, atol=0.06)


def test_the_given_heads_stay_as_they_are():
    heads, (_, texts) = some_heads(), some_features()
    before = heads.embed_texts(texts)
    rotated(heads, 3)
    assert torch.equal(heads.embed_texts(texts), before)
