"""What a cohort adds to a result that people look at: report texts and small pictures, for the page alone."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from relinkage.cohorts import Cohort
from relinkage.images import UnreadableImageError, open_image
from relinkage.pages.retrieval import Illustration

SIDE = 220
"""Pixels of a picture's longer side: the lungs can be told apart, and ten of them weigh about 100 kB."""
_QUALITY = 82


def illustrate(cohort: Cohort, pair_ids: Sequence[str]) -> list[Illustration]:
    """Give the report and a small picture of some pairs.

    Args:
        cohort: whose pairs they are.
        pair_ids: which, each one in the cohort.
    """
    rows = {str(name): row for row, name in enumerate(cohort.pairs["pair_id"])}
    paths = cohort.image_paths()
    reports = cohort.pairs["report"]
    return [Illustration(reports[rows[name]], _picture(cohort, paths[rows[name]])) for name in pair_ids]


def _picture(cohort: Cohort, path: Path) -> str | None:
    """Give a data URI, or None where the image cannot be read."""
    try:
        image = open_image(path, cohort.root)
    except UnreadableImageError:
        return None
    return data_uri(image)


def data_uri(image: Image.Image) -> str:
    """Give a small JPEG of an image as a data URI."""
    small = image.convert("L")
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(small)).save(buffer, "JPEG", quality=_QUALITY)  # without what came in the file
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
