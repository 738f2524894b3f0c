"""A phantom cohort is a cohort like any other, and the same seed gives the same bytes."""

import hashlib

import numpy as np
import polars as pl
import pytest
from PIL import Image

from relinkage.cohorts import CHEXPERT_LABELS, read_cohort
from relinkage.cohorts.phantom import CITY, COUNTY, draw_patient, phantom_cohort
from relinkage.cohorts.phantom.settings import is_phantom
from relinkage.errors import InputError


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return phantom_cohort(tmp_path_factory.mktemp("phantom") / "cohort", pairs=600, seed=3)


def test_it_has_the_columns_of_a_cohort(cohort):
    assert len(cohort) == 600
    assert cohort.pairs.columns[:9] == [
        "pair_id", "study_id", "patient_id", "image", "report", "view", "split", "sex", "age",
    ]  # fmt: skip
    assert cohort.labels == CHEXPERT_LABELS
    assert cohort.pairs.equals(read_cohort(cohort.root).pairs)


def test_patients_have_studies_and_studies_have_images(cohort):
    assert cohort.patients < cohort.studies < len(cohort)
    assert set(cohort.pairs["view"]) == {"PA", "AP", "LATERAL"}
    reports = cohort.pairs.group_by("study_id").agg(pl.col("report").n_unique())
    assert reports["report"].max() == 1


def test_no_patient_is_in_two_splits(cohort):
    assert cohort.notes == ()
    assert set(cohort.pairs["split"]) == {"train", "validate", "test"}


def test_every_image_is_a_grey_png_of_its_own(cohort):
    paths = cohort.image_paths()
    assert len(set(paths)) == len(paths)
    for path in paths[:50]:
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "L", (128, 128))


def test_images_and_reports_are_those_of_the_patients(cohort):
    patient = draw_patient(0, seed=3, site=CITY)
    rows = cohort.pairs.filter(pl.col("patient_id") == "city-3-000000")
    images = [image for study in patient.studies for image in study.images]
    texts = [study.report.text for study in patient.studies for _ in study.images]
    labels = [study.report.labels for study in patient.studies for _ in study.images]
    assert rows["report"].to_list() == texts
    for row, image in zip(rows["image"], images, strict=True):
        assert np.array_equal(np.asarray(Image.open(cohort.root / row)), image)
    for label in CHEXPERT_LABELS:
        assert rows[label].to_list() == [said.get(label) for said in labels]


@pytest.mark.parametrize("column", ["pair_id", "study_id", "patient_id", "image"])
def test_cohorts_of_other_seeds_and_sites_share_no_id(tmp_path, column):
    made = [
        set(phantom_cohort(tmp_path / f"{site.name}{seed}", pairs=30, seed=seed, site=site).pairs[column])
        for seed, site in ((1, CITY), (11, CITY), (2**32 - 1, CITY), (1, COUNTY))
    ]
    assert len(set().union(*made)) == sum(len(ids) for ids in made)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_or_site_does_not(tmp_path):
    for name, seed, site in (("a", 1, CITY), ("b", 1, CITY), ("c", 2, CITY), ("d", 1, COUNTY)):
        phantom_cohort(tmp_path / name, pairs=40, seed=seed, site=site)
    first = digests(tmp_path / "a")
    assert first == digests(tmp_path / "b")
    images = {name: digest for name, digest in first.items() if name.endswith(".png")}
    for other in ("c", "d"):
        assert not set(images.values()) & set(digests(tmp_path / other).values())


def test_a_smaller_cohort_is_the_beginning_of_a_larger_one(tmp_path):
    small = phantom_cohort(tmp_path / "small", pairs=23, seed=5)
    large = phantom_cohort(tmp_path / "large", pairs=60, seed=5)
    table = (small.root / "cohort.csv").read_bytes()
    assert table.count(b"\n") == 1 + len(small)
    assert (large.root / "cohort.csv").read_bytes().startswith(table)
    kept = digests(small.root)
    del kept["cohort.csv"], kept["phantom.json"]
    assert kept.items() <= digests(large.root).items()


@pytest.mark.parametrize("seed", [0, 1, 2**40, 2**70])
def test_patients_for_training_encoders_are_in_no_cohort(seed):
    def images(stream, seeds):
        drawn = [draw_patient(n, seed=s, site=CITY, stream=stream) for s in seeds for n in range(4)]
        return {image.tobytes() for patient in drawn for study in patient.studies for image in study.images}

    assert not images("training", [0, 1]) & images("cohort", [seed])


def test_an_earlier_phantom_cohort_is_replaced_and_other_folders_are_not(tmp_path):
    phantom_cohort(tmp_path / "cohort", pairs=5)
    assert len(phantom_cohort(tmp_path / "cohort", pairs=3)) == 3
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("keep")
    with pytest.raises(InputError, match="mine"):
        phantom_cohort(tmp_path / "mine", pairs=3)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "keep"


@pytest.mark.parametrize(("pairs", "seed"), [(0, 0), (-3, 0), (5, -1)])
def test_numbers_out_of_range_are_refused_before_anything_is_written(tmp_path, pairs, seed):
    with pytest.raises(InputError):
        phantom_cohort(tmp_path / "cohort", pairs=pairs, seed=seed)
    assert not any(tmp_path.iterdir())


def test_a_folder_is_a_phantom_cohort_by_its_mark(tmp_path):
    """Which goes with the images: a table beside real images is no phantom cohort."""
    assert not is_phantom(tmp_path)
    cohort = phantom_cohort(tmp_path / "phantom", pairs=1)
    assert is_phantom(cohort.root)
    (tmp_path / "phantom.json").write_text("[")
    assert not is_phantom(tmp_path)
    (tmp_path / "phantom.json").write_text('{"schema": "relinkage.audit/1"}')
    assert not is_phantom(tmp_path)
