"""Image files: opened as 8-bit gray or colour, or refused for a stated reason; never an unforeseen error."""

import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from relinkage.images import UnreadableImageError, open_image
from relinkage.images.opening import decode

GRAY = np.random.default_rng(0).integers(0, 256, (24, 32), dtype=np.uint8)


def saved(tmp_path, image, name):
    image.save(tmp_path / name)
    return tmp_path / name


def png(image):
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_gray_and_colour_come_as_they_are(tmp_path):
    gray = open_image(saved(tmp_path, Image.fromarray(GRAY), "gray.png"), tmp_path)
    assert gray.mode == "L"
    assert np.array_equal(gray, GRAY)
    colours = np.stack([GRAY, 255 - GRAY, GRAY // 2], axis=2)
    colour = open_image(saved(tmp_path, Image.fromarray(colours), "colour.png"), tmp_path)
    assert colour.mode == "RGB"
    assert np.array_equal(colour, colours)
    assert open_image(saved(tmp_path, Image.fromarray(GRAY), "gray.jpg"), tmp_path).mode == "L"


@pytest.mark.parametrize(("mode", "opened"), [("1", "L"), ("LA", "L"), ("P", "RGB"), ("RGBA", "RGB")])
def test_other_modes_become_gray_or_colour(tmp_path, mode, opened):
    image = Image.fromarray(GRAY).convert(mode)
    assert open_image(saved(tmp_path, image, "other.png"), tmp_path).mode == opened


def test_sixteen_bits_are_stretched_from_the_darkest_to_the_brightest_pixel(tmp_path):
    twelve_bits = np.linspace(100, 4000, 24 * 32).astype(np.uint16).reshape(24, 32)
    opened = np.asarray(open_image(saved(tmp_path, Image.fromarray(twelve_bits), "deep.png"), tmp_path))
    assert opened.dtype == np.uint8
    expected = (twelve_bits - 100.0) / 3900 * 255
    assert np.abs(opened - expected).max() <= 0.5
    assert (opened.min(), opened.max()) == (0, 255)


def deep_gray_with_alpha(gray, interlaced):
    """Write 16-bit gray with transparency by hand: all filters, and Adam7 (PNG specification, 8.2)."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def rows(part):
        before = np.zeros(part.shape[1] * 4, np.uint8)
        for number, row in enumerate(part):
            raw = np.stack([row, np.arange(len(row)) * 97], axis=-1).astype(">u2").tobytes()
            now = np.frombuffer(raw, np.uint8)
            left = np.concatenate([np.zeros(4, np.uint8), now[:-4]])
            kind = number % 3  # none, Sub, Up
            yield bytes([kind]) + (now - [np.uint8(0), left, before][kind]).astype(np.uint8).tobytes()
            before = now

    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    parts = [gray[top::down, left::right] for top, left, down, right in passes] if interlaced else [gray]
    header = struct.pack(">IIBBBBB", gray.shape[1], gray.shape[0], 16, 4, 0, 0, interlaced)
    content = b"".join(row for part in parts for row in rows(part))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"bKGD", b"\0\1")
        + chunk(b"IDAT", zlib.compress(content))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("interlaced", [0, 1])
def test_sixteen_bits_with_transparency_are_stretched_as_those_without(interlaced):
    twelve_bits = np.linspace(100, 4000, 24 * 32).astype(np.uint16).reshape(24, 32)
    opened = decode(deep_gray_with_alpha(twelve_bits, interlaced))
    assert opened.mode == "L"
    assert np.abs(np.asarray(opened) - (twelve_bits - 100.0) / 3900 * 255).max() <= 0.5


def test_sixteen_bits_of_one_shade_are_black(tmp_path):
    flat = np.full((20, 20), 30_000, np.uint16)
    assert not np.asarray(open_image(saved(tmp_path, Image.fromarray(flat), "flat.png"), tmp_path)).any()


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "note.jpg").write_text("Dear colleague, please find attached")
    with pytest.raises(UnreadableImageError, match="not a PNG, JPEG or DICOM image"):
        open_image(tmp_path / "note.jpg", tmp_path)
    with pytest.raises(UnreadableImageError, match="missing"):
        open_image(tmp_path / "absent.jpg", tmp_path)
    with pytest.raises(UnreadableImageError, match="not a PNG, JPEG or DICOM"):
        open_image(saved(tmp_path, Image.fromarray(GRAY), "other.bmp"), tmp_path)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UnreadableImageError):
        open_image(tmp_path / "folder.png", tmp_path)


def test_a_truncated_image_is_refused(tmp_path):
    whole = png(Image.fromarray(GRAY))
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableImageError, match="cannot be decoded"):
        open_image(tmp_path / "half.png", tmp_path)


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_a_small_file_that_claims_a_huge_image_is_refused(tmp_path, side):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(UnreadableImageError, match="too many pixels"):
        open_image(tmp_path / "bomb.png", tmp_path)


@pytest.mark.parametrize("size", [(3, 3), (16, 400)])
def test_slivers_are_refused(tmp_path, size):
    with pytest.raises(UnreadableImageError, match="too small or too narrow"):
        open_image(saved(tmp_path, Image.new("L", size), "sliver.png"), tmp_path)


def test_links_may_not_leave_the_cohorts_folder(tmp_path):
    (tmp_path / "cohort").mkdir()
    outside = saved(tmp_path, Image.fromarray(GRAY), "outside.png")
    inside = saved(tmp_path / "cohort", Image.fromarray(GRAY), "inside.png")
    (tmp_path / "cohort/stray.png").symlink_to(outside)
    (tmp_path / "cohort/alias.png").symlink_to(inside)
    (tmp_path / "alias").symlink_to(tmp_path / "cohort")
    with pytest.raises(UnreadableImageError, match="outside the cohort's folder"):
        open_image(tmp_path / "cohort/stray.png", tmp_path / "cohort")
    assert open_image(tmp_path / "cohort/alias.png", tmp_path / "cohort").mode == "L"
    assert open_image(tmp_path / "alias/inside.png", tmp_path / "alias").mode == "L"


@settings(deadline=None)
@given(st.data())
def test_damaged_bytes_are_opened_or_refused_and_nothing_else(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    damaged = bytearray(png(Image.fromarray(GRAY[:17, :17])))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    (folder / "damaged.png").write_bytes(damaged)
    with suppress(UnreadableImageError):
        assert open_image(folder / "damaged.png", folder).mode in ("L", "RGB")


def test_decode_in_many_threads_keeps_one_filter_of_warnings_in_front_whatever_else_is_set():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ThreadPoolExecutor(8) as pool:
            decoded = list(pool.map(decode, [png(Image.fromarray(GRAY))] * 200))
        ours = [entry for entry in warnings.filters if "pydicom" in str(entry[3])]
        assert len(ours) == 1
        assert warnings.filters[0] == ours[0]
    assert {image.size for image in decoded} == {(32, 24)}
