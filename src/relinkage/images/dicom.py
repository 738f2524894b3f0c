"""DICOM images to 8 bits: what a viewer would show first.

Only the attributes below are looked at, so nothing of the patient is read. Files come from devices of
decades: an attribute that is absent or senseless gets its usual value, and only what pixels cannot be made
without is fatal.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from relinkage.images.byte_order import make_little_endian
from relinkage.images.codestreams import codestream, is_whole
from relinkage.images.grayscale import WHITE, shown
from relinkage.images.limits import MAX_PARTS, UnreadableImageError, check_size
from relinkage.images.parts import check_jpeg_parts
from relinkage.images.presentation import display_of, float_padding, number

_INSTALL = "pip install 'relinkage[dicom]'"
_CUT_OFF = "the DICOM image is cut off"
_PIXELS = re.compile(rb"\xe0\x7f\x10\0O[BW]\0\0\xff{4}")
_ITEM = b"\xfe\xff\0\xe0"
_END_OF_PIXELS = bytes.fromhex("feffdde000000000")
"""The header of compressed pixel data, and what follows them (PS3.5 A.4)."""
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_COMPRESSIONS = {
    "1.2.840.10008.1.2.5": "run lengths",
    "1.2.840.10008.1.2.4.5": "JPEG",
    "1.2.840.10008.1.2.4.6": "JPEG",
    "1.2.840.10008.1.2.4.7": "JPEG",
    "1.2.840.10008.1.2.4.8": "JPEG-LS",
    "1.2.840.10008.1.2.4.9": "JPEG 2000",
    "1.2.840.10008.1.2.4.20": "JPEG 2000",
}
"""By the beginning of the transfer syntax's UID; the longest that fits tells."""
_ATTRIBUTES = (
    "TransferSyntaxUID",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleIntercept",
    "RescaleSlope",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "FloatPixelPaddingValue",
    "FloatPixelPaddingRangeLimit",
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
)
_FLOATS = {"FloatPixelData": "f4", "DoubleFloatPixelData": "f8"}
_PIXEL_DATA = ("PixelData", *_FLOATS)


def is_dicom(content: bytes) -> bool:
    """Say whether bytes are a DICOM file, or a data set without its preamble, as old archives hold them."""
    if content[128:132] == b"DICM":
        return True
    group, element = content[:2], int.from_bytes(content[2:4], "little")
    return group in (b"\x02\0", b"\x08\0") and element <= 0x0070


def decode_dicom(content: bytes) -> Image.Image:
    """Decode a DICOM file's first frame as 8-bit gray (mode `L`) or colour (mode `RGB`).

    Gray goes through the modality table or rescaling, then the first table or window of interest
    (`grayscale`), a table before a window; without either, the darkest value becomes black and the brightest
    white. MONOCHROME1 is inverted. Colour becomes RGB, of deeper samples their upper 8 bits. Overlays are
    not drawn.

    Raises:
        UnreadableImageError: pixels are absent, break a limit, or need a package that is not installed.
    """
    try:
        from pydicom import dcmread
        from pydicom.pixels.utils import pixel_array
    except ImportError:
        raise UnreadableImageError(f"the image is DICOM, which needs {_INSTALL}") from None
    if _DEFLATED in content:  # pydicom would inflate it whole, however large it becomes
        raise UnreadableImageError("the DICOM file is deflated, which is not read")
    if content.count(_ITEM) > MAX_PARTS:
        raise UnreadableImageError("the image has too many parts")
    data, whole = _data_set(content, dcmread)
    name = next((name for name in _PIXEL_DATA if name in data), None)
    if name is None or "Rows" not in data or "Columns" not in data:
        raise UnreadableImageError("the DICOM file holds no image")
    data.Rows, data.Columns = number(data, "Rows", 0), number(data, "Columns", 0)
    check_size(data.Columns, data.Rows)
    make_little_endian(data)
    if name in _FLOATS:
        return _shown_floats(data, name)
    _complete(data)
    depth = data.BitsStored
    if data.file_meta.TransferSyntaxUID.is_encapsulated:
        depth = _check_codestream(data, whole)
    else:
        _cut_to_first_frame(data)
    pixels = pixel_array(data, index=0, correct_unused_bits=False)
    if data.PhotometricInterpretation == "PALETTE COLOR":
        from pydicom.pixels.processing import apply_color_lut

        colours = apply_color_lut(pixels, data)
        stated = number(data, "RedPaletteColorLookupTableDescriptor", 16, place=2)
        wide = colours.itemsize > 1 and (stated > 8 or colours.max() > WHITE)
        return _colour(colours, 16 if wide else 8)
    if pixels.ndim == 3:
        return _colour(pixels, depth)
    _deepen(data, pixels, depth)
    return Image.fromarray(shown(_stored_bits(pixels, data), display_of(data)))


