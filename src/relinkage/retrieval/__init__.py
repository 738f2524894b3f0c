"""Looking at a shared space: the nearest reports and images, and maps with the figures that go with them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
