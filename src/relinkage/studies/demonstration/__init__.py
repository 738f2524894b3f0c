"""The demonstration: the ladder of specialisation on a phantom cohort, with nothing to download."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
