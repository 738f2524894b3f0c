"""How many parts a JPEG or PNG file is made of, counted before it is decoded.

A decoder works through the whole picture once for each scan of a JPEG, and looks at each segment or chunk in
Python: thousands of parts that are next to empty cost minutes.
"""

import re

from relinkage.images.limits import MAX_METADATA, MAX_PARTS, MAX_SCANS, UnreadableImageError

_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""What begins a segment or ends the image: no stuffed byte, no marker without a length, no fill."""


def check_jpeg_parts(content: bytes) -> None:
    """Check how many scans and segments a JPEG or JPEG-LS stream has, and how long the segments are.

    Sources: ITU-T T.81 B.1.1 (markers, fill bytes, segments), B.2.1 (scans).

    Raises:
        UnreadableImageError: they are too many, or hold too much beside the picture.
    """
    place, scans, parts, beside = 2, 0, 0, 0
    while (marker := _MARKER.search(content, place)) is not None and marker[0] != _END:
        end = marker.end() + max(int.from_bytes(content[marker.end() : marker.end() + 2], "big"), 2)
        scans += marker[0] == _SCAN
        parts += 1
        if not scans:  # what stands before the first scan is read byte by byte
            parts += marker.start() - place
        beside += end - marker.start()
        if scans > MAX_SCANS or parts > MAX_PARTS or beside > MAX_METADATA:
            raise UnreadableImageError("the image has too many parts")
        place = end


def check_png_parts(content: bytes) -> None:
    """Check how many chunks a PNG file has.

    Raises:
        UnreadableImageError: they are too many.
    """
    place, parts = 8, 0
    while place < len(content):
        place += 12 + int.from_bytes(content[place : place + 4], "big")
        parts += 1
        if parts > MAX_PARTS:
            raise UnreadableImageError("the image has too many parts")
