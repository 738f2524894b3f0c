"""The objectives against their formulas written out in double precision."""

import numpy as np
import pytest
import torch

from relinkage.alignment.objectives import (
    abnormality_loss,
    contrast,
    infonce,
    same_class,
    shared_labels,
    supcon,
)
from relinkage.alignment.side_by_side import side_by_side


def written_out(images, texts, temperature, same=None):
    """−log softmax of the mate, over rows and over columns; who is the same person leaves the sums."""
    n, total = len(images), 0.0
    for rows, columns in ((images, texts), (texts, images)):
        for i in range(n):
            scores = [
                rows[i] @ columns[j] / temperature
                for j in range(n)
                if j == i or same is None or not same[i][j]
            ]
            total += np.log(np.exp(scores).sum()) - rows[i] @ columns[i] / temperature
    return total / (2 * n)


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    images, texts = rng.normal(size=(2, 9, 5))
    return [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, texts)]


def loss(images, texts, temperature, same=None):
    same = None if same is None else torch.from_numpy(same)
    return infonce(torch.from_numpy(images), torch.from_numpy(texts), temperature, same).item()


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2])
def test_the_formula(pairs, temperature):
    assert loss(*pairs, temperature) == pytest.approx(written_out(*pairs, temperature))


@pytest.mark.parametrize("temperature", [0.07, 1])
def test_a_patients_other_pairs_leave_the_sums(pairs, temperature):
    patient = np.array([0, 1, 1, 2, 0, 1, 3, 4, 4])
    same = patient[:, None] == patient
    assert loss(*pairs, temperature, same) == pytest.approx(written_out(*pairs, temperature, same))
    assert loss(*pairs, temperature, same) < loss(*pairs, temperature)


def test_nobody_but_oneself_is_nothing_left_out(pairs):
    assert loss(*pairs, 0.1, np.eye(9, dtype=bool)) == loss(*pairs, 0.1)


def test_a_batch_of_one_patient_teaches_nothing(pairs):
    assert loss(*pairs, 0.1, np.ones((9, 9), bool)) == pytest.approx(0)


def test_a_pair_by_itself_teaches_nothing():
    images, texts = (torch.tensor([[0.6, 0.8]]).requires_grad_() for _ in range(2))
    made = contrast(images, texts, 0.1, clip=1, supcon=1, positives=torch.ones(1, 1))
    torch.autograd.backward(made)
    assert made.item() == pytest.approx(0, abs=1e-6)
    assert images.grad.abs().max().item() == pytest.approx(0, abs=1e-5)


def test_both_directions_count_alike(pairs):
    images, texts = pairs
    assert loss(images, texts, 0.2) == pytest.approx(loss(texts, images, 0.2))


def test_equal_similarities_cost_the_logarithm_of_the_batch():
    same = np.tile([[1.0, 0.0]], (6, 1))
    assert loss(same, same, 0.07) == pytest.approx(np.log(6))


def test_a_pair_left_out_has_no_gradient(pairs):
    images, texts = (torch.from_numpy(side).requires_grad_() for side in pairs)
    same = torch.zeros(9, 9, dtype=torch.bool)
    same[3, :] = same[:, 3] = True
    torch.autograd.backward(infonce(images, texts, 0.1, same))
    assert images.grad[3].abs().max() == 0
    assert images.grad[4].abs().max() > 0
    assert torch.isfinite(texts.grad).all()


def supcon_written_out(images, texts, positives, temperature, same=None):
    """−Σ w_ij log softmax_ij over an anchor's positives, w summing to one; both directions, all anchors."""
    n, total = len(images), 0.0
    for rows, columns in ((images, texts), (texts, images)):
        for i in range(n):
            others = [j for j in range(n) if j == i or same is None or not same[i][j]]
            weight = np.array([1.0 if j == i else positives[i][j] for j in others])
            scores = np.array([rows[i] @ columns[j] / temperature for j in others])
            total -= (weight / weight.sum() * (scores - np.log(np.exp(scores).sum()))).sum()
    return total / (2 * n)


CLASSES = torch.tensor([0.0, 1, 1, 0, torch.nan, 1, torch.nan, 0, 1])
PATIENT = np.array([0, 1, 1, 2, 0, 1, 3, 4, 4])


@pytest.mark.parametrize("temperature", [0.07, 1])
@pytest.mark.parametrize("same", [None, PATIENT[:, None] == PATIENT])
def test_supervised_contrast_is_its_formula(pairs, temperature, same):
    images, texts = pairs
    positives = same_class(CLASSES)
    apart = None if same is None else torch.from_numpy(same)
    made = supcon(torch.from_numpy(images), torch.from_numpy(texts), positives, temperature, apart)
    expected = supcon_written_out(images, texts, positives.numpy(), temperature, same)
    assert made.item() == pytest.approx(expected)


