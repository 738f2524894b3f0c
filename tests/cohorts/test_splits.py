"""A split keeps what belongs together on one side."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.cohorts import Cohort, with_split
from relinkage.errors import InputError


def cohort(patients, **columns):
    rows = range(len(patients))
    table = pl.DataFrame(
        {
            "pair_id": [f"pair-{row}" for row in rows],
            "study_id": [f"study-{row}" for row in rows],
            "patient_id": [str(patient) for patient in patients],
            "image": [f"{row}.png" for row in rows],
            "report": ["text" for _ in rows],
            **columns,
        }
    )
    return Cohort.from_table(table, Path(), "mine")


def sides(made, by="patient_id"):
    """Which values stand on which side."""
    return {
        name: set(part[by].to_list())
        for (name,), part in made.pairs.partition_by("split", as_dict=True, include_key=True).items()
    }


@given(
    st.lists(st.integers(0, 30), min_size=2, max_size=60).filter(lambda patients: len(set(patients)) > 1),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
)
def test_no_patient_crosses_and_both_sides_have_some(patients, share, seed):
    made = with_split(cohort(patients), train=share, seed=seed)
    parts = sides(made)
    assert parts.keys() == {"train", "test"}
    assert not parts["train"] & parts["test"]
    assert made.notes == ()
    assert made.pairs["pair_id"].to_list() == [f"pair-{row}" for row in range(len(patients))]


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_the_share_is_that_of_groups(share):
    train = len(sides(with_split(cohort(range(4000)), train=share))["train"]) / 4000
    assert abs(train - share) < 4 * (share * (1 - share) / 4000) ** 0.5


@pytest.mark.parametrize("left_out", [0, 137, 399])
def test_a_patient_who_comes_or_goes_moves_no_other(left_out):
    whole = with_split(cohort(range(400)), seed=2).pairs
    rest = [patient for patient in range(400) if patient != left_out]
    without = with_split(cohort(rest), seed=2).pairs
    kept = whole.filter(pl.col("patient_id") != str(left_out))
    assert kept["split"].to_list() == without["split"].to_list()


def test_one_seed_one_split():
    plain = cohort(range(40))
    splits = [with_split(plain, seed=seed).pairs["split"].to_list() for seed in (3, 3, 4)]
    assert splits[0] == splits[1] != splits[2]


def test_the_order_of_rows_within_patients_does_not_matter():
    made = with_split(cohort([1, 1, 2, 2, 3, 3, 4, 4]))
    turned = with_split(cohort([1, 2, 3, 4, 1, 2, 3, 4]))
    assert sides(made) == sides(turned)


@pytest.mark.parametrize("by", ["site", "age", "Edema"])
def test_a_coarser_group_stays_together_and_absent_values_are_one_group(by):
    values = {"site": ["a", "a", None, None, "b", "b"], "age": [4, 4, None, None, 5, 5]}
    values["Edema"] = [1, 1, None, None, 0, 0]
    made = with_split(cohort(range(6), **{by: values[by]}), by=by, train=0.5)
    parts = sides(made, by)
    assert not parts["train"] & parts["test"]
    assert parts["train"] | parts["test"] == set(values[by])


def test_a_split_that_is_there_is_replaced():
    made = with_split(cohort(range(10), split=["validation"] * 10))
    assert set(made.pairs["split"]) == {"train", "test"}


def test_everything_else_stays():
    plain = cohort(range(4), age=[1, 2, None, 4], Edema=[1, 0, None, -1], note=["", "x", None, "y"])
    made = with_split(plain)
    assert made.pairs.drop("split").equals(plain.pairs)
    assert (made.labels, made.root, made.name) == (plain.labels, plain.root, plain.name)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"by": "ward"}, "The pairs have no column ward to split by; name one of their columns."),
        ({"train": 0}, "The training share is 0; give a number above 0 and below 1."),
        ({"train": 1.0}, "The training share is 1.0; give a number above 0 and below 1."),
        ({"train": float("nan")}, "The training share is nan; give a number above 0 and below 1."),
        ({"by": "site"}, "The pairs have one value of site; a split needs at least two."),
    ],
)
def test_what_cannot_be_split(choices, message):
    with pytest.raises(InputError) as error:
        with_split(cohort(range(4), site=["here"] * 4), **choices)
    assert str(error.value) == message
