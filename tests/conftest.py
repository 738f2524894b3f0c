"""Settings that hold for every test."""

import os

import torch
from hypothesis import settings

if not torch.cuda.is_available():
    # The GPU engine is interpreted. Triton reads this when it is imported, and anything may import it.
    os.environ["TRITON_INTERPRET"] = "1"

# The machines that run the tests are shared: a slow example is no failure.
settings.register_profile("relinkage", deadline=None, derandomize=True)
settings.load_profile("relinkage")
