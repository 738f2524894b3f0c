"""CheXpert Plus, as released and as people keep it."""

import pytest
from data_set_trees import CHEXPERT, chexpert, picture

from relinkage.cohorts import read_cohort
from relinkage.cohorts.readers import ReadOptions, read
from relinkage.errors import InputError


def test_a_tree_as_released(tmp_path):
    reading = read(chexpert(tmp_path / "plus"))
    cohort, summary = reading.cohort, reading.summary
    assert all(path.is_file() and path.suffix == ".png" for path in cohort.image_paths())
    assert (summary.format, summary.pairs, summary.studies, summary.patients) == ("chexpert-plus", 5, 4, 2)
    assert cohort.pairs["study_id"][0] == "train/patient00001/study1"
    assert cohort.pairs["view"].to_list() == ["AP", "LATERAL", "PA", "AP", "PA"]
    assert set(cohort.pairs["sex"]) == {"F"}
    assert set(cohort.pairs["age"]) == {61.0}
    assert cohort.pairs["Edema"].to_list() == [1, 0, -1, None, 1]


def test_one_report_stands_for_a_study_whatever_the_order_of_rows(tmp_path):
    cohort = read_cohort(chexpert(tmp_path / "a"))
    assert cohort.pairs["report"].to_list()[:2] == ["Stable since 1-1-2001."] * 2
    assert cohort.pairs.group_by("study_id").n_unique()["report"].max() == 1
    turned = read_cohort(chexpert(tmp_path / "b", rows=CHEXPERT[::-1]))
    first, second = (each.pairs.sort("pair_id")["report"].to_list() for each in (cohort, turned))
    assert first == second


def test_the_image_with_the_better_section_speaks_for_the_study(tmp_path):
    path, side, beam, _, _, split = CHEXPERT[0]
    rows = [(path, side, beam, None, None, split), *CHEXPERT[1:]]
    cohort = read_cohort(chexpert(tmp_path, rows=rows))
    assert cohort.pairs["report"].to_list()[:2] == ["Stable since 2-2-2002."] * 2


def test_sections_are_chosen(tmp_path):
    root = chexpert(tmp_path)
    summary = read(root, ReadOptions(section="findings")).summary
    assert (summary.pairs, summary.dropped) == (1, {"no text in the sections asked for": 4})
    assert len(read(root, ReadOptions(section="impression,report")).cohort) == 5
    with pytest.raises(InputError, match="section names 'last_paragraph'"):
        read(root, ReadOptions(section="last_paragraph"))


def test_findings_count_where_the_table_has_no_impression(tmp_path):
    root = chexpert(tmp_path)
    path = root / "df_chexpert_plus_240401.csv"
    path.write_text(path.read_text().replace("section_impression", "other", 1))
    assert read(root).summary.read["studies with text from findings"] == 1


def test_a_patient_in_both_splits_is_told(tmp_path):
    root = chexpert(tmp_path)
    assert read(root).summary.patients_in_several_splits == 1
    assert read(root, ReadOptions(split="random")).summary.patients_in_several_splits == 0


def test_only_frontal_views(tmp_path):
    summary = read(chexpert(tmp_path), ReadOptions(views="frontal")).summary
    assert summary.dropped == {"the view is not frontal": 1}


@pytest.mark.parametrize("place", [".", "plus", "plus/df_chexpert_plus_240401.csv"])
def test_the_tree_its_parent_or_its_table_may_be_named(tmp_path, place):
    chexpert(tmp_path / "plus")
    cohort = read_cohort(tmp_path / place)
    assert all(path.is_file() for path in cohort.image_paths())
    assert "Edema" in cohort.labels


def test_images_in_chunks_that_were_unpacked_apart_are_found(tmp_path):
    root = chexpert(tmp_path, images=False)
    for number, row in enumerate(CHEXPERT):
        picture(root / f"chunk_{number % 2}" / row[0].replace(".jpg", ".png"))
    assert all(path.is_file() for path in read_cohort(root).image_paths())


def test_images_may_lie_elsewhere(tmp_path):
    root = chexpert(tmp_path / "plus")
    (root / "PNG").rename(tmp_path / "PNG")
    cohort = read_cohort(root / "df_chexpert_plus_240401.csv", tmp_path)
    assert all(path.is_file() for path in cohort.image_paths())


def test_labels_that_are_not_there_are_an_error_only_where_asked_for(tmp_path):
    root = chexpert(tmp_path)
    (root / "chexbert_labels/impression_fixed.json").rename(root / "findings_fixed.json")
    assert read_cohort(root).labels == ()
    with pytest.raises(InputError, match=r"holds no impression_fixed\.json"):
        read(root, ReadOptions(labels="impression"))
    notes = read(root, ReadOptions(labels="findings")).summary.notes
    assert any("No Finding" in note for note in notes)


def test_a_damaged_label_file_is_named(tmp_path):
    root = chexpert(tmp_path)
    (root / "chexbert_labels/impression_fixed.json").write_text('{"path_to_image": ')
    with pytest.raises(InputError, match=r"impression_fixed\.json cannot be read as JSON Lines"):
        read(root)


def test_a_label_without_its_image_is_named_by_its_line(tmp_path):
    root = chexpert(tmp_path)
    labels = root / "chexbert_labels/impression_fixed.json"
    labels.write_text(labels.read_text() + '\n{"Edema": 1}\n')
    with pytest.raises(InputError, match=r"impression_fixed\.json line \d+ has no path_to_image"):
        read(root)
