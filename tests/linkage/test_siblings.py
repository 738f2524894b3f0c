"""Other studies of the query's own patient: no hard negatives unless asked for, else like all candidates."""

import numpy as np
import oracle
import polars as pl
import pytest
from msgspec.structs import replace

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.links import difference

WANTED = AuditSettings(pool=("full",), k=(1,), direction="both", hard_negatives=("sex",), replicates=100)


@pytest.fixture
def cohort():
    """Sixty studies of twenty patients, who keep their sex; studies of a patient resemble each other."""
    rng = np.random.default_rng(8)
    patient = np.repeat(np.arange(20), 3)
    reports = rng.normal(size=(20, 6))[patient] + 0.3 * rng.normal(size=(60, 6))
    images = reports + 0.3 * rng.normal(size=reports.shape)
    pairs = pl.DataFrame(
        {
            "pair_id": [str(row) for row in range(60)],
            "study_id": [f"s{row}" for row in range(60)],
            "patient_id": [f"p{number}" for number in patient],
            "sex": ["F" if number % 2 else "M" for number in patient],
        }
    )
    return images, reports, pairs


def audited(cohort, settings, **more):
    images, reports, pairs = cohort
    links = Links.from_pairs(pairs, len(pairs), len(pairs), "pairs", **more)
    return measure(images, reports, links, settings)


@pytest.mark.parametrize("whose", ["other-patients", "all"])
def test_hard_negatives_are_of_other_patients_unless_all_are_asked_for(cohort, whose):
    images, reports, pairs = cohort
    sex, patient = pairs["sex"].to_list(), pairs["patient_id"].to_list()
    alike = np.array(
        [
            [sex[i] == sex[j] and (i == j or whose == "all" or patient[i] != patient[j]) for j in range(60)]
            for i in range(60)
        ]
    )
    scores = oracle.cosines(images, reports)
    itself = np.arange(60)
    found = audited(cohort, replace(WANTED, hard_negatives_of=whose))
    for table, side in zip(found.tables, (scores, scores.T), strict=True):
        for name, mask in (("all", None), ("sex", alike)):
            expected = oracle.count(side, itself, mask)
            for what in ("eligible", "above", "ties"):
                np.testing.assert_array_equal(
                    getattr(table.standings[name], what), getattr(expected, what), err_msg=f"{name} {what}"
                )
    told = [note for note in found.result.notes if "--hard-negatives-of all" in note]
    assert len(told) == (whose == "all")


def test_siblings_are_easily_taken_for_the_mate(cohort):
    """They look alike, so the mate is found more often among hard negatives without them."""
    strict = {
        whose: audited(cohort, replace(WANTED, hard_negatives_of=whose)).tables[0].standings["sex"]
        for whose in ("other-patients", "all")
    }
    assert strict["other-patients"].above.sum() < strict["all"].above.sum()


def test_a_patient_with_more_images_than_any_person_has_is_no_patient(cohort, monkeypatch):
    images, reports, pairs = cohort
    pairs = pairs.with_columns(patient_id=pl.Series(["UNK"] * 30 + pairs["patient_id"].to_list()[30:]))
    monkeypatch.setattr("relinkage.linkage.links.MANY", 10)
    found = audited((images, reports, pairs), WANTED)
    eligible = found.tables[0].standings["sex"].eligible
    sex = pairs["sex"].to_list()
    same = np.array([sex.count(own) for own in sex])
    np.testing.assert_array_equal(eligible, np.where(np.arange(60) < 30, same, same - 2))
    assert sum("taken for ids that stand for many people" in note for note in found.result.notes) == 1


def test_patients_who_are_not_known_are_told(cohort):
    found = audited(cohort, WANTED, patients_known=False)
    assert any("hard negatives may be of the query's own patient" in note for note in found.result.notes)


def test_both_choices_go_together():
    with pytest.raises(InputError, match=r"hard_negatives_of all keeps .* give one of them\.$"):
        AuditSettings(distractors="other-patients", hard_negatives_of="all")
    assert AuditSettings(distractors="other-patients").hard_negatives_of == "other-patients"


def test_a_difference_lists_pairs_of_the_first_alone():
    first = np.array([0, 0, 1, 2]), np.array([1, 2, 2, 0])
    second = np.array([1, 0]), np.array([2, 0])
    rows, columns = difference(first, second, 3)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (0, 2), (2, 0)]
