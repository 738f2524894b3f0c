"""The figures of a report, one subject a module, as SVG that follows the page it stands in."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