def test_supervised_contrast_with_every_class_distinct_is_infonce(pairs):
    images, texts = map(torch.from_numpy, pairs)
    distinct = same_class(torch.arange(9.0))
    assert supcon(images, texts, distinct, 0.07).item() == pytest.approx(loss(*pairs, 0.07))


def test_label_sets_share_a_class_by_their_jaccard_index(pairs):
    labels = torch.tensor([[1.0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 1]])
    expected = [
        [1, 1 / 2, 0, 0, 1 / 3],
        [1 / 2, 1, 0, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 1, 1, 0],
        [1 / 3, 0, 0, 0, 1],
    ]
    np.testing.assert_allclose(shared_labels(labels).numpy(), expected, rtol=1e-6)
    images, texts = (side[:5] for side in pairs)
    made = supcon(torch.from_numpy(images), torch.from_numpy(texts), shared_labels(labels), 0.2)
    assert made.item() == pytest.approx(supcon_written_out(images, texts, expected, 0.2), rel=1e-6)


def test_a_pair_whose_class_is_not_known_is_alone_in_it():
    shared = same_class(torch.tensor([torch.nan, torch.nan, 1, 1]))
    assert shared.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]


def test_parts_of_a_contrast_add_up(pairs):
    images, texts = map(torch.from_numpy, pairs)
    same, positives = torch.from_numpy(PATIENT[:, None] == PATIENT), same_class(CLASSES)
    both = contrast(images, texts, 0.1, clip=2, supcon=0.5, positives=positives, same=same)
    apart = 2 * infonce(images, texts, 0.1, same) + 0.5 * supcon(images, texts, positives, 0.1, same)
    assert both.item() == pytest.approx(apart.item())


def test_abnormality_is_binary_cross_entropy_where_it_is_known():
    logits, abnormal = torch.tensor([0.3, -2, 1.1, 5]), torch.tensor([1, 0, 0, torch.nan])
    chances = 1 / (1 + np.exp(-np.array([0.3, -2, 1.1])))
    expected = -(np.log(chances[0]) + np.log(1 - chances[1]) + np.log(1 - chances[2])) / 3
    assert abnormality_loss(logits, abnormal).item() == pytest.approx(expected)
    assert abnormality_loss(logits, torch.full((4,), torch.nan)).item() == 0


def by_differentiation(images, texts, temperature, clip, weight, positives, same):
    """The sum of both contrasts by torch's own log-softmax, which differentiates itself."""
    others = same & ~torch.eye(len(images), dtype=torch.bool)
    shared = positives.masked_fill(others, 0)
    total = 0.0
    for rows, columns in ((images, texts), (texts, images)):
        chance = (rows @ columns.T / temperature).masked_fill(others, -torch.inf).log_softmax(1)
        total = total - clip * chance.diagonal().mean()
        total = total - weight * (shared * chance.masked_fill(others, 0) / shared.sum(1, True)).sum(1).mean()
    return total / 2


@pytest.mark.parametrize(
    "temperature", [0.001, 0.02, 0.3]
)  # the first underflows in one table of exponentials
@pytest.mark.parametrize(("clip", "weight"), [(1.0, 0.0), (0.0, 1.0), (0.7, 2.0)])
@pytest.mark.parametrize(("single", "close"), [(False, 1e-9), (True, 2e-6)])
def test_value_and_gradient_are_those_of_automatic_differentiation(
    pairs, temperature, clip, weight, single, close
):
    patient, classes = torch.tensor([0, 1, 1, 2, 0, 1, 3, 4, 4]), torch.tensor([0, 1, 0, 1, 1, 0, 0, 1, 1.0])
    same, positives = patient[:, None] == patient, same_class(classes).double()
    sides = [[torch.from_numpy(side).requires_grad_() for side in pairs] for _ in range(2)]
    with side_by_side() as both:
        ours = contrast(
            *(side.float() if single else side for side in sides[0]), temperature,
            clip=clip, supcon=weight, positives=positives, same=same, both=both,
        )  # fmt: skip
    theirs = by_differentiation(*sides[1], temperature, clip, weight, positives, same)
    assert ours.item() == pytest.approx(theirs.item(), rel=max(close, 1e-6))
    torch.autograd.backward(3 * ours)
    torch.autograd.backward(3 * theirs)
    for one, other in zip(*sides, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=close, atol=close / temperature)
