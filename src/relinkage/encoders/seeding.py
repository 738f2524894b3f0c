"""Fresh weights from a seed: initialisers draw from torch's one generator, from which others may draw too."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_turn = threading.Lock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch's generator start from a seed inside a block, and go on afterwards where it was.

    One block at a time, so that threads that make networks side by side each get those of their seed.
    Whatever else is random takes a generator of its own, such as `private_generator`.
    """
    with _turn:
        before = torch.default_generator.get_state()
        torch.default_generator.manual_seed(seed)  # of the CPU; torch.manual_seed would seed devices too
        try:
            yield
        finally:
            torch.default_generator.set_state(before)


def private_generator() -> torch.Generator:
    """Return a generator that goes on where torch's own now is; to be called inside of `seeded`."""
    return torch.Generator().set_state(torch.default_generator.get_state())
