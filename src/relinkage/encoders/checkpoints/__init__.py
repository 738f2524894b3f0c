"""Checkpoints of published models: their own heads read out of them, other heads put in their place."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
