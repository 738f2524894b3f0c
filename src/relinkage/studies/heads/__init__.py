"""Heads on their way: hardened and checked, taken out of a model, put back into it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
