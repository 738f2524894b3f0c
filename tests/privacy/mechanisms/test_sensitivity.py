"""An adversary looks for a unit that moves the sum further than a mechanism's bound, and must not find one.

Where nothing is proven (`nominal`), the same search does find one, which is why that ε is nominal.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from privacy.mechanisms.searching import (
    CLIP,
    FEATURES,
    LABELS,
    WIDTH,
    climbed,
    clipped_sum_by_definition,
    furthest,
    moved,
    small_batch,
    small_heads,
)
from relinkage.alignment.settings import Weights
from relinkage.encoders.trained.bounds import sensitivity_of
from relinkage.privacy.mechanisms import (
    BatchClip,
    Contrast,
    Grouped,
    LabelAnchored,
    Logit,
    Nominal,
    PublicNegatives,
)
from relinkage.privacy.training import private_sum
from tiers import quick

NOTHING_MORE = 1 + 1e-6
"""What rounding may add to a bound."""


def label_anchored(rng):
    return LabelAnchored(
        torch.tensor(rng.normal(size=(LABELS, WIDTH)), dtype=torch.float32), torch.full((LABELS,), 0.2)
    )


def public_negatives(rng):
    bank = torch.tensor(rng.normal(size=(2, 5, FEATURES)), dtype=torch.float32)
    return PublicNegatives(*bank, temperature=0.2)


MECHANISMS = {
    "label-anchored": label_anchored,
    "public-negatives": public_negatives,
    "grouped": lambda rng: Grouped(slots=2, objective=Contrast(0.2)),
    "batch-clip": lambda rng: BatchClip(Contrast(0.2)),
    "nominal": lambda rng: Nominal(Contrast(0.2)),
    "logit": lambda rng: Logit(CLIP, units=4, temperature=1.0),
}


def maker(name, bias=False):
    return lambda rng: (small_heads(int(rng.integers(2**31)), bias), MECHANISMS[name](rng))


@pytest.mark.parametrize("classes", quick(1, ["labels", "abnormal"]))
def test_nor_one_that_moves_a_sum_of_multi_task_losses_in_groups(classes):
    objective = Contrast(0.2, Weights(bce=1, supcon=1, clip=1), classes)
    found = furthest(
        lambda rng: (small_heads(int(rng.integers(2**31)), False), Grouped(slots=2, objective=objective)), 0
    )
    assert found <= sensitivity_of("grouped", 0.2).multiple * NOTHING_MORE


@pytest.mark.parametrize("pairs_a_unit", quick(1, [2, 1]))
@pytest.mark.parametrize("name", ["label-anchored", "public-negatives", "grouped", "batch-clip"])
def test_no_unit_is_found_that_moves_a_proven_sum_further_than_its_bound(name, pairs_a_unit):
    found = furthest(maker(name, bias=pairs_a_unit == 2), 0, pairs_a_unit=pairs_a_unit)
    assert found <= sensitivity_of(name, 0.2).multiple * NOTHING_MORE


@pytest.mark.parametrize(
    ("name", "reached"),
    [("label-anchored", 0.99), ("public-negatives", 0.99), ("grouped", 1.5), ("batch-clip", 1.5)],
)
def test_the_search_comes_close_to_the_bounds_so_it_can_find_something(name, reached):
    assert furthest(maker(name), 1, units=6) >= reached


def test_the_search_finds_units_that_move_a_nominal_sum_much_further_than_is_assumed():
    """Near copies of a pair keep each other's gradients up; taking one away changes all of them."""
    found = furthest(maker("nominal"), 0, units=4)
    assert MECHANISMS["nominal"](None).sensitivity.multiple == 1
    assert found > 2.5
    assert found <= 2 * 4 - 1


@pytest.mark.parametrize("temperature", quick(1, [0.5, 1.0, 3.0]))
def test_no_pair_is_found_that_moves_the_logit_sum_further_than_its_bound(temperature):
    bound = Logit(CLIP, temperature, 4).sensitivity

    def make(rng):
        return small_heads(int(rng.integers(2**31))), Logit(CLIP, temperature, 4)

    found = climbed(make, 2)
    assert bound.proven
    assert 0.3 * bound.multiple < found <= bound.multiple * NOTHING_MORE


@pytest.mark.parametrize(("temperature", "units"), [(0.5, 4), (1.0, 9), (1.0, 40)])
def test_the_bound_of_logit_is_attained(temperature, units):
    """All images are alike and all reports opposite to them; a last pair is opposite to both.

    Its report takes the softmax mass of every row, its image that of every column, and all clipped gradients
    lie along one line. Heads that see little of their features make every gradient as long as the clip.
    Only the last pair's own share of its row, 1 / (1 + (n − 1)·e^{2/τ}), is missing.
    """
    sign = torch.ones(units, 1)
    sign[-1] = -1
    heads = small_heads(0)
    with torch.no_grad():
        for head, second in ((heads.image, 0.0), (heads.text, 0.05)):
            head.weight.zero_()
            head.weight[0, 0], head.weight[1, 0] = np.cos(second) * 1e-4, np.sin(second) * 1e-4
    features = sign * torch.ones(units, FEATURES)
    batch = small_batch(np.random.default_rng(0), units)
    batch = replace(batch, images=features, texts=-features)
    mechanism = Logit(CLIP, temperature, units)
    found = moved(heads, mechanism, batch)
    own = 1 / (1 + (units - 1) * np.exp(2 / temperature))
    assert found <= mechanism.sensitivity.multiple * NOTHING_MORE
    assert found == pytest.approx(mechanism.sensitivity.multiple - 2 / temperature * own, rel=0.01)


