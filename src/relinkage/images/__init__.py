"""Radiographs out of files and containers, opened with care: they come from anywhere."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
