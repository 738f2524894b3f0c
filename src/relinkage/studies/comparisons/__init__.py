"""Comparisons: runs side by side, and what keeps them from being alike."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
