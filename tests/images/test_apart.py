"""DICOM in processes of its own: the same pixels and reasons, and a crash costs one image, no run."""

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import numpy as np
import pytest
from dicom_files import compressed, dicom
from PIL import Image

from relinkage.images import DecodingApart, UnreadableImageError, open_image, read_content

SHADES = np.random.default_rng(0).integers(0, 256, (5, 40, 48), dtype=np.uint8)
COLOUR = np.stack([SHADES[2]] * 3, axis=2)


@pytest.fixture(scope="module")
def apart():
    apart = DecodingApart()
    yield apart
    apart.close()


@pytest.fixture
def files(tmp_path):
    contents = [
        dicom(SHADES[0]),
        compressed(SHADES[1], "JPEG 2000"),
        dicom(np.stack([SHADES[2]] * 3, axis=2)),
    ]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.dcm").write_bytes(content)
    Image.fromarray(SHADES[3]).save(tmp_path / "3.png")
    return [tmp_path / name for name in ("0.dcm", "1.dcm", "2.dcm", "3.png")]


@pytest.mark.slow
def test_pixels_are_those_of_this_process_from_many_threads(apart, files, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        opened = list(pool.map(lambda file: apart.decode(read_content(file, tmp_path)), files * 3))
    for file, image in zip(files * 3, opened, strict=True):
        here = open_image(file, tmp_path)
        assert image.mode == here.mode
        assert np.array_equal(image, here)


def test_dicom_is_not_decoded_in_this_process(apart, files, tmp_path):
    with patch("pydicom.dcmread", side_effect=AssertionError):
        assert apart.decode(read_content(files[0], tmp_path)).size == (48, 40)


def test_a_reason_is_the_same_as_in_this_process(apart, tmp_path):
    (tmp_path / "bad.dcm").write_bytes(dicom(SHADES[0], Rows=60_000, Columns=60_000))
    with pytest.raises(UnreadableImageError, match="too many pixels"):
        apart.decode(read_content(tmp_path / "bad.dcm", tmp_path))


def test_a_crash_costs_one_image_and_no_process_outlives_its_end(files, tmp_path):
    apart = DecodingApart()
    assert apart.decode(read_content(files[0], tmp_path)).size == (48, 40)
    apart._all[0]._process.kill()
    with pytest.raises(UnreadableImageError, match="makes its decoder crash"):
        apart.decode(read_content(files[0], tmp_path))
    assert apart.decode(read_content(files[1], tmp_path)).size == (48, 40)
    process = apart._all[0]._process
    apart.close()
    assert process.poll() is not None


def test_png_needs_no_process(files, tmp_path):
    apart = DecodingApart()
    apart.decode(read_content(files[3], tmp_path))
    assert not apart._all
