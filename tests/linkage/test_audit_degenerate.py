"""Audits at the edge of what can be measured: strata of one, a direction without distractors, one answer."""

import numpy as np
import polars as pl
import pytest

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, Resampling, measure
from relinkage.linkage.ranks import count_both, count_ranks
from relinkage.linkage.vectors import Vectors

FEW = Resampling(replicates=100)


def audited(images, reports, columns=None, **choices):
    pairs = pl.DataFrame({"pair_id": range(len(images)), **(columns or {})})
    links = Links.from_pairs(pairs, len(images), len(reports), "pairs")
    return measure(images, reports, links, AuditSettings(replicates=100, **choices)).result


@pytest.mark.parametrize("direction", ["image-to-report", "report-to-image", "both"])
def test_strata_in_which_every_query_is_alone_have_no_rows(direction):
    vectors = np.random.default_rng(0).normal(size=(6, 3))
    made = audited(vectors, vectors, {"view": list("abcdef")}, direction=direction,
                   hard_negatives=("view",))  # fmt: skip
    assert {row.negatives for row in made.closed_set} == {"all"}
    assert made.strata[0].alone == 1
    assert "view: no query has a distractor that shares its values, so there is no row." in made.notes


def test_a_pool_that_no_stratum_holds_is_named():
    vectors = np.random.default_rng(0).normal(size=(12, 3))
    made = audited(vectors, vectors, {"view": list("aaaabbbccddd")}, pool=(3, 10, "full"), k=(1,),
                   hard_negatives=("view",))  # fmt: skip
    assert [(row.pool, row.full) for row in made.closed_set if row.negatives == "view"] == [
        (3, False), (4, True)]  # fmt: skip
    assert "view: the largest stratum has 4 candidates, so it has no pool of 10." in made.notes


@pytest.mark.parametrize("views", ["aaaabbbccddd", "abcdefghijkl"])
def test_hard_negatives_without_any_row_at_the_pools_asked_for_are_refused(views):
    vectors = np.random.default_rng(0).normal(size=(12, 3))
    with pytest.raises(InputError, match=r"pool 10 leaves no row for hard negatives \(view: "):
        audited(vectors, vectors, {"view": list(views)}, pool=(10,), hard_negatives=("view",))


def test_a_direction_without_any_distractor_is_refused_in_one_sentence():
    """All images share a report: asked for by that report, no other image is a wrong answer."""
    random = np.random.default_rng(0)
    images, reports = random.normal(size=(5, 3)), random.normal(size=(3, 3))
    with pytest.raises(InputError):
        audited(images, reports, {"candidate": [0] * 5}, direction="both")


def test_a_query_alone_in_its_direction_costs_no_warning():
    random = np.random.default_rng(0)
    images, reports = random.normal(size=(5, 3)), random.normal(size=(3, 3))
    columns = {"candidate": [1, 1, 1, 0, 0], "patient_id": [None, "p", "p", "p", "p"]}
    audited(images, reports, columns, direction="report-to-image", distractors="other-patients")


def test_a_ladder_where_no_length_is_known_costs_no_warning(recwarn):
    vectors = np.random.default_rng(0).normal(size=(6, 3))
    lengths = pl.Series([None] * 6, dtype=pl.Int64)
    audited(vectors, vectors, {"Edema": [1, 0] * 3, "report_words": lengths},
            ladder=True)  # fmt: skip
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("cone", [1e5, 1e6])
def test_both_directions_in_one_pass_agree_with_each_alone_where_scores_crowd_about_a_tie(cone):
    for seed in range(5):
        random = np.random.default_rng(seed)
        images, reports = (Vectors.prepare(random.normal(size=(500, 3)) + cone, "vectors") for _ in "ab")
        _, back = count_both(images, reports, np.arange(500))
        alone = count_ranks(reports, images, np.arange(500))
        np.testing.assert_array_equal(back.above, alone.above)
        np.testing.assert_array_equal(back.ties, alone.ties)


ONE_PATIENT = {"patient_id": ["p"] * 12}


@pytest.mark.parametrize("direction", ["image-to-report", "report-to-image", "both"])
def test_one_patient_has_neither_open_set_nor_patient_level_and_both_are_told(direction):
    vectors = np.random.default_rng(0).normal(size=(12, 3))
    made = audited(vectors, vectors, ONE_PATIENT, direction=direction, pool=(5, "full"), k=(1,),
                   open_set=(0.5,), patient_level=True)  # fmt: skip
    assert made.open_set == made.targets == made.settings.open_set == ()
    said = "The open set has no rows: it deals patients into two halves, and there is one patient."
    assert made.notes.count(said) == 1
    directions = {row.direction for row in made.closed_set}
    for each in directions:
        said = f"Patient-level linkage ({each}) has no row for --pool 5,full: no query has a candidate"
        assert sum(note.startswith(said) for note in made.notes) == 1


def test_patient_level_names_the_pools_that_hold_no_other_patient():
    vectors = np.random.default_rng(0).normal(size=(12, 3))
    patients = {"patient_id": ["p"] * 6 + ["q"] * 6}
    made = audited(vectors, vectors, patients, pool=(5, "full"), k=(1,), patient_level=True)
    assert {row.pool for row in made.targets} == {12}
    assert any("has no row for --pool 5: no query" in note for note in made.notes)
    made = audited(vectors, vectors, patients, pool=(8, "full"), k=(1,), patient_level=True)
    assert not any("has no row for --pool" in note for note in made.notes)


def test_one_patient_among_other_patients_has_nothing_to_be_asked():
    vectors = np.random.default_rng(0).normal(size=(12, 3))
    with pytest.raises(InputError, match=r"its mate; an audit needs at least two\. `--distractors other-pa"):
        audited(vectors, vectors, ONE_PATIENT, distractors="other-patients")
