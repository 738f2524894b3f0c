"""Defences: hardened heads in one table with every control; `table` is the one to open first."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
