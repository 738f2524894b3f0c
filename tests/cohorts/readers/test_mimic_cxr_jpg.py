"""MIMIC-CXR-JPG, as released and as people keep it."""

import gzip
import zipfile

import polars as pl
import pytest
from data_set_trees import MIMIC, REPORT, mimic, mimic_rows, picture, write_bytes, write_csv

from relinkage.cohorts import read_cohort
from relinkage.cohorts.readers import ReadOptions, read
from relinkage.cohorts.readers.summary import SplitCounts
from relinkage.errors import InputError

STUDY = "50414267"


def reports(cohort):
    return dict(cohort.pairs.select("study_id", "report").iter_rows())


def test_a_tree_as_released(tmp_path):
    reading = read(mimic(tmp_path / "mimic"))
    pairs = reading.cohort.pairs
    assert pairs["pair_id"].to_list() == [row["dicom_id"] for row in mimic_rows()]
    assert pairs["image"][0] == f"files/p10/p10000032/s{STUDY}/{STUDY}-0.jpg"
    assert all(path.is_file() for path in reading.cohort.image_paths())
    assert pairs["view"].to_list() == ["PA", "LATERAL", "AP", "AP", None, "SWIMMERS", "LL"]
    assert set(pairs["split"]) == {"train"}
    assert pairs["Edema"].to_list() == [1, 1, None, 0, 0, 0, -1]
    text = f"The heart is normal in {STUDY}. Lungs are clear. No acute process {STUDY}."
    assert pairs["report"].to_list()[:2] == [text, text]
    summary = reading.summary
    assert (summary.format, summary.pairs, summary.studies, summary.patients) == ("mimic-cxr-jpg", 7, 4, 3)
    assert summary.dropped == {}


def test_gunzipped_tables_are_the_same_cohort(tmp_path):
    packed = read_cohort(mimic(tmp_path / "a"))
    assert packed.fingerprint() == read_cohort(mimic(tmp_path / "b", packed=False)).fingerprint()


def test_a_table_that_is_gunzipped_but_not_renamed(tmp_path):
    root = mimic(tmp_path)
    split = root / "mimic-cxr-2.0.0-split.csv.gz"
    split.write_bytes(gzip.decompress(split.read_bytes()))
    assert len(read_cohort(root)) == 7


@pytest.mark.parametrize("place", ["mimic", "mimic/files", ".", "mimic/mimic-cxr-2.0.0-metadata.csv.gz"])
def test_the_tree_its_files_its_parent_or_its_table_may_be_named(tmp_path, place):
    mimic(tmp_path / "mimic")
    cohort = read_cohort(tmp_path / place)
    assert all(path.is_file() for path in cohort.image_paths())
    assert len(cohort) == 7


@pytest.mark.parametrize("inside", ["", "s{study}/"])
@pytest.mark.parametrize("tree", ["files", "mimic-cxr-reports/files"])
def test_reports_may_lie_unpacked_beside_or_inside_the_folder_of_a_study(tmp_path, inside, tree):
    root = mimic(tmp_path)
    expected = read_cohort(root).fingerprint()
    (root / "mimic-cxr-reports.zip").unlink()
    for subject, study, _ in MIMIC:
        place = inside.format(study=study)
        path = root / tree / f"p{subject[:2]}/p{subject}/{place}s{study}.txt"
        write_bytes(path, REPORT.format(study).encode())
    assert read_cohort(root).fingerprint() == expected


def test_reports_may_lie_elsewhere(tmp_path):
    root = mimic(tmp_path / "jpg")
    expected = read_cohort(root).fingerprint()
    away = tmp_path / "mimic-cxr/2.0.0"
    away.mkdir(parents=True)
    (root / "mimic-cxr-reports.zip").rename(away / "mimic-cxr-reports.zip")
    with pytest.raises(InputError, match=r"holds no reports .*reports"):
        read(root)
    for place in (tmp_path / "mimic-cxr", away / "mimic-cxr-reports.zip"):
        assert read(root, ReadOptions(reports=place)).cohort.fingerprint() == expected


