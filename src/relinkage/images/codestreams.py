"""The size and depth that a compressed image states itself: a header around it may say less."""

import struct
from dataclasses import dataclass

_FRAME_STARTS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
"""Second bytes of the markers that begin a frame: SOF0 to SOF15 (ITU-T T.81 B.1.1.3) and SOF55 (T.87)."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""
_SCAN, _TILE_DATA, _END = b"\xff\xda", b"\xff\x93", b"\xff\xd9"
_JPEG_2000 = b"\xff\x4f\xff\x51"


@dataclass(frozen=True)
class Codestream:
    """What a codestream says of the image it holds.

    Attributes:
        width: in pixels.
        height: in pixels.
        components: samples of a pixel.
        bits: of a sample of the first component.
    """

    width: int
    height: int
    components: int
    bits: int


def codestream(data: bytes) -> Codestream | None:
    """Read the header of a JPEG, JPEG-LS or JPEG 2000 codestream.

    Sources: ITU-T T.81 B.2.2 (frame header), T.87 C.2.2, T.800 A.5.1 (image and tile size).

    Args:
        data: the codestream, perhaps inside of a JP2 file.

    Returns:
        What it says, or None where there is no such header.
    """
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    start = data.find(_JPEG_2000, 0, 1 << 16)
    if start < 0 or len(data) < start + 43:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
    components, depth = struct.unpack_from(">HB", data, start + 40)
    return Codestream(right - left, bottom - top, components, (depth & 0x7F) + 1)  # the upper bit is the sign


def is_whole(data: bytes) -> bool:
    """Return whether a JPEG, JPEG-LS or JPEG 2000 codestream goes on to its end marker.

    Coded data hold no marker, so the last beginning of them stands before the end (T.81 B.1.1.5, T.800 A.1).
    """
    return data.rfind(_END) > max(data.rfind(_SCAN), data.rfind(_TILE_DATA))


def _jpeg(data: bytes) -> Codestream | None:
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF or marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAME_STARTS:
            if place + 10 > len(data):
                return None
            bits, height, width, components = struct.unpack_from(">BHHB", data, place + 4)
            return Codestream(width, height, components, bits)
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None
