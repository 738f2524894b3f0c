"""InfoNCE against the formula written out in double precision."""

import numpy as np
import pytest
import torch

from relinkage.alignment.objectives import infonce


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
