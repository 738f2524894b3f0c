"""Looking at a shared space: the nearest reports and images, and maps with the figures that go with them."""

from relinkage.retrieval.asking import Question
from relinkage.retrieval.exact import Found, nearest
from relinkage.retrieval.settings import DIRECTIONS, MapSettings, RetrievalSettings
from relinkage.retrieval.sides import Side, image_side, report_side, shared_space

__all__ = [
    "DIRECTIONS",
    "Found",
    "MapSettings",
    "Question",
    "RetrievalSettings",
    "Side",
    "image_side",
    "nearest",
    "report_side",
    "shared_space",
]
