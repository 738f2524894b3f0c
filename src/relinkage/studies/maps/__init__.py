"""Maps: the same pairs in several spaces, as figures, coordinates and counts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