def test_the_sectioned_table_alone_leaves_studies_out_and_raw_reports_fill_them_in(tmp_path):
    root = mimic(tmp_path)
    write_csv(
        root / "mimic_cxr_sectioned.csv",
        {
            "study": [f"s{STUDY}", "s53189527"],
            "impression": ["Sectioned.", None],
            "findings": [None, None],
            "last_paragraph": [None, "The last\n paragraph."],
            "comparison": [None, None],
        },
    )
    sectioned = read(root, ReadOptions(reports=root / "mimic_cxr_sectioned.csv"))
    assert reports(sectioned.cohort) == {STUDY: "Sectioned.", "53189527": "The last paragraph."}
    assert sectioned.summary.dropped == {"no report": 4}
    with zipfile.ZipFile(root / "mimic-cxr-reports.zip", "w") as rest:
        rest.writestr("files/p10/p10000764/s57375967.txt", "FINAL REPORT\n CHEST: Own rules.\n\n Well.")
    both = reports(read_cohort(root))
    assert both == {STUDY: "Sectioned.", "53189527": "The last paragraph.", "57375967": "Well."}


def test_sections_are_chosen_and_what_has_none_is_counted(tmp_path):
    root = mimic(tmp_path, texts={"58000001": " FINDINGS:\n\n Only findings.\n"})
    reading = read(root, ReadOptions(section="impression"))
    assert reports(reading.cohort)[STUDY] == f"No acute process {STUDY}."
    assert reading.summary.dropped == {"no text in the sections asked for": 1}
    fallback = read(root, ReadOptions(section="impression,findings")).summary
    assert fallback.read["studies with text from impression"] == 3
    assert fallback.read["studies with text from findings"] == 1


def test_rows_without_a_report_or_an_image_are_counted(tmp_path):
    root = mimic(tmp_path, texts={"53189527": None, "58000001": "_____\n\n"})
    (root / f"files/p10/p10000032/s{STUDY}/{STUDY}-1.jpg").unlink()
    picture(root / f"files/p10/p10000032/s{STUDY}/of-no-row.jpg")
    summary = read(root).summary
    assert summary.dropped == {
        "no report": 1,
        "no text in the sections asked for": 1,
        "the image is not on disk": 1,
    }
    assert "1 image files lie beside the others and belong to no row." in summary.notes


def test_only_frontal_views(tmp_path):
    summary = read(mimic(tmp_path), ReadOptions(views="frontal")).summary
    assert summary.views == {"AP": 2, "PA": 1}
    assert summary.dropped == {"the view is not frontal": 3, "the view is not known": 1}


def test_a_patient_in_two_splits_is_told(tmp_path):
    summary = read(mimic(tmp_path, splits={"53189527": "test"})).summary
    assert summary.patients_in_several_splits == 1
    assert summary.splits["test"] == SplitCounts(pairs=1, studies=1, patients=1)


def test_a_random_split_is_crossed_by_no_patient(tmp_path):
    root = mimic(tmp_path, splits={"53189527": "test"})
    options = ReadOptions(split="random", train_share=0.5, seed=3)
    summary = read(root, options).summary
    assert summary.patients_in_several_splits == 0
    assert set(summary.splits) == {"train", "test"}
    assert read(root, options).cohort.fingerprint() == read(root, options).cohort.fingerprint()


def test_rows_of_no_split_are_dropped_and_a_missing_split_is_told(tmp_path):
    root = mimic(tmp_path, packed=False)
    split = root / "mimic-cxr-2.0.0-split.csv"
    split.write_text("\n".join(split.read_text().splitlines()[:-1]) + "\n")
    assert read(root).summary.dropped == {"in no split": 1}
    split.unlink()
    assert "split" not in read_cohort(root).pairs.columns
    with pytest.raises(InputError, match="no split of its own"):
        read(root, ReadOptions(split="official"))


