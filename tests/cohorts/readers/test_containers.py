"""Data sets in files that hold many images: Hugging Face datasets on disk, and WebDataset shards."""

import io
import json
import tarfile

import polars as pl
import pytest
from data_set_trees import parquet, png, saved_to_disk, shards
from PIL import Image

from relinkage.cohorts import read_cohort
from relinkage.cohorts.readers import ReadOptions, read
from relinkage.errors import InputError


def opened(cohort, reference):
    """Open an image by its reference, in the plainest way."""
    file, place = reference.split("::")
    if file.endswith(".tar"):
        with tarfile.open(cohort.root / file) as shard:
            content = shard.extractfile(place).read()
    else:
        column, row = place.rsplit("/", 1)
        reader = pl.read_parquet if file.endswith(".parquet") else pl.read_ipc_stream
        content = reader(cohort.root / file)[column][int(row)]["bytes"]
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("make", [saved_to_disk, parquet, shards])
def test_references_lead_to_the_images(tmp_path, make):
    cohort = read_cohort(make(tmp_path))
    references = [image for image in cohort.pairs["image"] if "::" in image]
    assert references
    for reference in references:
        assert opened(cohort, reference).size == (16, 16)


def test_what_save_to_disk_leaves(tmp_path):
    reading = read(saved_to_disk(tmp_path))
    pairs = reading.cohort.pairs.sort("pair_id")
    assert pairs["image"][0] == "test/data-00000-of-00001.arrow::image/0"
    assert pairs["view"].to_list() == ["frontal", "frontal", "lateral"]
    assert pairs["split"].to_list() == ["test", "train", "train"]
    assert pairs["patient_id"].to_list() == ["10", "0", "0"]
    assert pairs["Edema"].to_list() == [1, 1, None]
    assert reading.summary.dropped == {"no image": 2}


def test_one_split_alone_may_be_named_and_says_nothing(tmp_path):
    cohort = read_cohort(saved_to_disk(tmp_path) / "train")
    assert "split" not in cohort.pairs.columns
    assert cohort.pairs["image"][0] == "data-00000-of-00001.arrow::image/0"


def test_caches_beside_the_arrow_files_are_not_read(tmp_path):
    root = saved_to_disk(tmp_path)
    (root / "train/cache-0123.arrow").write_bytes(b"what a map() left")
    assert len(read_cohort(root)) == 3


def test_parquet_with_embedded_images_and_paths(tmp_path):
    pairs = read_cohort(parquet(tmp_path)).pairs
    assert pairs["image"].to_list()[:2] == [
        "data/train-00000-of-00001.parquet::image/0",
        "data/pictures/b.png",
    ]
    assert pairs["report"].to_list()[:2] == ["Clear. Normal.", "Effusion in train."]
    assert pairs["study_id"].to_list()[:2] == ["train-1/1", "train-2/2"]
    assert set(pairs["split"]) == {"train", "validation"}


def test_columns_are_named_where_nothing_tells_them(tmp_path):
    table = pl.DataFrame({"left": [png()], "right": [png()], "words": ["Clear."]})
    table.write_parquet(tmp_path / "some.parquet")
    with pytest.raises(InputError, match="2 columns of images; name one with image_column"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"with section \(it has 1 other\)"):
        read(tmp_path, ReadOptions(image_column="left"))
    pairs = read(tmp_path, ReadOptions(image_column="left", section="words")).cohort.pairs
    assert pairs["image"].to_list() == ["some.parquet::left/0"]


def test_a_path_out_of_the_folder_is_dropped(tmp_path):
    root = parquet(tmp_path)
    file = root / "data/train-00000-of-00001.parquet"
    paths = ["../../etc/passwd", "/etc/passwd"]
    pl.read_parquet(file).with_columns(
        image=pl.Series([{"bytes": None, "path": path} for path in paths])
    ).write_parquet(file)
    assert read(root).summary.dropped == {"the image path leaves the folder": 2}


def test_webdataset_shards(tmp_path):
    reading = read(shards(tmp_path))
    assert reading.cohort.pairs.row(0, named=True) == {
        "pair_id": "test-000-a/0001",
        "study_id": "test-000-a/0001",
        "patient_id": "p1",
        "image": "test-000.tar::./a/0001.png",
        "report": "Œdème.",
        "view": "PA",
        "split": "test",
        "age": 40.0,
        "Edema": 1,
    }
    assert reading.summary.dropped == {
        "an id or the image's name is missing": 1,
        "samples without an image": 1,
    }
    assert reading.summary.read["samples"] == reading.summary.pairs + sum(reading.summary.dropped.values())


def write_shard(path, members):
    with tarfile.open(path, "w") as shard:
        for member, content in members.items():
            header = tarfile.TarInfo(member)
            header.size = len(content)
            shard.addfile(header, io.BytesIO(content))


def test_unsafe_members_bad_json_long_texts_and_further_images_are_counted(tmp_path):
    write_shard(
        tmp_path / "a.tar",
        {
            "1.jpg": png(),
            "1.txt": b"Clear.",
            "1.lateral.jpg": png(),
            "2.jpg": png(),
            "2.json": b"{",
            "3.jpg": png(),
            "3.txt": b"x" * 1_000_001,
            "../4.jpg": png(),
            "/5.jpg": png(),
            "6.jpg": png(),
            "6.json": json.dumps({"report": None}).encode(),
        },
    )
    reading = read(tmp_path)
    assert reading.cohort.pairs["image"].to_list() == ["a.tar::1.jpg"]
    assert reading.summary.dropped == {
        "members with an unsafe name": 2,
        "further images of a sample": 1,
        "no text in the sections asked for": 1,
        "the JSON of the sample cannot be read": 1,
        "the report is longer than 1 MB": 1,
    }


def test_a_compressed_or_damaged_shard_is_named(tmp_path):
    shards(tmp_path)
    content = (tmp_path / "test-000.tar").read_bytes()
    (tmp_path / "test-000.tar").write_bytes(content[:1000])
    with pytest.raises(InputError, match=r"test-000\.tar cannot be read as a tar"):
        read(tmp_path)
