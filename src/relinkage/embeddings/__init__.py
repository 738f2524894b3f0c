"""What encoders leave on disk, and the resumable pass that makes it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
