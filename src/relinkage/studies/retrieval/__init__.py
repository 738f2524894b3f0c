"""Retrieval: the nearest reports or images of one question, as a result and its page."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
