"""Baselines: what lowers linkage without privacy, to hold against heads that were hardened.

Open `matching` for how a baseline is given the usefulness of the hardened heads.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
