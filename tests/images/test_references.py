"""Images inside of containers: FILE::MEMBER in tar files, FILE::COLUMN/ROW in Arrow IPC and Parquet files."""

import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from containers import image_table, png, write_stream, write_tar

from relinkage.images import UnreadableImageError, arrow, limits, open_image, tar

SHADES = np.random.default_rng(0).integers(0, 256, (12, 16, 20), dtype=np.uint8)
PNGS = [png(shades) for shades in SHADES]


def shade(folder, reference):
    """Say which of the images a reference opens."""
    pixels = np.asarray(open_image(folder / reference, folder))
    (row,) = np.flatnonzero((pixels == SHADES).all((1, 2)))
    return int(row)


def why_not(folder, reference):
    with pytest.raises(UnreadableImageError) as refused:
        open_image(folder / reference, folder)
    return str(refused.value)


# tar


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_a_member_of_a_tar_file_is_opened_by_its_name(tmp_path, kind):
    names = ["a.png", "deep/b.png", "./c.png", "ö.png", "x" * 90 + ".png"]
    write_tar(tmp_path / "s.tar", zip(names, PNGS, strict=False), kind=kind)
    assert [shade(tmp_path, f"s.tar::{name}") for name in names] == [0, 1, 2, 3, 4]
    assert shade(tmp_path, "s.tar::c.png") == 2
    assert why_not(tmp_path, "s.tar::d.png") == "the image is missing in its tar file"


def test_a_tar_file_is_listed_once_however_many_threads_ask(tmp_path):
    write_tar(tmp_path / "s.tar", [(f"{row}.png", PNGS[row]) for row in range(12)])
    with patch.object(tar, "_index", wraps=tar._index) as listing, ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda row: shade(tmp_path, f"s.tar::{row % 12}.png"), range(48)))
    assert rows == [row % 12 for row in range(48)]
    assert listing.call_count == 1


def test_a_tar_file_that_has_changed_is_listed_anew(tmp_path):
    write_tar(tmp_path / "s.tar", [("a.png", PNGS[0])])
    assert shade(tmp_path, "s.tar::a.png") == 0
    write_tar(tmp_path / "s.tar", [("b.png", PNGS[2]), ("a.png", PNGS[1])])
    assert shade(tmp_path, "s.tar::a.png") == 1


def test_a_damaged_tar_file_gives_what_lies_before_the_damage(tmp_path):
    write_tar(tmp_path / "s.tar", [("a.png", PNGS[0]), ("b.png", PNGS[1]), ("c.png", PNGS[2])])
    whole = bytearray((tmp_path / "s.tar").read_bytes())
    second = whole.index(b"b.png")
    (tmp_path / "cut.tar").write_bytes(whole[: second + 600])
    assert shade(tmp_path, "cut.tar::a.png") == 0
    assert "missing" in why_not(tmp_path, "cut.tar::c.png")
    whole[second + 100 : second + 300] = b"\xff" * 200
    (tmp_path / "bad.tar").write_bytes(whole)
    assert shade(tmp_path, "bad.tar::a.png") == 0


def test_a_compressed_or_foreign_tar_file_is_refused(tmp_path):
    write_tar(tmp_path / "s.tar", [("a.png", PNGS[0])], mode="w:gz")
    assert "not an uncompressed tar file" in why_not(tmp_path, "s.tar::a.png")
    write_tar(tmp_path / "s.tar.gz", [("a.png", PNGS[0])], mode="w:gz")
    assert "no .tar, .arrow or .parquet" in why_not(tmp_path, "s.tar.gz::a.png")


def test_a_member_that_is_too_large_is_not_read(tmp_path):
    member = tarfile.TarInfo("a.png")
    member.size = limits.MAX_BYTES + 1
    with (tmp_path / "s.tar").open("wb") as file:
        file.write(member.tobuf())
        file.truncate(limits.MAX_BYTES + 10_000)  # a hole: no bytes on the disk
    assert why_not(tmp_path, "s.tar::a.png") == "the image has too many bytes"


