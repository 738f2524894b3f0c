"""Anchors of labels come from public pairs, from a seed or from elsewhere, never from the private cohort."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from privacy.planted_pairs import LABELS, planted
from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.errors import InputError
from relinkage.privacy.anchors import given_anchors, label_values, prototype_anchors, random_anchors


def heads(images=9, texts=7, width=5):
    torch.manual_seed(0)
    return HeadPair(HeadSpec("linear", images, width), HeadSpec("linear", texts, width)).eval()


def test_labels_as_numbers():
    pairs = pl.DataFrame({"A": [1, 0, -1, None], "B": [0, 1, None, -1]})
    assert label_values(pairs, ["A", "B"]).tolist() == [[1, 0], [0, 1], [0.5, 0], [0, 0.5]]
    assert label_values(pairs, ["A", "B"]).dtype == np.float32


def test_a_prototype_is_the_mean_public_text_embedding_with_a_label_less_the_mean_of_all():
    public = planted(seed=3)
    made = prototype_anchors(public, LABELS, heads())
    texts = public.project(heads())[1][public.pairs["report_row"].to_numpy()]
    for label, vector, share in zip(made.labels, made.vectors, made.shares, strict=True):
        positive = (public.pairs[label] == 1).fill_null(False).to_numpy()
        expected = texts[positive].mean(0) - texts.mean(0)
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
        assert share == pytest.approx(positive.mean(), abs=1e-6)
    assert made.labels == LABELS
    assert made.source == "mean text embeddings of 120 public pairs (planted-3)"


def test_labels_that_are_rare_or_unknown_in_public_have_no_anchor():
    public = planted(seed=3)
    rare = pl.Series("Edema", [1] * 19 + [0] * 101, dtype=pl.Int8)
    public = replace(public, pairs=public.pairs.with_columns(rare))
    assert prototype_anchors(public, [*LABELS, "Gout"], heads()).labels == ("Pneumonia", "Fracture")
    with pytest.raises(InputError, match="has no label of the cohort with 20 positive pairs"):
        prototype_anchors(public, ["Edema"], heads())
    with pytest.raises(InputError, match="give other public embeddings"):
        prototype_anchors(public, ["Gout"], heads())


def test_the_basis_spans_the_anchors_and_is_orthonormal():
    made = prototype_anchors(planted(seed=3), LABELS, heads())
    basis = made.basis()
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-6)
    np.testing.assert_allclose(made.vectors @ basis @ basis.T, made.vectors, atol=1e-5)


def test_a_narrower_span_keeps_the_directions_that_say_most_of_the_anchors():
    made = prototype_anchors(planted(seed=3), LABELS, heads())
    whole, narrow = made.basis(), made.basis(span=2)
    np.testing.assert_array_equal(narrow, whole[:, :2])
    told = [np.square(made.vectors @ whole[:, [column]]).sum() for column in range(whole.shape[1])]
    assert told == sorted(told, reverse=True)
    assert made.basis(span=99).shape == whole.shape


def test_equal_anchors_span_one_direction():
    made = given_anchors(np.ones((2, 4), np.float32), ["A", "B"], 4, None)
    assert made.basis().shape == (4, 1)


def test_random_anchors_are_orthogonal_and_follow_from_the_seed():
    made = random_anchors(LABELS, 6, 0)
    np.testing.assert_allclose(made.vectors @ made.vectors.T, np.eye(3), atol=1e-6)
    np.testing.assert_array_equal(made.vectors, random_anchors(LABELS, 6, 0).vectors)
    assert not np.array_equal(made.vectors, random_anchors(LABELS, 6, 1).vectors)
    assert made.shares.tolist() == pytest.approx([0.15] * 3)
    with pytest.raises(InputError, match="3 labels do not fit into 2 dimensions"):
        random_anchors(LABELS, 2, 0)


def test_given_anchors_are_checked_and_take_their_shares_from_public_pairs():
    vectors = np.arange(1, 16, dtype=np.float32).reshape(3, 5)
    made = given_anchors(vectors, LABELS, 5, planted(seed=3))
    np.testing.assert_allclose(np.linalg.norm(made.vectors, axis=1), 1, atol=1e-6)
    assert made.shares[0] == pytest.approx((planted(seed=3).pairs["Edema"] == 1).sum() / 120, abs=1e-6)
    assert given_anchors(vectors, LABELS, 5, None).shares[0] == pytest.approx(0.15)
    with pytest.raises(
        InputError, match=r"have the shape \(3, 5\); give one vector of 4 dimensions for each of"
    ):
        given_anchors(vectors, LABELS, 4, None)
    for wrong in (0.0, np.nan, np.inf):
        broken = vectors.copy()
        broken[1] = wrong
        with pytest.raises(InputError, match="hold a zero row, NaN or infinity"):
            given_anchors(broken, LABELS, 5, None)
