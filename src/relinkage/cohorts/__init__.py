"""Who is linked: the cohort table, its readers, labels and splits, and the phantom cohort."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
