"""The phantom cohort: stylised chest radiographs and their reports, both from one seeded scene.

It stands in for a clinical cohort where none can be had: tests, the demo, and first experiments.
Everything a report says is drawn, and much that is drawn (habitus, place within a zone, lung texture) no
report says, so a good model re-links well above the level of labels and cannot re-link everything. Figures
measured on it say how the tool behaves, never how a clinical model would.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
