"""Open-I in both layouts, and what its MeSH terms say in labels."""

import pytest
from data_set_trees import nlmcxr, open_i, write_bytes

from relinkage.cohorts import CHEXPERT_LABELS, read_cohort
from relinkage.cohorts.readers import ReadOptions, read
from relinkage.cohorts.readers.mesh import mesh_labels
from relinkage.errors import InputError


def test_the_two_tables_of_kaggle(tmp_path):
    reading = read(open_i(tmp_path / "iu"))
    pairs = reading.cohort.pairs
    assert all(path.is_file() for path in reading.cohort.image_paths())
    assert pairs["pair_id"][0] == "1_IM-0001-4001"
    assert pairs["report"].to_list()[1:] == [
        "The cardiac silhouette is normal. Normal chest.",
        "Enlarged heart. XXXX opacity.",
    ]
    assert reading.cohort.labels == CHEXPERT_LABELS
    assert pairs["Cardiomegaly"].to_list() == [None, None, 1]
    assert pairs["No Finding"].to_list() == [1, 1, None]
    assert reading.summary.dropped == {"no text in the sections asked for": 1}
    assert any("patient of its own" in note for note in reading.cohort.notes)


def test_only_frontal_views(tmp_path):
    assert read(open_i(tmp_path), ReadOptions(views="frontal")).summary.views == {"FRONTAL": 2}


def test_an_image_of_no_report_is_dropped_and_a_report_of_no_image_is_told(tmp_path):
    root = open_i(tmp_path)
    projections = root / "indiana_projections.csv"
    projections.write_text(projections.read_text().replace("\n2,", "\n9,"))
    summary = read(root).summary
    assert summary.dropped == {"no report": 1, "no text in the sections asked for": 1}
    assert any("1 reports have no image" in note for note in summary.notes)


def test_reports_without_their_projections_are_refused(tmp_path):
    root = open_i(tmp_path)
    (root / "indiana_projections.csv").unlink()
    with pytest.raises(InputError, match=r"no indiana_projections\.csv"):
        read(root)


def test_the_xml_files_of_nlmcxr(tmp_path):
    reading = read(nlmcxr(tmp_path))
    pairs = reading.cohort.pairs
    assert all(path.is_file() for path in reading.cohort.image_paths())
    assert pairs["study_id"].to_list() == ["CXR1", "CXR1", "CXR2"]
    assert pairs["report"][2] == "XXXX effusion < 1 cm."
    assert pairs["Pleural Effusion"].to_list() == [None, None, 1]
    assert reading.summary.dropped == {"reports without an image": 1}


def test_views_of_the_xml_are_not_known(tmp_path):
    with pytest.raises(InputError, match="3 × the view is not known"):
        read(nlmcxr(tmp_path), ReadOptions(views="frontal"))


def test_xml_that_declares_entities_is_left_out_at_once(tmp_path):
    root = nlmcxr(tmp_path)
    entities = '<!ENTITY a "lol">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    bomb = f'<!DOCTYPE x [{entities}]><eCitation><uId id="CXR9"/><a>&i;</a></eCitation>'
    outside = '<!DOCTYPE x SYSTEM "file:///etc/passwd"><eCitation><uId id="CXR8"/></eCitation>'
    write_bytes(root / "ecgen-radiology/8.xml", outside.encode())
    write_bytes(root / "ecgen-radiology/9.xml", bomb.encode())
    write_bytes(root / "ecgen-radiology/10.xml", b"<eCitation>")
    summary = read(root).summary
    assert next(count for reason, count in summary.dropped.items() if "refused" in reason) == 3
    assert summary.studies == 2


def test_xml_that_is_not_in_the_encoding_it_says_is_read_as_latin_1(tmp_path):
    root = nlmcxr(tmp_path)
    report = root / "ecgen-radiology/1.xml"
    report.write_bytes(report.read_bytes().replace(b"heart", "cœur éteint".encode("cp1252")))
    assert "éteint" in read_cohort(root).pairs["report"][0]


@pytest.mark.parametrize(
    ("term", "labels"),
    [
        ("normal", {"No Finding"}),
        ("Opacity/lung/base/left/mild", {"Lung Opacity"}),
        ("Opacity/retrocardiac", set()),
        ("Nodule/lung/upper lobe/right", {"Lung Lesion"}),
        ("Fractures, Bone/ribs/left", {"Fracture"}),
        ("Thickening/pleura/apex", {"Pleural Other"}),
        ("Cardiac Shadow/enlarged", {"Cardiomegaly"}),
        ("Catheters, Indwelling/right", {"Support Devices"}),
        ("no indexing", set()),
        ("", set()),
    ],
)
def test_mesh_terms_map_where_a_label_has_the_same_meaning(term, labels):
    assert mesh_labels([term]) == labels