def test_the_bound_of_logit_is_that_of_theory():
    """(2/τ)·[1 + (n−1)·e^{2/τ}/(e^{2/τ} + n−1)], written out."""
    for tau, n in ((1.0, 4), (0.5, 100), (2.0, 20_000)):
        grown = np.exp(2 / tau)
        expected = 2 / tau * (1 + (n - 1) * grown / (grown + n - 1))
        assert Logit(CLIP, tau, n).sensitivity.multiple == pytest.approx(expected)
    assert Logit(CLIP, 0.07, 1024).sensitivity.multiple == pytest.approx(2 / 0.07 * 1024, rel=1e-6)


def test_the_bound_of_logit_for_batches_of_any_size_is_never_passed_and_is_the_limit():
    bound = Logit(CLIP, 1.0).sensitivity.multiple
    grown = [Logit(CLIP, 1.0, n).sensitivity.multiple for n in (2, 10, 1000, 10**6, 10**9)]
    assert grown == sorted(grown)
    assert grown[-1] < bound == pytest.approx(grown[-1], rel=1e-6)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("pairs_a_unit", [1, 3])
@pytest.mark.parametrize("name", MECHANISMS)
def test_the_sum_is_what_its_definition_gives(name, pairs_a_unit, bias):
    rng = np.random.default_rng(3)
    heads, mechanism = maker(name, bias)(rng)
    batch = small_batch(rng, 4, pairs_a_unit)
    sums, _ = private_sum(heads, mechanism, batch, CLIP)
    slow = clipped_sum_by_definition(heads, mechanism, batch).detach()
    torch.testing.assert_close(torch.cat([one.flatten() for one in sums]).float(), slow, rtol=1e-4, atol=1e-4)


def test_logit_clips_the_gradient_of_every_similarity():
    """Each ∇s_ij by autograd, clipped, weighed by the softmax's slope, and summed one after the other."""
    rng = np.random.default_rng(4)
    heads, batch = small_heads(1, bias=True), small_batch(rng, 3)
    tau = 1.0
    cosines = heads.embed_images(batch.images) @ heads.embed_texts(batch.texts).T
    soft = ((cosines / tau).softmax(1) + (cosines / tau).softmax(0)).detach() / 2
    total = 0
    for i in range(3):
        for j in range(3):
            slopes = torch.autograd.grad(cosines[i, j], list(heads.parameters()), retain_graph=True)
            gradient = torch.cat([slope.flatten() for slope in slopes])
            clipped = gradient * torch.clamp(CLIP / gradient.norm(), max=1)
            total = total + (soft[i, j] - float(i == j)) / tau * clipped
    sums, _ = private_sum(heads, Logit(CLIP, tau), batch, CLIP)
    torch.testing.assert_close(
        torch.cat([one.flatten() for one in sums]).float(), total, rtol=1e-4, atol=1e-5
    )


def test_a_units_group_does_not_depend_on_who_else_was_sampled():
    rng = np.random.default_rng(5)
    mechanism, batch = Grouped(slots=3), small_batch(rng, 30, 2)
    groups = mechanism.groups(batch)
    for _ in range(5):
        chosen = np.sort(rng.permutation(30)[:12])
        rows = np.isin(batch.owner, chosen)
        fewer = type(batch)(
            batch.images[rows],
            batch.texts[rows],
            None,
            np.repeat(np.arange(12), 2),
            batch.key[chosen],
            batch.step,
        )
        np.testing.assert_array_equal(mechanism.groups(fewer), groups[rows])
    assert set(groups) == {0, 1, 2}
    assert len(np.unique(groups[::2])) > 1


def test_groups_are_drawn_anew_at_every_step():
    batch = small_batch(np.random.default_rng(6), 40)
    later = type(batch)(batch.images, batch.texts, None, batch.owner, batch.key, batch.step + 1)
    mechanism = Grouped(slots=4)
    assert (mechanism.groups(batch) != mechanism.groups(later)).mean() > 0.5


def test_a_lone_unit_moves_a_contrastive_sum_by_nothing():
    batch = small_batch(np.random.default_rng(7), 1)
    for name in ("nominal", "grouped", "batch-clip"):
        heads, mechanism = maker(name)(np.random.default_rng(8))
        assert all(float(one.abs().max()) == 0 for one in private_sum(heads, mechanism, batch, CLIP)[0])
    assert (
        moved(*maker("label-anchored")(np.random.default_rng(8)), small_batch(np.random.default_rng(7), 2))
        > 0
    )
