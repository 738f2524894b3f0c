"""Other ways to score an image and a report, each as new vectors whose cosine is its score.

Open `protocol` first.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