def test_a_link_inside_of_a_tar_file_leads_nowhere(tmp_path):
    link = tarfile.TarInfo("a.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "s.tar", "w") as archive:
        archive.addfile(link)
    assert "missing" in why_not(tmp_path, "s.tar::a.png")


# Arrow and Parquet


@pytest.fixture
def tables(tmp_path):
    """Write twelve images as structs and as plain bytes, in every format, four rows to a batch or group."""
    structs = image_table(PNGS, [f"{row}.png" for row in range(12)])
    table = structs.with_columns(plain=pl.Series(PNGS, dtype=pl.Binary))
    batches = [table[start : start + 4] for start in range(0, 12, 4)]
    write_stream(tmp_path / "stream.arrow", batches)
    write_stream(tmp_path / "zstd.arrow", batches, "zstd")
    write_stream(tmp_path / "lz4.arrow", batches, "lz4")
    table.write_ipc(tmp_path / "file.arrow", record_batch_size=4)
    table.write_ipc(tmp_path / "packed.feather", compression="zstd")
    table.write_parquet(tmp_path / "table.parquet", row_group_size=4)
    return tmp_path


FILES = ["stream.arrow", "zstd.arrow", "lz4.arrow", "file.arrow", "packed.feather", "table.parquet"]


@pytest.mark.parametrize("file", FILES)
def test_a_cell_is_opened_by_column_and_row(tables, file):
    for row in (0, 3, 4, 11):
        assert shade(tables, f"{file}::image/{row}") == row
        assert shade(tables, f"{file}::plain/{row}") == row


@pytest.mark.parametrize("file", FILES)
def test_a_cell_that_is_not_there_is_missing(tables, file):
    for cell in ("image/12", "image/999999999999999999", "photograph/0"):
        assert "missing in its table" in why_not(tables, f"{file}::{cell}")
    for cell in (
        "image",
        "image/",
        "image/x",
        "image/-1",
        "image/\u0661",
        "/0",
        "image/" + "9" * 5000,
    ):
        assert why_not(tables, f"{file}::{cell}")


def test_a_batch_is_read_once_however_many_threads_ask(tables):
    with patch.object(arrow, "_read", wraps=arrow._read) as reading, ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda row: shade(tables, f"stream.arrow::image/{row}"), range(12)))
    assert rows == list(range(12))
    assert reading.call_count == 3


