"""What an audit says besides its figures, and what it refuses."""

import json

import jsonschema
import numpy as np
import polars as pl
import pytest

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.result import AuditResult
from relinkage.records import json_schema, json_text, read_record, write_record

FORTH, BACK = "image-to-report", "report-to-image"


def run(images, reports, links=None, **choices):
    return measure(images, reports, links, AuditSettings(**{"replicates": 100, **choices}))


def result(*arguments, **choices):
    return run(*arguments, **choices).result


def links_of(study, patient):
    rows = len(study)
    pairs = {"pair_id": [str(row) for row in range(rows)], "study_id": study, "patient_id": patient}
    return Links.from_pairs(pl.DataFrame(pairs), rows, rows, "pairs.csv")


def cohort(seed, queries=90):
    """Images, a report for each, their studies and patients."""
    rng = np.random.default_rng(seed)
    study = rng.integers(0, queries // 2, queries)
    reports = rng.normal(size=(queries // 2, 3))
    return (
        reports[study] + rng.normal(size=(queries, 3)),
        reports[study],
        [f"s{s}" for s in study],
        study // 2,
    )


def test_the_result_is_plain_json_that_says_what_was_measured(tmp_path):
    images, reports, study, patient = cohort(0)
    made = run(images, reports, links_of(study, patient), direction="both", pool=(10, 200, "full"), k=(1, 20))
    text = json_text(made.result)
    jsonschema.validate(json.loads(text), json_schema(AuditResult), jsonschema.Draft202012Validator)
    write_record(tmp_path / "audit.json", made.result)
    again = read_record(tmp_path / "audit.json", AuditResult, "an audit", "run it again")
    assert again == made.result
    assert json.loads(text)["schema"] == "relinkage.audit/1"
    assert (again.dimension, again.patients_known) == (3, True)
    assert {row.direction for row in again.ranks} == {FORTH, BACK}
    assert [table.direction for table in made.tables] == [FORTH, BACK]
    candidates = again.candidates
    assert f"Pools of 200 are larger than the {candidates} eligible candidates and left out." in again.notes
    assert "Left out, as K is larger than the pool: Recall@20 in pools of 10." in again.notes
    assert f"The 90 images belong to {candidates} studies; a study's report is one candidate." in again.notes


def test_unknown_patients_are_said_to_be_unknown():
    rng = np.random.default_rng(0)
    made = result(*rng.normal(size=(2, 20, 3)))
    assert not made.patients_known
    assert made.notes[0].startswith("Patients are not known: every study counts as a patient of its own")


def test_one_seed_one_result():
    images, reports, study, patient = cohort(1)

    def made(seed):
        return result(images, reports, links_of(study, patient), replicates=100, seed=seed)

    assert made(4) == made(4)
    assert made(4).closed_set[0].low != made(5).closed_set[0].low


def test_defaults_that_do_not_fit_are_dropped_and_full_stands_once():
    rng = np.random.default_rng(0)
    made = result(*rng.normal(size=(2, 1000, 3)))
    assert [row.pool for row in made.ranks] == [100, 1000]
    assert [(row.pool, row.k) for row in made.closed_set] == [
        (pool, k) for pool in (100, 1000) for k in (1, 5, 10)
    ]
    assert [row.full for row in made.closed_set] == [False] * 3 + [True] * 3


def test_a_pool_that_only_one_direction_can_fill():
    """Ten images and a hundred reports: nobody can look for an image among fifty."""
    rng = np.random.default_rng(0)
    reports = rng.normal(size=(100, 4))
    pairs = pl.DataFrame({"pair_id": range(10), "candidate": range(10)})
    links = Links.from_pairs(pairs, 10, 100, "pairs")
    made = result(reports[:10], reports, links, pool=(5, 50), k=(1,), direction="both")
    assert [(row.direction, row.pool) for row in made.closed_set] == [
        (FORTH, 5),
        (FORTH, 50),
        (BACK, 5),
    ]
    assert {row.pool for row in made.curve if row.direction == BACK} == {2, 5, 10}


def test_patients_widen_intervals_but_move_no_figure():
    rng = np.random.default_rng(2)
    reports = np.repeat(rng.normal(size=(100, 8)), 5, axis=0) + 0.01 * rng.normal(size=(500, 8))
    images = reports + np.repeat(rng.normal(size=(100, 8)), 5, axis=0)
    study = [str(row) for row in range(500)]
    one = result(images, reports, links_of(study, study), pool=(50,), k=(1,)).closed_set[0]
    five = result(images, reports, links_of(study, [int(s) // 5 for s in study]), pool=(50,), k=(1,))
    five = five.closed_set[0]
    assert five.recall == pytest.approx(one.recall)
    assert five.high - five.low > 1.5 * (one.high - one.low)
    assert (one.patients, five.patients) == (500, 100)


def test_a_patients_own_other_studies_are_no_distractors_when_so_asked():
    rng = np.random.default_rng(3)
    reports = np.repeat(rng.normal(size=(30, 8)), 2, axis=0)  # two studies of a patient read alike
    patient = np.repeat(range(30), 2)
    links = links_of([str(row) for row in range(60)], patient)
    among_all = result(reports, reports, links, pool=("full",), k=(1,)).closed_set[0]
    apart = result(reports, reports, links, pool=("full",), k=(1,), distractors="other-patients")
    apart = apart.closed_set[0]
    assert (among_all.recall, among_all.pool) == (pytest.approx(0.5), 60)
    assert (apart.recall, apart.pool) == (pytest.approx(1), 59)


# What is refused.


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"pool": (1,)}, "pool 1 is not a valid pool size; give whole numbers from 2 up, or full."),
        ({"pool": ("all",)}, "pool all is not a valid pool size; give whole numbers from 2 up, or full."),
        ({"pool": (2.5,)}, "pool 2.5 is not a valid pool size; give whole numbers from 2 up, or full."),
        ({"k": (1, 0)}, "k 1,0 is not a valid rank; give whole numbers from 1 up, separated by commas."),
        (
            {"direction": "up"},
            "direction up is not a valid direction; give image-to-report, report-to-image or both.",
        ),
        (
            {"distractors": "none"},
            "distractors none is not a valid choice of distractors; give all or other-patients.",
        ),
        (
            {"interval": 1},
            "interval 1 is not a valid confidence level; give a number above 0 and below 1.",
        ),
        (
            {"interval": 0},
            "interval 0 is not a valid confidence level; give a number above 0 and below 1.",
        ),
        (
            {"replicates": 99},
            "replicates 99 is not a valid number of replicates; give a whole number from 100 up.",
        ),
    ],
)
def test_choices_that_are_none(choices, message):
    with pytest.raises(InputError) as error:
        AuditSettings(**choices)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"pool": (21, 500)},
            "pool 21,500 is larger than the 20 eligible candidates; give smaller sizes, or full.",
        ),
        ({"k": (1, 21)}, "k 21 is larger than the largest pool, 20; give smaller ranks."),
        ({"k": (6,), "pool": (5, 2)}, "k 6 is larger than the largest pool, 5; give smaller ranks."),
    ],
)
def test_pools_and_ranks_that_the_gallery_cannot_bear(choices, message):
    with pytest.raises(InputError) as error:
        result(*np.random.default_rng(0).normal(size=(2, 20, 3)), **choices)
    assert str(error.value) == message


