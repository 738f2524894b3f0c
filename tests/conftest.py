"""Settings that hold for every test."""

import os

import pytest
import torch
from hypothesis import settings

from loading import interpreter
from tiers import mark_what_needs_slow_fixtures

PRECISION = os.environ.get("RELINKAGE_TEST_PRECISION", "highest")
NETWORKS = ("alignment", "bench", "embeddings", "encoders", "plans", "studies", "usefulness")
"""Folders of tests that hold two networks' numbers against each other, to more digits than bfloat16 has.

Plans do so with what other processes made, which know nothing of the setting.
"""

# The machines that run the tests are shared: a slow example is no failure.
settings.register_profile("relinkage", deadline=None, derandomize=True)
settings.load_profile("relinkage")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Before `-m` chooses."""
    mark_what_needs_slow_fixtures(items)


@pytest.fixture(scope="session")
def ask():
    """A function that says what is loaded after some code."""
    with interpreter() as loaded:
        yield loaded


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """A program that calls relinkage may have asked torch for rougher products.

    What is counted does not depend on it, so those tests hold under it. What a network computes does
    follow the program's choice, so tests that compare networks choose for themselves.
    """
    network = item.path.relative_to(item.config.rootpath / "tests").parts[0] in NETWORKS
    torch.set_float32_matmul_precision("highest" if network else PRECISION)


@pytest.fixture(scope="session")
def room(tmp_path_factory):
    """Something of everything that commands take (`every_command`); tests only read from it."""
    from every_command import lay_out

    folder = tmp_path_factory.mktemp("room")
    lay_out(folder)
    return folder


@pytest.fixture(scope="session")
def room_with_model(room):
    """The room, with a small CLIP, its embeddings and its hardened heads."""
    from every_command import lay_model

    lay_model(room)
    return room
