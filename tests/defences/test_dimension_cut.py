"""Embeddings in fewer dimensions."""

import numpy as np
import pytest
import torch
from some_heads import KINDS, some_features, some_heads

from relinkage.defences import cut, principal_axes
from usefulness.planted_labels import plant


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("planted") / "emb")


def both_sides(embeddings, heads):
    images, texts = embeddings.project(heads)
    return np.concatenate([images, texts[embeddings.pairs["report_row"].to_numpy()]]).astype(float)


def test_the_first_axes_are_the_best_approximation_of_the_embeddings(embeddings):
    """By definition: no other subspace of r dimensions keeps more of the squared length (Eckart-Young)."""
    heads = embeddings.heads
    rows, axes = both_sides(embeddings, heads), principal_axes(embeddings, heads)
    strength = np.linalg.svd(rows, compute_uv=False) ** 2
    for kept in (1, 4, 12):
        assert ((rows @ axes[:, :kept]) ** 2).sum() == pytest.approx(strength[:kept].sum(), rel=1e-6)
    assert np.allclose(axes.T @ axes, np.eye(12), atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_cosines_inside_the_kept_axes(kind):
    heads, (images, texts) = some_heads(kind), some_features(kind)
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    for kept in (1, 3, 6):
        narrow = cut(heads, axes, kept)
        inside = torch.from_numpy(axes[:, :kept]).float()
        expected = [
            torch.nn.functional.normalize(side @ inside, dim=1)
            for side in (heads.embed_images(images), heads.embed_texts(texts))
        ]
        found = narrow.embed_images(images) @ narrow.embed_texts(texts).T
        assert torch.allclose(found, expected[0] @ expected[1].T, atol=1e-4)
        assert (narrow.embed_images(images)[:, kept:] == 0).all()


def test_all_axes_change_no_score(embeddings):
    heads = embeddings.heads
    whole = cut(heads, principal_axes(embeddings, heads), 12)
    before, after = embeddings.project(heads), embeddings.project(whole)
    assert np.allclose(after[0] @ after[1].T, before[0] @ before[1].T, atol=1e-5)
