"""PNG and JPEG images to 8 bits."""

import zlib
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from relinkage.images.grayscale import Display, shown
from relinkage.images.limits import UnreadableImageError, check_size
from relinkage.images.parts import check_jpeg_parts, check_png_parts

FORMATS = ("PNG", "JPEG")
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_KIND = slice(24, 26)
"""Where the header of a PNG states bits and kind of a sample (PNG 11.2.1)."""
_DEEP_GRAY_ALPHA, _EIGHT_BIT_COLOUR_ALPHA = b"\x10\x04", b"\x08\x06"
_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")


def is_raster(content: bytes) -> bool:
    """Say whether bytes begin as a PNG or JPEG file does."""
    return content.startswith((_PNG, _JPEG))


def decode_raster(content: bytes) -> Image.Image:
    """Decode a PNG or JPEG file as 8-bit gray (mode `L`) or colour (mode `RGB`).

    16-bit gray, also with transparency, is stretched so that the image's darkest pixel becomes 0 and its
    brightest 255: files of 16 bits often hold 10 or 12, so the format's own white level would leave them
    black. Pillow reads colour of 16 bits as its upper 8. Transparency is dropped, palettes are looked up, and
    an orientation tag is not obeyed. Of an animation the first picture is taken.

    Raises:
        UnreadableImageError: it is no such image, breaks a limit, or cannot be decoded to its end.
    """
    try:
        (check_jpeg_parts if content.startswith(_JPEG) else check_png_parts)(content)
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            check_size(*image.size)
            if image.format == "PNG" and content[_KIND] == _DEEP_GRAY_ALPHA:
                return _deep_gray(content)
            image.load()
            return _eight_bit(image)
    except Image.DecompressionBombError:
        raise UnreadableImageError("the image has too many pixels") from None
    except UnidentifiedImageError:
        raise UnreadableImageError("the file is not a PNG, JPEG or DICOM image") from None


def _deep_gray(content: bytes) -> Image.Image:
    """Decode 16-bit gray with transparency, of which Pillow would keep the upper 8 bits.

    Its pixels of two samples of two bytes are filtered like those of four samples of one byte: read as such,
    the first two are the upper and the lower half of the gray value.
    """
    header = content[12 : _KIND.start] + _EIGHT_BIT_COLOUR_ALPHA + content[_KIND.stop : 29]
    retold = content[:12] + header + zlib.crc32(header).to_bytes(4, "big") + content[33:]
    with Image.open(BytesIO(retold), formats=FORMATS) as image:
        samples = np.asarray(image.convert("RGBA")).astype(np.uint16)
    return Image.fromarray(shown(samples[..., 0] << 8 | samples[..., 1], Display()))


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT:
        return Image.fromarray(shown(np.asarray(image), Display()))
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
