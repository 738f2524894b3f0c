"""A question that is not among the embeddings: an image or a text, through the encoder and the heads."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from relinkage.cohorts.text import within_budget
from relinkage.embeddings.features import Project, checked, checked_images, image_arrays
from relinkage.embeddings.grid import GRID
from relinkage.encoders import Encoder, HeadPair
from relinkage.errors import InputError
from relinkage.images import UnreadableImageError, open_image

Floats32 = NDArray[np.float32]


def read_image(file: Path) -> Image:
    """Open an image that is asked about.

    Raises:
        InputError: it is missing, or no radiograph in PNG, JPEG or DICOM.
    """
    try:
        container = Path(str(file).partition("::")[0])
        return open_image(file, container.resolve().parent)
    except UnreadableImageError as reason:
        raise InputError(
            f"--image {file} cannot be used, as {reason}; give a radiograph as a PNG, JPEG or DICOM file."
        ) from None


@torch.inference_mode()
def embed_image(encoder: Encoder, heads: HeadPair, image: Image) -> Floats32:
    """Send an image through the encoder and the image head, as the embedding pass does.

    Returns:
        float32, shape (1, embedding).

    Raises:
        InputError: the head needs a grid of features that the encoder does not give, or there are values
            that are not finite.
    """
    pixels = encoder.preprocess(image)[None]
    arrays = image_arrays(checked_images(encoder.encode_images(pixels), 1, encoder), None)
    features = arrays.get(GRID, arrays["features"]) if heads.image_spec.kind == "grid" else arrays["features"]
    return _projected(heads.embed_images, features, heads)


@torch.inference_mode()
def embed_text(encoder: Encoder, heads: HeadPair, text: str, budget: int | None) -> tuple[Floats32, bool]:
    """Send a text through the encoder and the text head, cut as the reports of the embeddings were.

    Args:
        encoder: whose text tower is asked.
        heads: whose text head projects.
        text: any text.
        budget: tokens that the reports were cut to, None where they were left whole.

    Returns:
        float32, shape (1, embedding), and whether the budget or the model's own limit cut the text.

    Raises:
        InputError: there are values that are not finite.
    """
    told, cut = within_budget(text, budget)
    made = encoder.encode_texts([told])
    features = checked(made.features, 1, encoder.card.text_features, encoder)
    return _projected(heads.embed_texts, features, heads), cut or bool(made.truncated[0])


def _projected(project: Project, features: NDArray[np.float32], heads: HeadPair) -> Floats32:
    device = next(heads.parameters()).device
    vectors: Floats32 = project(torch.from_numpy(features).float().to(device)).cpu().numpy()
    return vectors
