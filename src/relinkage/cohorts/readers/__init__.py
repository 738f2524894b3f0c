"""Readers of data sets as people have them on disk: one module a format, `door.read` opens them all."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
