"""The size that a compressed image states itself: a header around it may say less."""

import struct

_FRAME_STARTS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
"""Second bytes of the markers that begin a frame: SOF0 to SOF15 (ITU-T T.81 B.1.1.3) and SOF55 (T.87)."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""
_JPEG_2000 = b"\xff\x4f\xff\x51"


def codestream_size(data: bytes) -> tuple[int, int, int] | None:
    """Read width, height and components of a JPEG, JPEG-LS or JPEG 2000 codestream.

    Sources: ITU-T T.81 B.2.2 (frame header), T.87 C.2.2, T.800 A.5.1 (image and tile size).

    Args:
        data: the codestream, perhaps inside of a JP2 file.

    Returns:
        Width, height and components, or None where there is no such header.
    """
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    start = data.find(_JPEG_2000, 0, 1 << 16)
    if start < 0 or len(data) < start + 42:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
    (components,) = struct.unpack_from(">H", data, start + 40)
    return right - left, bottom - top, components


def _jpeg(data: bytes) -> tuple[int, int, int] | None:
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
            height, width, components = struct.unpack_from(">HHB", data, place + 5)
            return width, height, components
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None
