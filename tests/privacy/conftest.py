"""Settings that hold for every test of privacy."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread():
    """In matrices this small, threads wait for each other longer than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
