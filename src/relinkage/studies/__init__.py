"""Whole studies, a folder each by what is asked, from audits to maps; and the demonstration."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
