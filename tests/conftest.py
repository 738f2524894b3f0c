"""Settings that hold for every test."""

import os

import pytest
import torch
from hypothesis import settings

from loading import interpreter
from tiers import mark_what_needs_slow_fixtures

if not torch.cuda.is_available():
    # The GPU engine is interpreted. Triton reads this when it is imported, and anything may import it.
    os.environ["TRITON_INTERPRET"] = "1"

# A program that calls relinkage may have asked torch for rougher products: the tests hold under that too.
torch.set_float32_matmul_precision(os.environ.get("RELINKAGE_TEST_PRECISION", "highest"))

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
