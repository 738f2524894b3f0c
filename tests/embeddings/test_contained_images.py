"""A cohort whose images lie inside of containers, or are DICOM files, embeds like one of plain files."""

import numpy as np
import polars as pl
from sketch_encoder import SketchEncoder

from images.containers import image_table, write_stream, write_tar
from images.dicom_files import dicom
from relinkage.cohorts import Cohort
from relinkage.embeddings import embed


def moved(cohort, references):
    table = cohort.pairs.with_columns(image=pl.Series(references))
    return Cohort.from_table(table, cohort.root, "moved")


def features(cohort, out):
    made = embed(cohort, SketchEncoder(), out)
    return np.asarray(made.image_features), made.pairs["pair_id"].to_list()


def test_images_in_a_tar_a_stream_and_a_parquet_file_embed_as_their_files_do(make_cohort, tmp_path):
    cohort = make_cohort(12)
    contents = [path.read_bytes() for path in cohort.image_paths()]
    plain, ids = features(cohort, tmp_path / "plain")
    write_tar(cohort.root / "s.tar", [(f"{row}.png", content) for row, content in enumerate(contents)])
    table = image_table(contents)
    write_stream(cohort.root / "s.arrow", [table[:5], table[5:]])
    (cohort.root / "deep").mkdir()
    table.write_parquet(cohort.root / "deep/s.parquet")
    kinds = ["s.tar::{}.png", "s.arrow::image/{}", "deep/s.parquet::image/{}", "images/{}.png"]
    mixed = moved(cohort, [kinds[row % 4].format(row) for row in range(12)])
    contained, contained_ids = features(mixed, tmp_path / "contained")
    assert ids == contained_ids
    assert np.array_equal(plain, contained)


def test_what_is_not_in_a_container_is_left_out_for_its_reason(make_cohort, tmp_path):
    cohort = make_cohort(40)
    write_tar(cohort.root / "s.tar", [("0.png", (cohort.root / "images/0.png").read_bytes())])
    images = cohort.pairs["image"].to_list()
    embed(moved(cohort, ["s.tar::0.png", "s.tar::1.png", *images[2:]]), SketchEncoder(), tmp_path / "emb")
    left_out = pl.read_csv(tmp_path / "emb/left_out.csv")
    assert left_out.rows() == [("pair-1", "the image is missing in its tar file")]


def test_dicom_files_embed_like_the_same_pixels_in_png(make_cohort, tmp_path):
    cohort = make_cohort(6)
    plain, _ = features(cohort, tmp_path / "plain")
    shades = np.random.default_rng(0).integers(0, 256, (6, 32, 40), dtype=np.uint8)
    for row, pixels in enumerate(shades):
        (cohort.root / f"{row}.dcm").write_bytes(dicom(pixels, WindowCenter=128, WindowWidth=256))
    medical, _ = features(moved(cohort, [f"{row}.dcm" for row in range(6)]), tmp_path / "dicom")
    assert np.array_equal(plain, medical)