def test_a_cell_with_a_path_alone_names_a_file_beside_its_table(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.png").write_bytes(PNGS[5])
    (tmp_path / "outside.png").write_bytes(PNGS[6])
    paths = ["a.png", "../outside.png", "/etc/passwd", None, "", "absent.png"]
    image_table([None] * 6, paths).write_parquet(tmp_path / "data/t.parquet")
    assert shade(tmp_path, "data/t.parquet::image/0") == 5
    root = tmp_path / "data"
    assert "outside" in why_not(root, "t.parquet::image/1")
    assert "outside" in why_not(root, "t.parquet::image/2")
    assert "holds no image" in why_not(root, "t.parquet::image/3")
    assert "holds no image" in why_not(root, "t.parquet::image/4")
    assert "missing" in why_not(root, "t.parquet::image/5")


def test_cells_of_other_types_hold_no_image(tmp_path):
    pl.DataFrame({"n": [1], "s": [[b"x"]], "d": [{"a": 1}]}).write_parquet(tmp_path / "t.parquet")
    for column in "nsd":
        assert "holds no image" in why_not(tmp_path, f"t.parquet::{column}/0")


def test_a_cut_stream_gives_the_batches_before_the_cut(tables):
    whole = (tables / "stream.arrow").read_bytes()
    (tables / "cut.arrow").write_bytes(whole[: len(whole) * 2 // 3])
    assert shade(tables, "cut.arrow::image/2") == 2
    assert "missing" in why_not(tables, "cut.arrow::image/11")


def test_a_compressed_buffer_that_claims_too_much_is_not_unpacked(tables):
    index = arrow._listed(tables / "zstd.arrow")
    message = index.batches[0]
    content = (tables / "zstd.arrow").read_bytes()
    body = message.start + message.header
    size = len(PNGS[0]) * 4
    at = next(
        place
        for place in range(body, body + message.body, 8)
        if size - 100 < int.from_bytes(content[place : place + 8], "little") < size + 100
    )
    (tables / "bomb.arrow").write_bytes(content[:at] + (1 << 45).to_bytes(8, "little") + content[at + 8 :])
    assert "cannot be read" in why_not(tables, "bomb.arrow::image/0")


# where containers and files lie


def test_containers_lie_inside_of_the_cohorts_folder(tmp_path):
    (tmp_path / "cohort").mkdir()
    write_tar(tmp_path / "s.tar", [("a.png", PNGS[0])])
    (tmp_path / "cohort/link.tar").symlink_to(tmp_path / "s.tar")
    root = tmp_path / "cohort"
    assert "outside" in why_not(root, "link.tar::a.png")
    assert "outside" in why_not(root, "../s.tar::a.png")
    assert "missing" in why_not(root, "absent.tar::a.png")


def test_a_file_that_has_the_separator_in_its_name_is_a_file(tmp_path):
    (tmp_path / "a::b.png").write_bytes(PNGS[3])
    assert shade(tmp_path, "a::b.png") == 3
    (tmp_path / "ro::ot").mkdir()
    write_tar(tmp_path / "ro::ot/s.tar", [("a.png", PNGS[4])])
    assert shade(tmp_path / "ro::ot", "s.tar::a.png") == 4


def test_pipes_and_folders_are_no_images(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "regular file" in why_not(tmp_path, "pipe.png")
    assert "regular file" in why_not(tmp_path, ".")


def test_a_file_with_too_many_bytes_is_not_read(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(limits.MAX_BYTES + 1)
    assert why_not(tmp_path, "a.png") == "the image has too many bytes"


@pytest.mark.parametrize(
    "name", ["a\0b", "::", "x::", "::y", "\ud800.png", "s.tar::\ud800", "n" * 300, "s.tar::" + "m/" * 3000]
)
def test_odd_names_are_missing_images(tmp_path, name):
    write_tar(tmp_path / "s.tar", [("a.png", PNGS[0])])
    assert why_not(tmp_path, name)


# lists of images


@pytest.mark.parametrize("form", ["stream", "ipc", "parquet"])
@pytest.mark.parametrize("kind", [pl.List(pl.Binary), pl.Array(pl.Binary, 2)])
def test_an_item_of_a_list_is_opened_by_its_place(tmp_path, form, kind):
    cells = [PNGS[2 * row : 2 * row + 2] for row in range(6)]
    table = pl.DataFrame({"images/1": cells}, schema={"images/1": kind})
    name = "t.parquet" if form == "parquet" else "t.arrow"
    {"stream": table.write_ipc_stream, "ipc": table.write_ipc, "parquet": table.write_parquet}[form](
        tmp_path / name
    )
    found = [shade(tmp_path, f"{name}::images/1/{row}#{item}") for row in range(6) for item in range(2)]
    assert found == list(range(12))
    assert why_not(tmp_path, f"{name}::images/1/0#2") == "the image is missing in its table"
    assert why_not(tmp_path, f"{name}::images/1/0") == "the table's cell holds no image"


def test_an_item_of_a_cell_that_is_no_list_is_missing(tmp_path):
    image_table(PNGS[:1]).write_parquet(tmp_path / "t.parquet")
    assert why_not(tmp_path, "t.parquet::image/0#0") == "the image is missing in its table"
    assert why_not(tmp_path, "t.parquet::image/0#") == "the reference names no COLUMN/ROW of its table"
