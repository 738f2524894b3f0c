"""Attacks: the audit again with stronger scorers, and the pairs that they know."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