def test_vectors_of_different_width_must_be_aligned_first():
    with pytest.raises(InputError) as error:
        measure(np.ones((3, 4)), np.ones((3, 5)), sources=("images.npy", "reports.npy"))
    assert str(error.value) == (
        "images.npy has 4 dimensions and reports.npy has 5, so they share no space; train heads on them "
        "first (`relinkage align`) and put those on with heads=HEADS."
    )


def test_what_is_wrong_with_an_array_is_said_by_its_name():
    bad = np.ones((4, 2))
    bad[2, 1] = np.nan
    with pytest.raises(
        InputError, match=r"^reports\.npy holds NaN or infinity in 1 of 4 rows, the first is row 2"
    ):
        measure(np.ones((4, 2)), bad, sources=("images.npy", "reports.npy"))
    with pytest.raises(InputError, match=r"^images holds 1 vectors of length zero, the first is row 2"):
        measure(
            np.nan_to_num(np.where(np.isnan(bad) | (np.arange(4) == 2)[:, None], 0, bad)), np.ones((4, 2))
        )


@pytest.mark.parametrize("distractors", ["all", "other-patients"])
def test_one_candidate_is_no_gallery(distractors):
    rng = np.random.default_rng(0)
    size = 1 if distractors == "all" else 6
    links = links_of([str(row) for row in range(size)], ["p"] * size)
    with pytest.raises(InputError) as error:
        result(*rng.normal(size=(2, size, 3)), links, distractors=distractors)
    assert str(error.value).startswith(
        "Every query image-to-report has one eligible candidate, its mate; an audit needs at least two."
    )
