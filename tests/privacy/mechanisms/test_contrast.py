"""The multi-task objective inside groups, against its formula group by group."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from relinkage.alignment.objectives import abnormality_loss, infonce, same_class, shared_labels, supcon
from relinkage.alignment.settings import Weights
from relinkage.privacy.mechanisms.contrast import Contrast
from relinkage.privacy.mechanisms.protocol import Batch

N, D = 14, 5


@pytest.fixture
def rows():
    torch.manual_seed(0)
    images, texts = torch.randn(2, N, D, dtype=torch.float64)
    positive = (torch.rand(N, 3) < 0.4).double()
    abnormal = positive.any(1).double()
    abnormal[3] = torch.nan
    labels = torch.cat([abnormal[:, None], positive], 1)
    return images, texts, Batch(images, texts, labels, np.arange(N), np.arange(N, dtype=np.uint64), 0)


def by_group(images, texts, labels, group, weights, classes, temperature):
    """Every group is a batch of its own; the classifier is the diagonal of the space, ten times over."""
    images, texts, total = normalize(images, dim=1), normalize(texts, dim=1), 0.0
    for number in np.unique(group):
        at = torch.from_numpy(np.flatnonzero(group == number))
        x, y, n = images[at], texts[at], len(at)
        abnormal, positive = labels[at, 0], labels[at, 1:]
        shared = same_class(abnormal) if classes == "abnormal" else shared_labels(positive)
        total = total + weights.clip * n * infonce(x, y, temperature)
        total = total + weights.supcon * n * supcon(x, y, shared.double(), temperature)
        for side in (x, y):
            direction = torch.ones(D, dtype=torch.float64) / D**0.5
            known = (~abnormal.isnan()).sum()
            total = total + weights.bce / 2 * known * abnormality_loss(10 * side @ direction, abnormal)
    return total


@pytest.mark.parametrize("classes", ["abnormal", "labels"])
@pytest.mark.parametrize(
    "weights",
    [
        Weights(bce=1, supcon=1, clip=1),
        Weights(bce=0.5, supcon=0, clip=0),
        Weights(bce=0, supcon=2, clip=0),
        Weights(bce=0, supcon=0.3, clip=1),
    ],
)
def test_a_group_is_a_batch_of_its_own(rows, weights, classes):
    images, texts, batch = rows
    group = np.arange(N) % 3
    summed = Contrast(0.2, weights, classes).summed(images, texts, batch, group)
    expected = by_group(images, texts, batch.labels, group, weights, classes, 0.2)
    assert summed.item() == pytest.approx(expected.item())


def test_what_happens_in_one_group_does_not_reach_another(rows):
    images, texts, batch = rows
    group, objective = np.arange(N) % 2, Contrast(0.2, Weights(bce=1, supcon=1, clip=1))
    images.requires_grad_()

    def gradient():
        (found,) = torch.autograd.grad(objective.summed(images, texts, batch, group), images)
        return found[group == 0]

    before = gradient()
    texts[1], batch.labels[1, 0] = -texts[1], 1 - batch.labels[1, 0]
    torch.testing.assert_close(gradient(), before)


def test_labels_must_be_there(rows):
    images, texts, batch = rows
    without = Batch(images, texts, None, batch.owner, batch.key, 0)
    with pytest.raises(ValueError, match="needs labels"):
        Contrast(0.2, Weights(bce=1, supcon=0, clip=1)).summed(images, texts, without, np.zeros(N, np.int64))
