"""What must stay useful: linear probes, clinical retrieval, zero-shot labels, the shape of the space."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
