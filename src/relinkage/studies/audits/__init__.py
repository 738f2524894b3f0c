"""Audits: from arrays or embeddings to a run folder, with pseudonyms where asked for."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
