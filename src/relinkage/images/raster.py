"""PNG and JPEG images to 8 bits."""

from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from relinkage.images.grayscale import Display, shown
from relinkage.images.limits import UnreadableImageError, check_size

FORMATS = ("PNG", "JPEG")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")


def is_raster(content: bytes) -> bool:
    """Say whether bytes begin as a PNG or JPEG file does."""
    return content.startswith(_MAGIC)


def decode_raster(content: bytes) -> Image.Image:
    """Decode a PNG or JPEG file as 8-bit gray (mode `L`) or colour (mode `RGB`).

    16-bit gray is stretched so that the image's darkest pixel becomes 0 and its brightest 255: files of 16
    bits often hold 10 or 12, so the format's own white level would leave them black. Pillow reads colour of
    16 bits as its upper 8. Transparency is dropped, palettes are looked up, and an orientation tag is not
    obeyed. Of an animation the first picture is taken.

    Raises:
        UnreadableImageError: it is no such image, breaks a limit, or cannot be decoded to its end.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            check_size(*image.size)
            image.load()
            return _eight_bit(image)
    except Image.DecompressionBombError:
        raise UnreadableImageError("the image has too many pixels") from None
    except UnidentifiedImageError:
        raise UnreadableImageError("the file is no PNG, JPEG or DICOM image") from None


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        return Image.fromarray(shown(np.asarray(image), Display()))
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