def _data_set(content: bytes, read: Callable[..., Any]) -> tuple[Any, bool]:
    """Read the attributes, and say whether compressed pixels have an end: without it pydicom gives none."""
    tags = list(_ATTRIBUTES)
    data = read(BytesIO(content), force=True, specific_tags=tags)
    if "PixelData" in data or _PIXELS.search(content) is None:
        return data, True
    return read(BytesIO(content + _END_OF_PIXELS), force=True, specific_tags=tags), False


def _complete(data: Any) -> None:
    """Give absent and senseless attributes their usual values."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    data.SamplesPerPixel = 3 if number(data, "SamplesPerPixel", 1) == 3 else 1
    frames = max(number(data, "NumberOfFrames", 1), 1)
    samples = data.Rows * data.Columns * data.SamplesPerPixel * frames
    if "BitsAllocated" not in data:
        data.BitsAllocated = 8 * max(len(data.PixelData) // samples, 1)
    stored = number(data, "BitsStored", data.BitsAllocated)
    data.BitsStored = stored if 0 < stored <= data.BitsAllocated else data.BitsAllocated
    high = number(data, "HighBit", data.BitsStored - 1)
    data.HighBit = high if data.BitsStored <= high + 1 <= data.BitsAllocated else data.BitsStored - 1
    data.PixelRepresentation = 1 if number(data, "PixelRepresentation", 0) == 1 else 0
    kind = str(data.get("PhotometricInterpretation") or "").strip().upper()
    data.PhotometricInterpretation = kind or ("RGB" if data.SamplesPerPixel == 3 else "MONOCHROME2")
    if data.SamplesPerPixel == 3:
        data.PlanarConfiguration = 1 if number(data, "PlanarConfiguration", 0) == 1 else 0
    data.NumberOfFrames = frames
    if getattr(data, "file_meta", None) is None:
        data.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in data.file_meta:
        implicit = data.original_encoding[0]
        data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _cut_to_first_frame(data: Any) -> None:
    """Leave the first frame's bytes; a wrong number of frames is then no matter."""
    samples = data.Rows * data.Columns * data.SamplesPerPixel
    if data.PhotometricInterpretation == "YBR_FULL_422":  # two brightnesses share their colours
        samples = samples // 3 * 2
    size = samples * data.BitsAllocated // 8
    if len(data.PixelData) < size:
        raise UnreadableImageError(_CUT_OFF)
    data.NumberOfFrames = 1
    data.PixelData = data.PixelData[: size + size % 2]


