"""What a person reads: the figures, the HTML page, the audit card and the table in the terminal."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
