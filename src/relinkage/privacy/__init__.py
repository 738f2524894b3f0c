"""Projection heads trained with differential privacy, and the statement of what that spends."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
