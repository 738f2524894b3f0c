"""What an image may be at most and at least; all of it is asked of the header, before anything is decoded."""

MAX_PIXELS = 64_000_000
"""Radiographs stay below 30 million pixels; a small file that claims more is a decompression bomb."""
MIN_SIDE = 16
MAX_ASPECT = 16
"""Slivers blow up when their shorter edge is scaled to a model's input, and no radiograph is one."""
MAX_BYTES = 256_000_000
"""Of a file, a tar member or a cell. The largest image above has 192 million bytes in 8-bit colour."""

MAX_SCANS = 64
"""Of a JPEG: writers make about ten, and a picture at the limit above takes a tenth of a second for each."""
MAX_PARTS = 100_000
"""Segments of a JPEG, chunks of a PNG, items of a DICOM file; the largest picture has some ten thousand."""
MAX_METADATA = 8_000_000
"""Bytes of a JPEG beside the picture: profiles and what cameras write have some hundred thousand."""


class UnreadableImageError(Exception):
    """An image cannot be used. The message says why in a few fixed words and never names the file."""


def check_size(width: int, height: int) -> None:
    """Check the size that a header states.

    Args:
        width: in pixels.
        height: in pixels.

    Raises:
        UnreadableImageError: there are too many pixels, or one side is too short for the other.
    """
    short, long = sorted((width, height))
    if short * long > MAX_PIXELS:
        raise UnreadableImageError("the image has too many pixels")
    if short < MIN_SIDE or long > MAX_ASPECT * short:
        raise UnreadableImageError("the image is too small or too narrow")


def check_bytes(count: int) -> None:
    """Check how many bytes are about to be read.

    Raises:
        UnreadableImageError: they are too many.
    """
    if count > MAX_BYTES:
        raise UnreadableImageError("the image has too many bytes")
