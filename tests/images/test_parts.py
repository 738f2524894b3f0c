"""Files of thousands of parts are refused before they are decoded; those that writers make are not."""

import struct
import zlib
from io import BytesIO
from unittest.mock import patch

import numpy as np
import pytest
from dicom_files import data_set, written
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from relinkage.images import UnreadableImageError
from relinkage.images.limits import MAX_METADATA, MAX_PARTS, MAX_SCANS
from relinkage.images.opening import decode
from relinkage.images.parts import check_jpeg_parts, check_png_parts

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (64, 64), dtype=np.uint8)
SCAN, END = b"\xff\xda", b"\xff\xd9"


def jpeg(image=PIXELS, **choices):
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", **choices)
    return file.getvalue()


def png(*chunks):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(64 * 65)))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(chunk(*each) for each in chunks)
        + pixels
        + chunk(b"IEND", b"")
    )


def with_scans(count):
    """A progressive JPEG of so many scans, its last one repeated."""
    content = jpeg(progressive=True)
    last = content[content.rindex(SCAN) : -2]
    return content[:-2] + last * (count - content.count(SCAN)) + END


def test_check_jpeg_parts_counts_scans():
    check_jpeg_parts(with_scans(MAX_SCANS))
    for many in (MAX_SCANS + 1, 5000):
        with pytest.raises(UnreadableImageError, match="the image has too many parts"):
            check_jpeg_parts(with_scans(many))


@pytest.mark.parametrize(
    "beside",
    [
        b"\xff\xe1\xff\xffExif\0\0" + b"a" * 65_527,
        b"\xff\xfe\0\2",
        b"\xff",
        b"\0",
    ],
    ids=["profiles", "empty comments", "fill", "junk"],
)
def test_check_jpeg_parts_limits_what_stands_beside_the_picture(beside):
    content = jpeg()
    count = min(MAX_METADATA // len(beside), MAX_PARTS) + 1
    check_jpeg_parts(content[:2] + beside * 50 + content[2:])
    with pytest.raises(UnreadableImageError, match="too many parts"):
        check_jpeg_parts(content[:2] + b"\xff\xfe\0\2" + beside * count + content[2:])


@pytest.mark.parametrize("choices", [{}, {"progressive": True}, {"exif": b"Exif\0\0" + SCAN * 30_000}])
def test_check_jpeg_parts_passes_what_writers_make(choices):
    for image in (PIXELS, RANDOM.integers(0, 256, (600, 700, 3), dtype=np.uint8)):
        check_jpeg_parts(jpeg(image, **choices))
    check_jpeg_parts(jpeg() + with_scans(5000))  # what follows the image is not decoded


def test_check_png_parts_counts_chunks():
    check_png_parts(png(*[(b"tEXt", b"a\0b")] * 1000))
    with pytest.raises(UnreadableImageError, match="too many parts"):
        check_png_parts(png(*[(b"tEXt", b"")] * MAX_PARTS))


def test_a_dicom_file_of_too_many_fragments_is_refused():
    data = data_set(PIXELS)
    data.PixelData = encapsulate([jpeg()])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    content = written(data)
    end = content.rindex(bytes.fromhex("feffdde0"))
    empty = bytes.fromhex("feff00e000000000")
    assert np.array_equal(decode(content[:end] + empty * 50 + content[end:]), decode(content))
    with pytest.raises(UnreadableImageError, match="too many parts"):
        decode(content[:end] + empty * MAX_PARTS + content[end:])


def test_no_decoder_sees_a_file_of_too_many_parts():
    content = with_scans(3000)
    data = data_set(PIXELS)
    data.PixelData = encapsulate([content])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    with patch("PIL.Image.open", side_effect=AssertionError("decoded")):
        for bomb in (content, written(data)):
            with pytest.raises(UnreadableImageError, match="too many parts"):
                decode(bomb)
