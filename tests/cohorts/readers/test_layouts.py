"""Data sets that are a list of studies and a folder of images: MIMIC-CXR as DICOM, R2Gen, imagefolder."""

import json

import pytest
from data_set_trees import imagefolder, mimic_dicom, picture, r2gen

from relinkage.cohorts import read_cohort
from relinkage.cohorts.readers import ReadOptions, read
from relinkage.errors import InputError

COLUMNS = ("pair_id", "study_id", "image", "report")


def rows(cohort, *columns):
    return cohort.pairs.select(columns).sort(columns[0]).rows()


@pytest.mark.parametrize("named", ["", "cxr-record-list.csv.gz"])
def test_mimic_cxr_as_dicom(tmp_path, named):
    reading = read(mimic_dicom(tmp_path) / named)
    assert rows(reading.cohort, *COLUMNS, "patient_id") == [
        ("a", "50000001", "files/p10/p10000032/s50000001/a.dcm", "Study 50000001.", "10000032"),
        ("c", "50000002", "files/p10/p10000033/s50000002/c.dcm", "Study 50000002.", "10000033"),
    ]
    assert reading.summary.dropped == {"the image is not on disk": 1, "no report": 1}
    assert reading.summary.format == "mimic-cxr"


def test_mimic_cxr_below_another_root(tmp_path):
    (tmp_path / "data/2.1.0").mkdir(parents=True)
    tree = mimic_dicom(tmp_path / "data/2.1.0")
    cohort = read(tree, ReadOptions(root=tmp_path / "data")).cohort
    assert cohort.pairs["image"][0] == "2.1.0/files/p10/p10000032/s50000001/a.dcm"


def test_r2gen(tmp_path):
    reading = read(r2gen(tmp_path))
    assert rows(reading.cohort, "image", "report", "split") == [
        ("images/CXR1/0.png", "The lungs are clear.", "train"),
        ("images/CXR1/1.png", "The lungs are clear.", "train"),
        ("images/CXR2/0.png", "Effusion.", "val"),
    ]
    assert reading.cohort.studies == 2
    assert reading.cohort.pairs["pair_id"].is_unique().all()
    assert reading.summary.dropped == {"no text in the sections asked for": 1}
    assert reading.summary.read["studies"] == 4


def test_r2gen_names_patients_and_studies_where_the_file_does(tmp_path):
    study = {"id": "d1", "study_id": 5, "subject_id": 1, "report": "Clear.", "image_path": ["p10/x.jpg"]}
    other = study | {"id": "d2", "image_path": ["p10/y.jpg"], "report": "Clear.", "image": "ignored"}
    (tmp_path / "mine.json").write_text(json.dumps({"test": [study, other, "no study", {"id": 3}]}))
    for name in ("x", "y"):
        picture(tmp_path / f"files/p10/{name}.jpg")
    cohort = read(tmp_path / "mine.json", format="r2gen").cohort
    assert rows(cohort, *COLUMNS, "patient_id") == [
        ("d1", "5", "files/p10/x.jpg", "Clear.", "1"),
        ("d2", "5", "files/p10/y.jpg", "Clear.", "1"),
    ]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"train": [{"report": "Clear."}]}', '{"train": 3}', "[" * 9999]
)
def test_r2gen_refuses_a_file_of_another_form(tmp_path, content):
    (tmp_path / "annotation.json").write_text(content)
    with pytest.raises(InputError, match="check the file"):
        read(tmp_path)


def test_imagefolder(tmp_path):
    reading = read(imagefolder(tmp_path))
    assert rows(reading.cohort, "image", "report", "patient_id", "split", "study_id") == [
        ("test/d.png", "Œdème.", "9", "test", "test-0"),
        ("train/a.png", "Clear.", "7", "train", "train-0"),
        ("train/c.png", "Effusion.", "8", "train", "train-1"),
        ("train/sub/b.png", "Effusion.", "8", "train", "train-1"),
    ]
    assert reading.cohort.labels == ("Edema",)
    assert reading.summary.read["rows"] == 4
    alone = read_cohort(tmp_path / "train/metadata.jsonl")
    assert sorted(alone.pairs["image"]) == ["a.png", "c.png", "sub/b.png"]


def test_imagefolder_refuses_metadata_that_are_damaged(tmp_path):
    (imagefolder(tmp_path) / "train/metadata.jsonl").write_text('{"file_name": "a.png", "text": "Clear."}\n{')
    with pytest.raises(InputError, match=r"metadata\.jsonl cannot be read as JSON Lines; check the file"):
        read(tmp_path)


def test_metadata_that_name_no_images_are_no_imagefolder(tmp_path):
    (tmp_path / "metadata.csv").write_text("patient,modality\n1,X-ray\n")
    with pytest.raises(InputError, match="holds no cohort table"):
        read(tmp_path)
