"""Policies: limits on what a run may show, read from TOML, and what a run says of each of them.

Open `rules` for what can be limited, `judging` for how.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
