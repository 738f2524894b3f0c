"""Pixels as torchvision's transforms and hi-ml-multimodal make them of a Pillow image, without either."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def stretch_to_gray(image: Image.Image) -> Image.Image:
    """Stretch the darkest value of an image to 0 and the brightest to 255, then make it gray.

    v ↦ ⌊255 · ((v − min) / max(v − min))⌋ in float64, over all channels at once, as hi-ml-multimodal does
    (`health_multimodal/image/data/io.py`, `remap_to_uint8`). The order of the operations matters: a product
    may fall just short of a whole number. An image of one value becomes black.

    Args:
        image: 8-bit gray (mode `L`) or colour (mode `RGB`).

    Returns:
        The image in mode `L`.
    """
    values = np.asarray(image, dtype=np.float64)
    values = values - values.min()
    values = values / max(values.max(), 1.0) * 255
    return Image.fromarray(values.astype(np.uint8)).convert("L")


def resize_shorter(image: Image.Image, size: int) -> Image.Image:
    """Resize the shorter side to `size` pixels, bilinear; the longer side is cut to a whole number.

    As `torchvision.transforms.Resize(size)` of a Pillow image.
    """
    width, height = image.size
    longer = int(size * max(width, height) / min(width, height))
    new = (size, longer) if width <= height else (longer, size)
    return image.resize(new, Image.Resampling.BILINEAR)


def centre_crop(image: Image.Image, size: int) -> Image.Image:
    """Cut a square out of the middle, as `torchvision.transforms.CenterCrop(size)`; halves round to even.

    Args:
        image: at least `size` pixels wide and high.
        size: side of the square in pixels.
    """
    left, top = round((image.width - size) / 2), round((image.height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def pad_to_square(image: Image.Image, least: int) -> Image.Image:
    """Put a gray version of an image in the middle of a black square, `least` pixels wide or more.

    As MedCLIP's feature extractor does (`medclip/dataset.py`, `pad_img`).
    """
    side = max(least, *image.size)
    square = Image.new("L", (side, side))
    square.paste(image.convert("L"), ((side - image.width) // 2, (side - image.height) // 2))
    return square


def unit_pixels(image: Image.Image) -> Tensor:
    """Divide by 255, as `torchvision.transforms.ToTensor`: float32, shape (3, height, width) in [0, 1].

    A gray image is copied to all three channels.
    """
    values = torch.from_numpy(np.array(image, dtype=np.uint8)).float().div(255)
    return values.expand(3, -1, -1).contiguous() if values.ndim == 2 else values.permute(2, 0, 1).contiguous()


def normalise(pixels: Tensor, mean: Sequence[float], deviation: Sequence[float]) -> Tensor:
    """Subtract a mean and divide by a deviation, one of each for a channel; shape (3, height, width)."""
    return (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]