@pytest.mark.parametrize(
    ("kind", "file"),
    [("negbio", "mimic-cxr-2.0.0-negbio.csv"), ("test-set", "mimic-cxr-2.1.0-test-set-labeled.csv")],
)
def test_labels_come_from_the_file_asked_for_whatever_the_order_of_its_columns(tmp_path, kind, file):
    root = mimic(tmp_path)
    columns = {"Pneumonia": ["1.0"], "reader": ["x"], "Edema": ["-1.0"], "study_id": ["53189527"]}
    write_csv(root / file, columns)
    reading = read(root, ReadOptions(labels=kind))
    assert reading.cohort.labels == ("Pneumonia", "Edema")
    assert reading.cohort.pairs["Edema"].to_list() == [None, None, -1, None, None, None, None]


def test_sex_and_age_come_from_mimic_iv(tmp_path):
    root = mimic(tmp_path)
    patients = {
        "subject_id": ["10000032", "10000764"],
        "gender": ["F", "M"],
        "anchor_age": ["52", "86"],
        "anchor_year": ["2180", "2182"],
        "dod": ["", ""],
    }
    write_csv(root / "patients.csv.gz", patients, packed=True)
    pairs = read(root, ReadOptions(patients=root / "patients.csv.gz")).cohort.pairs
    assert pairs["sex"].to_list() == ["F", "F", "F", "M", "M", "M", None]
    assert pairs["age"].to_list() == [52, 52, 52, 84, 84, 84, None]


def test_columns_in_another_order_bytes_of_latin_1_and_marks_are_read(tmp_path):
    root = mimic(tmp_path, packed=False, texts={STUDY: "\ufeffFINDINGS:\r\n Œdème.\r\n".encode()})
    metadata = root / "mimic-cxr-2.0.0-metadata.csv"
    table = pl.read_csv(metadata, infer_schema=False).select(
        pl.lit("Änderung").alias("Note"), pl.all().reverse()
    )
    text = table.write_csv(line_terminator="\r\n")
    metadata.write_bytes(text.encode("latin-1"))
    assert len(read_cohort(root)) == 7
    metadata.write_bytes(text.encode("utf-8-sig"))
    assert reports(read_cohort(root))[STUDY] == "Œdème."
    with zipfile.ZipFile(root / "mimic-cxr-reports.zip", "w") as latin:
        latin.writestr(f"files/p10/p10000032/s{STUDY}.txt", "FINDINGS: Ödem.".encode("latin-1"))
    assert reports(read_cohort(root)) == {STUDY: "Ödem."}


def test_a_report_that_unpacks_to_more_than_a_megabyte_is_left_out(tmp_path):
    root = mimic(tmp_path)
    with zipfile.ZipFile(root / "mimic-cxr-reports.zip", "a", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("files/p99/p99999999/s99999999.txt", "of no study" * 10**6)
    assert read(root).summary.dropped == {}
    root = mimic(tmp_path / "b", texts={STUDY: "FINDINGS: " + "x" * 2_000_000})
    assert read(root).summary.dropped == {"the report is longer than 1 MB": 2}


def test_images_of_another_suffix_are_found(tmp_path):
    root = mimic(tmp_path)
    for path in root.rglob("*.jpg"):
        path.rename(path.with_suffix(".png"))
    cohort = read_cohort(root)
    assert all(path.suffix == ".png" and path.is_file() for path in cohort.image_paths())


def test_a_tree_of_tables_alone_is_read_with_a_note_and_one_without_its_images_refused(tmp_path):
    root = mimic(tmp_path, images=False)
    assert any("no folder of images" in note for note in read(root).summary.notes)
    (root / "files/p10").mkdir(parents=True)
    with pytest.raises(InputError, match=r"None of the 7 images .*unchecked"):
        read(root)
    assert len(read(root, ReadOptions(unchecked=True)).cohort) == 7


def test_no_text_and_no_id_are_in_the_summary(tmp_path):
    told = "\n".join(read(mimic(tmp_path / "m")).summary.lines())
    for subject, study, _ in MIMIC:
        assert subject not in told
        assert study not in told
    assert "heart" not in told


def test_one_damaged_report_in_the_zip_is_left_out(tmp_path):
    root = mimic(tmp_path)
    packed = root / "mimic-cxr-reports.zip"
    packed.write_bytes(
        packed.read_bytes().replace(b"No acute process 58000001", b"No acute process 58000002")
    )
    assert read(root).summary.dropped == {"the report cannot be read": 1}
