"""One door for every image: found, read, recognised by its first bytes, decoded to 8 bits, or refused."""

import re
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

from PIL.Image import Image

from relinkage.images.dicom import decode_dicom, is_dicom
from relinkage.images.limits import UnreadableImageError
from relinkage.images.raster import decode_raster, is_raster
from relinkage.images.references import read_bytes

_DECODERS = re.compile(r"(PIL|pydicom)\.")
_turn = threading.Lock()


def open_image(path: Path, root: Path, *, decode_dicom: Callable[[bytes], Image] = decode_dicom) -> Image:
    """Open a PNG, JPEG or DICOM image as 8-bit gray (mode `L`) or colour (mode `RGB`).

    What an image is, its first bytes say, not its name. `raster` and `dicom` say how deeper pixels become
    8 bits. One bad file must not end a long pass, so whatever goes wrong is one kind of error.

    Args:
        path: an image file, or `FILE::MEMBER`, an image inside of a container (`references`).
        root: the cohort's folder, which the file must lie in once links are followed.
        decode_dicom: what decodes a DICOM file's bytes.

    Raises:
        UnreadableImageError: the image is missing, lies outside `root`, is of no known format, breaks one
            of the limits, needs a package that is not installed, or cannot be decoded to its end.
    """
    return decode(read_content(path, root), decode_dicom=decode_dicom)


def read_content(path: Path, root: Path) -> bytes:
    """Read the bytes of an image; as `open_image`."""
    try:
        return read_bytes(path, root)
    except UnreadableImageError:
        raise
    except Exception:  # damaged tables can make their readers raise anything
        raise UnreadableImageError("the image cannot be read") from None


def decode(content: bytes, *, decode_dicom: Callable[[bytes], Image] = decode_dicom) -> Image:
    """Decode the bytes of an image; as `open_image`."""
    _quieten()
    try:
        if is_raster(content):
            return decode_raster(content)
        if is_dicom(content):
            return decode_dicom(content)
    except UnreadableImageError:
        raise
    except Exception:  # damaged bytes make decoders raise anything, from SyntaxError to struct.error
        raise UnreadableImageError("the image cannot be decoded") from None
    raise UnreadableImageError("the file is not a PNG, JPEG or DICOM image")


def _quieten() -> None:
    """Let no warning of the decoders be shown: one odd file is no news, and pydicom quotes the patient.

    Warnings belong to the process, and leaving nothing behind would open a gap for files that are decoded in
    other threads. So the filter stays, and is set only where it is not the first one anyway.
    """
    with _turn:
        if warnings.filters[:1] != [("ignore", None, Warning, _DECODERS, 0)]:
            warnings.filterwarnings("ignore", module=_DECODERS.pattern)