def _check_codestream(data: Any, whole: bool) -> int:
    """Check that the compressed frame can be decoded, and that it is no larger than its header says.

    Args:
        data: the data set; what its compressed image says goes before what it says itself.
        whole: whether the pixels have their end.

    Returns:
        The bits of a sample.
    """
    from pydicom.encaps import encapsulate, get_frame
    from pydicom.pixels.decoders.base import get_decoder

    syntax = str(data.file_meta.TransferSyntaxUID)
    fitting = [start for start in _COMPRESSIONS if syntax.startswith(start)]
    name = _COMPRESSIONS[max(fitting, key=len)] if fitting else "a way that is not read"
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        raise UnreadableImageError("the DICOM image is compressed in a way that is not read") from None
    if not available:
        raise UnreadableImageError(f"the DICOM image is compressed as {name}, which needs {_INSTALL}")
    try:
        frame = get_frame(data.PixelData, 0, number_of_frames=data.NumberOfFrames)
    except Exception:  # what is cut off can make it raise anything
        raise UnreadableImageError("the DICOM image cannot be decoded" if whole else _CUT_OFF) from None
    if not whole:
        data.PixelData, data.NumberOfFrames = encapsulate([frame]), 1
    if name == "run lengths":
        return int(data.BitsStored)
    stream = codestream(frame)
    if stream is None:
        raise UnreadableImageError("the DICOM image cannot be decoded")
    if not is_whole(frame):  # decoders make something up for the rest
        raise UnreadableImageError(_CUT_OFF)
    check_size(stream.width, stream.height)
    if stream.components != data.SamplesPerPixel:
        raise UnreadableImageError("the DICOM image cannot be decoded")
    if frame.startswith(b"\xff\xd8"):
        check_jpeg_parts(frame)
    data.Rows, data.Columns = stream.height, stream.width  # the pixels know better than the header
    data.BitsAllocated = 8 * (1 if stream.bits <= 8 else 2 if stream.bits <= 16 else 4)
    data.BitsStored = min(data.BitsStored, data.BitsAllocated)
    return stream.bits


def _deepen(data: Any, pixels: np.ndarray[Any, Any], depth: int) -> None:
    """Believe a compressed image that holds values beyond the bits which the header calls stored."""
    stored = data.BitsStored
    if depth > stored and (pixels.max() >= 1 << stored or pixels.min() < -(1 << (stored - 1))):
        data.BitsStored = depth


def _stored_bits(pixels: np.ndarray[Any, Any], data: Any) -> np.ndarray[Any, Any]:
    """Take the stored bits alone, with their sign: overlays once lay in the others (PS3.5 8.1.1)."""
    if pixels.dtype.kind not in "iu":
        raise UnreadableImageError("the DICOM image cannot be decoded")
    native = not data.file_meta.TransferSyntaxUID.is_encapsulated
    down = data.HighBit + 1 - data.BitsStored if native else 0
    unused = 64 - data.BitsStored
    if not unused or (not down and data.BitsStored == 8 * pixels.itemsize):
        return pixels
    first = -(1 << (data.BitsStored - 1)) if data.PixelRepresentation == 1 else 0
    if not down and first <= pixels.min() and pixels.max() < first + (1 << data.BitsStored):
        return pixels
    wide = (pixels.astype(np.int64) >> down) << unused
    if data.PixelRepresentation == 1:
        return wide >> unused
    return (wide.view(np.uint64) >> np.uint64(unused)).astype(np.int64)


def _shown_floats(data: Any, name: str) -> Image.Image:
    """Show the first frame of floating-point pixels, which have no stored bits and are never compressed."""
    kind = np.dtype(("<" if data.original_encoding[1] else ">") + _FLOATS[name])
    size = data.Rows * data.Columns * kind.itemsize
    content = data[name].value
    if len(content) < size:
        raise UnreadableImageError(_CUT_OFF)
    pixels = np.frombuffer(content[:size], kind).reshape(data.Rows, data.Columns).astype(np.float64)
    data.BitsStored, data.PixelRepresentation = 8 * kind.itemsize, 1
    photometric = str(data.get("PhotometricInterpretation") or "").strip().upper()
    data.PhotometricInterpretation = photometric or "MONOCHROME2"
    return Image.fromarray(shown(pixels, replace(display_of(data), padding=float_padding(data))))


def _colour(pixels: np.ndarray[Any, Any], bits: int) -> Image.Image:
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UnreadableImageError("the DICOM image cannot be decoded")
    return Image.fromarray((pixels >> max(bits - 8, 0)).astype(np.uint8))
