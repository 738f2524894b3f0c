"""Images damaged in thousands of ways: opened or refused, never an unforeseen error."""

import numpy as np
import pytest
from PIL import Image

from fuzzing.mutating import ODD_TEXTS, chance, damaged, odd_text, outcomes
from images.containers import image_table, png, write_stream, write_tar
from images.dicom_files import COMPRESSIONS, compressed, dicom, table
from relinkage.images import UnreadableImageError, open_image

pytestmark = pytest.mark.slow

GRAY = np.random.default_rng(0).integers(0, 256, (24, 32), dtype=np.uint8)
SMOOTH = np.add.outer(np.arange(40) * 50, np.arange(48) * 45).astype(np.uint16)


def saved(folder, image, name, **choices):
    image.save(folder / name, **choices)
    return (folder / name).read_bytes()


def opens(folder, make, cases):
    """Write and open a file a case; whatever opens is 8-bit gray or colour."""

    def door(case):
        (folder / "damaged").write_bytes(make(case))
        assert open_image(folder / "damaged", folder).mode in ("L", "RGB")

    return outcomes(cases, door, UnreadableImageError)


@pytest.mark.parametrize("form", ["gray.png", "deep.png", "palette.png", "gray.jpg", "colour.jpg"])
def test_png_and_jpeg(tmp_path, form):
    deep = Image.fromarray(GRAY.astype(np.uint16) * 16)
    images = {
        "gray.png": Image.fromarray(GRAY),
        "deep.png": deep,
        "palette.png": Image.fromarray(GRAY).convert("P"),
        "gray.jpg": Image.fromarray(GRAY),
        "colour.jpg": Image.fromarray(np.stack([GRAY] * 3, axis=2)),
    }
    whole = saved(tmp_path, images[form], form)
    assert opens(tmp_path, lambda case: damaged(chance(1, case), whole), 500)


def test_dicom_headers(tmp_path):
    whole = dicom(
        SMOOTH,
        bits=12,
        WindowCenter=[2000, 3000],
        WindowWidth=[4000, 100],
        RescaleSlope=1,
        RescaleIntercept=-5,
        PixelPaddingValue=0,
        VOILUTSequence=table(0, range(0, 4096, 16), 12),
        ModalityLUTSequence=table(0, range(0, 4096, 8), 16),
    )
    header = whole[: whole.index(b"\xe0\x7f\x10\0") + 12]
    pixels = whole[len(header) :]
    assert opens(tmp_path, lambda case: damaged(chance(2, case), header, after=128) + pixels, 1000)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compressed_dicom(tmp_path, compression):
    whole = compressed(SMOOTH, compression, bits=12)
    start = whole.index(b"\xe0\x7f\x10\0")

    def make(case):
        return damaged(chance(3, case), whole, after=0 if case % 4 == 0 else start)

    opened = opens(tmp_path, make, 250)
    assert opened or compression == "JPEG lossless"  # whose every bit depends on those before


def contained(folder, name, write, references, cases, seed):
    write(folder / name)
    whole = (folder / name).read_bytes()

    def door(case):
        random = chance(seed, case)
        (folder / f"damaged-{name}").write_bytes(damaged(random, whole))
        reference = references[int(random.integers(0, len(references)))]
        open_image(folder / f"damaged-{name}::{reference}", folder)

    return outcomes(cases, door, UnreadableImageError)


PNGS = [png(GRAY[row : row + 16]) for row in range(8)]


def test_tar_files(tmp_path):
    members = [(f"{row}.png", content) for row, content in enumerate(PNGS)]
    names = [name for name, _ in members]
    assert contained(tmp_path, "s.tar", lambda path: write_tar(path, members), names, 300, 4)


@pytest.mark.parametrize("compression", ["uncompressed", "zstd", "lz4"])
def test_arrow_streams(tmp_path, compression, capfd):
    shards = [image_table(PNGS[:4]), image_table(PNGS[4:])]
    cells = [f"image/{row}" for row in range(8)]
    assert contained(tmp_path, "s.arrow", lambda path: write_stream(path, shards, compression), cells, 150, 5)


@pytest.mark.parametrize("name", ["t.parquet", "t.feather"])
def test_parquet_and_arrow_files(tmp_path, name, capfd):
    def write(path):
        frame = image_table(PNGS)
        frame.write_parquet(path) if name == "t.parquet" else frame.write_ipc(path)

    assert contained(tmp_path, name, write, [f"image/{row}" for row in range(8)], 200, 6)


def test_references_with_odd_names(tmp_path):
    write_tar(tmp_path / "s.tar", [("0.png", PNGS[0])])
    image_table(PNGS).write_parquet(tmp_path / "t.parquet")
    (tmp_path / "a::b.png").write_bytes(PNGS[0])

    def door(case):
        random = chance(7, case)
        kind = ["s.tar::{}", "t.parquet::{}", "t.parquet::image/{}", "{}::image/0", "{}", "a::{}"][case % 6]
        name = odd_text(random) if case >= len(ODD_TEXTS) else ODD_TEXTS[case]
        open_image(tmp_path / kind.format(name), tmp_path)

    outcomes(400, door, UnreadableImageError)
