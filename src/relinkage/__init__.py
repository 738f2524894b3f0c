"""Measure, and lower, how well a vision-language model re-links medical images to their reports.

What stands here is loaded when it is used first, so that `import relinkage` costs next to nothing.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
