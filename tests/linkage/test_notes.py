"""An audit warns where intervals rest on few patients, and only there."""

import numpy as np
import polars as pl
import pytest

from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.notes import notes_on


def links_of(images, known=True):
    owner = np.repeat(np.arange(len(images)), images)
    pairs = pl.DataFrame(
        {"pair_id": [str(row) for row in range(len(owner))], "patient_id": [f"p{who}" for who in owner]}
    )
    return Links.from_pairs(pairs if known else pairs.drop("patient_id"), len(owner), len(owner), "pairs")


@pytest.mark.parametrize(
    ("images", "large", "few"),
    [
        ([1] * 40, False, False),
        ([4] * 30, False, False),
        ([1] * 29, False, True),
        ([20] + [1] * 180, False, False),
        ([21] + [1] * 180, True, False),
        ([40] + [1] * 60, True, True),
    ],
)
def test_a_large_patient_and_few_patients_are_told(images, large, few):
    notes = notes_on(links_of(images))
    assert any("of the images" in note for note in notes) == large
    assert any("with so few" in note for note in notes) == few


def test_the_note_has_the_numbers():
    notes = notes_on(links_of([40] + [1] * 60))
    assert "One patient has 40% of the images" in notes[0]
    assert "Intervals rest on 61 patients, which tell as much as 6.02 with" in notes[1]


def test_without_patients_there_is_one_study_a_patient():
    assert "Intervals rest on 20 studies; with so few" in notes_on(links_of([1] * 20, known=False))[-1]


@pytest.mark.parametrize("column", ["study_id", "patient_id"])
def test_texts_that_stand_for_no_id_are_told(column):
    cells = ["nan"] * 3 + ["None", "", "a", "b"]
    pairs = pl.DataFrame({"pair_id": list("abcdefg"), column: cells})
    notes = notes_on(Links.from_pairs(pairs, 7, 7, "pairs"))
    assert f"{column}: 4 of 7 cells read nan, None or the like and are taken for empty." in notes
    plain = Links.from_pairs(pairs.with_columns(pl.lit("x").alias(column)), 7, 7, "pairs")
    assert not any("the like" in note for note in notes_on(plain))


def test_an_audit_says_it_beside_its_tables():
    random, links = np.random.default_rng(0), links_of([40] + [1] * 60)
    reports = random.normal(size=(100, 8))
    found = measure(
        reports + random.normal(size=(100, 8)), reports, links, AuditSettings(pool=(10,), replicates=100)
    ).result
    assert found.effective_patients == pytest.approx(100**2 / (40**2 + 60))
    assert set(notes_on(links)) <= set(found.notes)
