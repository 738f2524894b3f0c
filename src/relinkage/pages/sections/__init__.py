"""What the sections of the page say about one audit: a module a section, beside a template fragment each.

A new section is a module here, a line in `SECTIONS` of `order.py` and `templates/sections/KEY.html.j2`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
