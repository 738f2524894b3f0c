"""Label anchors: what a pair is pulled to depends on its own labels and on public numbers."""

import numpy as np
import pytest
import torch

from relinkage.privacy.mechanisms import Batch, LabelAnchored

ANCHORS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def mechanism(shares=(0.2, 0.5)):
    return LabelAnchored(ANCHORS, torch.tensor(shares))


def batch(labels):
    n = len(labels)
    return Batch(
        torch.zeros(n, 2), torch.zeros(n, 2), torch.tensor(labels), np.arange(n), np.zeros(n, np.uint64), 0
    )


def test_an_anchor_weighs_labels_by_their_public_share():
    """For the labels (present, absent): (1 − 0.2)/0.4 along the first, −0.5/0.5 along the second."""
    target = mechanism().targets(torch.tensor([[1.0, 0.0]]))[0]
    expected = np.array([0.8 / 0.4, -0.5 / 0.5, 0.0])
    np.testing.assert_allclose(target, expected / np.linalg.norm(expected), rtol=1e-6)


def test_shares_of_nothing_or_all_do_no_harm():
    assert mechanism((0.0, 1.0)).targets(torch.tensor([[1.0, 0.5]])).isfinite().all()


def test_the_loss_is_nothing_at_the_anchor_and_most_opposite_to_it():
    labels = [[1.0, 0.0], [0.0, 1.0]]
    target = mechanism().targets(torch.tensor(labels))
    one, other = (
        mechanism().loss(sign * 3 * target, sign * target, batch(labels), None).item() for sign in (1, -1)
    )
    assert one == pytest.approx(0, abs=1e-5)
    assert other == pytest.approx(2 * 2 * 2, abs=1e-5)


def test_it_needs_labels():
    unlabelled = Batch(torch.zeros(1, 2), torch.zeros(1, 2), None, np.arange(1), np.zeros(1, np.uint64), 0)
    with pytest.raises(ValueError, match="needs labels"):
        mechanism().loss(torch.ones(1, 3), torch.ones(1, 3), unlabelled, None)
