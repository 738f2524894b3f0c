"""Image files opened with care: they come from anywhere, and one bad file must not end a long pass."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG")
MAX_PIXELS = 64_000_000
"""Radiographs stay below 30 million pixels; a small file that claims more is a decompression bomb."""
MIN_SIDE = 16
MAX_ASPECT = 16
"""Slivers blow up when their shorter edge is scaled to a model's input, and no radiograph is one."""

_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")


class UnreadableImageError(Exception):
    """An image cannot be used. The message says why in a few fixed words and never names the file."""


def open_image(path: Path, root: Path) -> Image.Image:
    """Open a PNG or JPEG file as 8-bit gray (mode `L`) or colour (mode `RGB`).

    16-bit gray is stretched so that the image's darkest pixel becomes 0 and its brightest 255: files of 16
    bits often hold 10 or 12, so the format's own white level would leave them black. Pillow reads colour of
    16 bits as its upper 8. Transparency is dropped, palettes are looked up, and an orientation tag is not
    obeyed.

    Args:
        path: the image file.
        root: the cohort's folder, which the file must lie in once links are followed.

    Raises:
        UnreadableImageError: the file is missing, lies outside `root`, is no PNG or JPEG image, breaks
            one of the limits above, or cannot be decoded to its end.
    """
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise UnreadableImageError("the image is missing") from None
    if not real.is_relative_to(root.resolve()):
        raise UnreadableImageError("the image lies outside the cohort's folder, behind a link")
    try:
        with Image.open(real, formats=FORMATS) as image:
            short, long = sorted(image.size)
            if short * long > MAX_PIXELS:
                raise UnreadableImageError("the image has too many pixels")
            if short < MIN_SIDE or long > MAX_ASPECT * short:
                raise UnreadableImageError("the image is too small or too narrow")
            image.load()
            return _eight_bit(image)
    except UnreadableImageError:
        raise
    except Image.DecompressionBombError:
        raise UnreadableImageError("the image has too many pixels") from None
    except UnidentifiedImageError:
        raise UnreadableImageError("the file is no PNG or JPEG image") from None
    except Exception:  # damaged bytes make decoders raise anything, from SyntaxError to struct.error
        raise UnreadableImageError("the image cannot be decoded") from None


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        levels = np.asarray(image, dtype=np.float64)
        span = max(levels.max() - levels.min(), 1.0)
        return Image.fromarray(np.rint((levels - levels.min()) * (255.0 / span)).astype(np.uint8))
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
