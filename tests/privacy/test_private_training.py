"""Private training: what is summed, how much noise is added, who is sampled, and that a seed repeats it."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.errors import InputError
from relinkage.privacy.mechanisms import Batch, Nominal
from relinkage.privacy.noise import SeededCoins
from relinkage.privacy.training import Plan, PrivatePairs, private_sum, train_privately
from relinkage.privacy.units import units_of

PLAN = Plan(rate=1.0, steps=3, clip=0.4, noise=0.0, divisor=20.0, learning_rate=2.0)


class Pull:
    """A loss whose gradient can be written down: Σ image · text of each row, not normalised."""

    name, one_pair = "label-anchored", False

    def loss(self, images, texts, batch, heads):
        return -(images * texts).sum()

    def groups(self, batch):
        return batch.owner


def heads_of(seed=0):
    torch.manual_seed(seed)
    return HeadPair(HeadSpec("linear", 5, 3), HeadSpec("linear", 4, 3)).eval()


def pairs_of(patients=6, rows=14, scales=(1.0, 1.0), seed=0):
    rng = np.random.default_rng(seed)
    patient = np.sort(np.concatenate([np.arange(patients), rng.integers(0, patients, rows - patients)]))
    key = (100 + patient).astype(np.uint64)
    images, texts = (torch.tensor(rng.normal(size=(rows, width)), dtype=torch.float32) for width in (5, 4))
    report = rng.permutation(rows)
    return PrivatePairs(images, texts, report, None, units_of(patient, key, "patient", None), scales), patient


def sum_by_definition(heads, pairs, patient, clip):
    """Patient by patient: the gradient of its own loss, shortened to the norm, added up."""
    totals = [torch.zeros_like(parameter) for parameter in heads.parameters()]
    for one in np.unique(patient):
        rows = np.flatnonzero(patient == one)
        images = heads.image(pairs.images[rows] * pairs.scales[0])
        texts = heads.text(pairs.texts[pairs.report[rows]] * pairs.scales[1])
        gradients = torch.autograd.grad(-(images * texts).sum(), list(heads.parameters()))
        norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        for total, gradient in zip(totals, gradients, strict=True):
            total += gradient * min(1.0, clip / norm.item())
    return totals


@pytest.mark.parametrize("scales", [(1.0, 1.0), (0.5, 3.0)])
def test_each_steps_sum_and_move_are_what_the_definition_gives(scales):
    """θ moves by η_t / (C · divisor) times the sum, η_t = η (1 + cos(π t / T)) / 2."""
    heads, (pairs, patient) = heads_of(), pairs_of(scales=scales)
    slow, sums = copy.deepcopy(heads), []
    train_privately(
        heads, Pull(), pairs, PLAN, SeededCoins(0), lambda step, noisy: sums.append((step, noisy))
    )
    for step, noisy in sums:
        expected = sum_by_definition(slow, pairs, patient, PLAN.clip)
        rate = PLAN.learning_rate * (1 + np.cos(np.pi * step / 3)) / 2
        with torch.no_grad():
            for parameter, total, seen in zip(slow.parameters(), expected, noisy, strict=True):
                torch.testing.assert_close(seen, total, rtol=1e-3, atol=1e-4)
                parameter -= rate / (PLAN.clip * PLAN.divisor) * total
    assert [step for step, _ in sums] == [0, 1, 2]
    for one, other in zip(heads.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_noise_has_the_deviation_of_the_plan_whatever_was_sampled():
    """Deviation: noise · clip. At a rate of next to nothing, the noise is all there is."""
    pairs, _ = pairs_of()
    plan, seen = replace(PLAN, rate=1e-12, noise=5.0, steps=400, learning_rate=1e-6), []
    losses = train_privately(
        heads_of(),
        Pull(),
        pairs,
        plan,
        SeededCoins(1),
        lambda step, noisy: seen.append(np.concatenate([one.numpy().ravel() for one in noisy])),
    )
    drawn = np.array(seen)
    assert drawn.std() == pytest.approx(5.0 * 0.4, rel=0.02)
    assert drawn.mean() == pytest.approx(0, abs=0.08)
    assert np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1] == pytest.approx(0, abs=0.04)
    assert np.isnan(losses).all()


def test_noise_is_added_to_the_sum_of_what_was_sampled_and_does_not_shrink_with_it():
    """The same coins with and without pairs: the difference of noisy sums is the clipped sum, exactly."""
    pairs, _ = pairs_of()
    heads, seen = heads_of(), []
    for some in (pairs, replace(pairs, images=pairs.images * 0)):
        train_privately(
            copy.deepcopy(heads),
            Pull(),
            some,
            replace(PLAN, steps=1, noise=3.0),
            SeededCoins(2),
            lambda step, noisy: seen.append(noisy),
        )
    batch = pairs.batch(np.arange(6), 0, SeededCoins(0), one_pair=False)
    alone, _ = private_sum(heads, Pull(), batch, PLAN.clip)
    # Without images only the image head has a gradient: of the text head the noise is left.
    torch.testing.assert_close(seen[0][1] - seen[1][1], alone[1].float(), rtol=1e-4, atol=1e-5)


def test_units_are_sampled_whole_and_each_with_the_rate():
    """Over many steps, every patient is there with all of its pairs at q of the steps, and independently."""
    pairs, patient = pairs_of()
    batches = []

    class Watching(Pull):
        def loss(self, images, texts, batch: Batch, heads):
            batches.append((batch.key.tolist(), len(batch.owner)))
            return super().loss(images, texts, batch, heads)

    plan = replace(PLAN, rate=0.3, steps=1500, learning_rate=1e-9)
    train_privately(heads_of(), Watching(), pairs, plan, SeededCoins(3))
    sizes = np.bincount(patient)
    counts = np.zeros(6)
    for keys, rows in batches:
        chosen = np.array(keys) - 100
        counts[chosen] += 1
        assert rows == sizes[chosen].sum()
    assert counts / 1500 == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / 1500))
    assert len(batches) == pytest.approx(1500 * (1 - 0.7**6), abs=4 * np.sqrt(1500 * 0.118 * 0.882))


def test_a_seed_repeats_a_training_and_another_gives_another():
    states = []
    for seed in (4, 4, 5):
        heads, (pairs, _) = heads_of(), pairs_of()
        train_privately(heads, Pull(), pairs, replace(PLAN, rate=0.5, noise=1.0), SeededCoins(seed))
        states.append(torch.cat([parameter.flatten() for parameter in heads.parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_features_are_left_as_they_are():
    pairs, _ = pairs_of(scales=(2.0, 3.0))
    before = pairs.images.clone(), pairs.texts.clone()
    train_privately(heads_of(), Pull(), pairs, PLAN, SeededCoins(0))
    assert torch.equal(before[0], pairs.images)
    assert torch.equal(before[1], pairs.texts)


def test_features_are_scaled_down_to_the_largest_norm_and_others_stay_as_they_are():
    pairs, _ = pairs_of(patients=3, rows=3, scales=(2.0, 1.0))
    pairs.images[0] *= 1e30
    pairs.images[1] = float("nan")
    batch = pairs.batch(np.arange(3), 0, SeededCoins(0), one_pair=False)
    wide = pairs.images.double() * 2
    torch.testing.assert_close(batch.images[0].double(), wide[0] / wide[0].norm() * 1e4)
    assert (batch.images[1] == 0).all()
    assert torch.equal(batch.images[2], pairs.images[2] * 2)


def test_a_private_loss_that_is_no_number_stops_nothing():
    """Whether there are heads would tell of the pairs. The pair with that loss adds nothing here."""
    pairs, _ = pairs_of()

    class Sometimes(Pull):
        def loss(self, images, texts, batch, heads):
            wild = torch.zeros(len(images))
            wild[0] = float("inf")
            return super().loss(images, texts, batch, heads) + (wild * images.sum(1)).sum()

    heads = heads_of()
    losses = train_privately(heads, Sometimes(), pairs, replace(PLAN, noise=1.0), SeededCoins(0))
    assert not np.isfinite(losses).any()
    assert all(parameter.isfinite().all() for parameter in heads.parameters())


def test_a_training_that_diverges_is_an_error():
    pairs, _ = pairs_of()
    with pytest.raises(InputError, match=r"Training diverged at step \d+; give a smaller lr"):
        train_privately(
            heads_of(), Nominal(), pairs, replace(PLAN, learning_rate=float("1e38"), noise=1e10, steps=6),
            SeededCoins(0),
        )  # fmt: skip
