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
from relinkage.images import open_image


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
        for member, content in members.items() if isinstance(members, dict) else members:
            header = tarfile.TarInfo(member)
            header.size = len(content)
            shard.addfile(header, io.BytesIO(content))


def gray(level):
    buffer = io.BytesIO()
    Image.new("L", (16, 16), level).save(buffer, "PNG")
    return buffer.getvalue()


def levels(cohort):
    """Give the gray level of every image, by its report."""
    reports = cohort.pairs["report"].to_list()
    return [
        (report, int(open_image(path, cohort.root).getpixel((0, 0))))
        for report, path in zip(reports, cohort.image_paths(), strict=True)
    ]


@pytest.mark.parametrize("suffix", ["txt", "findings.txt", "json"])
def test_samples_named_by_unique_identifiers_stay_apart(tmp_path, suffix):
    shades = range(20, 220, 40)
    members = {}
    for shade in shades:
        text = f"level {shade}" if suffix != "json" else json.dumps({"findings": f"level {shade}"})
        members |= {f"1.2.826.0.{shade}.png": gray(shade), f"1.2.826.0.{shade}.{suffix}": text.encode()}
    write_shard(tmp_path / "a.tar", members)
    assert levels(read_cohort(tmp_path)) == [(f"level {shade}", shade) for shade in shades]


def test_several_images_of_a_sample_are_images_of_one_study(tmp_path):
    members = {}
    for number, shade in enumerate((10, 110)):
        members |= {f"{number}.frontal.png": gray(shade), f"{number}.lateral.png": gray(shade + 1)}
        members |= {f"{number}.txt": f"Report {shade}.".encode()}
    write_shard(tmp_path / "a.tar", members)
    reading = read(tmp_path)
    assert levels(reading.cohort) == [
        ("Report 10.", 10),
        ("Report 10.", 11),
        ("Report 110.", 110),
        ("Report 110.", 111),
    ]
    assert reading.cohort.pairs["study_id"].to_list() == ["a-0", "a-0", "a-1", "a-1"]
    assert reading.summary.read["samples"] == 2


def test_samples_with_a_member_that_stands_twice_are_left_out(tmp_path):
    members = [
        ("0.a.png", gray(10)),
        ("0.txt", b"Dark."),
        ("1.png", gray(60)),
        ("1.txt", b"Middle."),
        ("0.b.png", gray(200)),
        ("0.txt", b"Bright."),
    ]
    write_shard(tmp_path / "a.tar", members)
    reading = read(tmp_path)
    assert levels(reading.cohort) == [("Middle.", 60)]
    assert reading.summary.dropped == {"a member of the sample stands in its shard twice": 2}


LISTS = {
    "structs": (
        pl.List(pl.Struct({"bytes": pl.Binary, "path": pl.String})),
        lambda content: {"bytes": content},
    ),
    "bytes": (pl.List(pl.Binary), lambda content: content),
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_lists_of_images_are_images_of_one_study(tmp_path, kind, form):
    schema, cell = LISTS[kind]
    shades = [[10, 11], [20], [], None, [30, 31, 32]]
    table = pl.DataFrame(
        {
            "findings": [f"Study {row}." for row in range(len(shades))],
            "images": [each and [cell(gray(shade)) for shade in each] for each in shades],
            "view": [each and [f"V{shade}" for shade in each] for each in shades],
            "keywords": [["one"]] * len(shades),
        },
        schema_overrides={"images": schema},
    )
    if form == "parquet":
        table.write_parquet(tmp_path / "test.parquet")
    else:
        table.write_ipc_stream(tmp_path / "a.arrow", compat_level=pl.CompatLevel.oldest())
        (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "a.arrow"}]}))
    reading = read(tmp_path)
    wanted = [(f"Study {row}.", shade) for row, each in enumerate(shades) for shade in each or []]
    assert levels(reading.cohort) == wanted
    pairs = reading.cohort.pairs
    assert pairs["view"].to_list() == [f"V{shade}" for _, shade in wanted]
    assert dict(pairs.group_by("report").agg(pl.col("study_id").n_unique()).iter_rows()) == {
        report: 1 for report, _ in wanted
    }
    assert reading.summary.studies == 3
    assert reading.summary.dropped == {"no image": 2}
    assert reading.summary.read["rows"] == 5


def test_lists_of_image_paths_are_images_of_one_study(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").write_bytes(gray(ord(name)))
    table = pl.DataFrame(
        {"image": [["a.png", "b.png"], ["c.png"]], "report": ["One.", "Two."], "study_id": ["s", "t"]}
    )
    table.write_parquet(tmp_path / "test.parquet")
    cohort = read(tmp_path, ReadOptions(image_column="image"), format="huggingface").cohort
    assert levels(cohort) == [("One.", 97), ("One.", 98), ("Two.", 99)]
    assert cohort.pairs["study_id"].to_list() == ["s", "s", "t"]


def test_unsafe_members_bad_json_and_long_texts_are_counted(tmp_path):
    write_shard(
        tmp_path / "a.tar",
        {
            "1.jpg": png(),
            "1.txt": b"Clear.",
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
