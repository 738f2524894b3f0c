"""Settings that hold for every test."""

from hypothesis import settings

# The machines that run the tests are shared: a slow example is no failure.
settings.register_profile("relinkage", deadline=None, derandomize=True)
settings.load_profile("relinkage")
