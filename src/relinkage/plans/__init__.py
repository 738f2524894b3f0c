"""Plans: a whole analysis from one file, checked before anything runs, in stages that are done once.

Open `reading` for what a plan is, `running` for what happens to it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
