"""Fresh weights follow from their seed alone, in many threads too, and torch's numbers go on as before."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from relinkage.encoders.seeding import private_generator, seeded


def made(seed):
    with seeded(seed):
        layers = [nn.Linear(30, 30).weight.detach().clone() for _ in range(3)]
        random = private_generator()
    return [*layers, torch.rand(5, generator=random)]


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_seeded_weights_are_those_of_the_seed_in_many_threads_at_once():
    alone = [made(seed) for seed in range(4)]
    assert not equal(alone[0], alone[1])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(made, list(range(4)) * 20))
    assert all(equal(weights, alone[number % 4]) for number, weights in enumerate(found))


def test_seeded_draws_what_manual_seed_would():
    before = torch.get_rng_state()
    torch.manual_seed(3)
    expected = [*(nn.Linear(30, 30).weight.detach().clone() for _ in range(3)), torch.rand(5)]
    torch.set_rng_state(before)
    assert equal(made(3), expected)


def test_seeded_leaves_torchs_generator_where_it_was_even_after_an_exception():
    before = torch.get_rng_state()
    made(1)
    with pytest.raises(ValueError, match="no"), seeded(2):
        raise ValueError("no")
    assert torch.equal(torch.get_rng_state(), before)
