"""Models in the layout of open_clip, with its library where it must be, without it where a few lines do."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
