"""What is true of an image by its labels, by policy, and which labels are kept."""

import numpy as np
import polars as pl
import pytest

from relinkage.usefulness.labels import count_patients, label_uses, read_truth

PAIRS = pl.DataFrame({"Edema": pl.Series([1, 0, -1, None], dtype=pl.Int8), "Rare": [None, None, None, 1.0]})


@pytest.mark.parametrize(
    ("uncertain", "absent", "edema", "rare"),
    [
        ("left-out", "negative", [1, 0, -1, 0], [0, 0, 0, 1]),
        ("positive", "negative", [1, 0, 1, 0], [0, 0, 0, 1]),
        ("negative", "left-out", [1, 0, 0, -1], [-1, -1, -1, 1]),
    ],
)
def test_uncertain_and_absent_labels_count_as_asked(uncertain, absent, edema, rare):
    truth = read_truth(PAIRS, ["Edema", "Rare"], uncertain, absent)
    assert truth.dtype == np.int8
    assert truth.T.tolist() == [edema, rare]


def test_a_column_without_a_value_is_absent_everywhere():
    truth = read_truth(pl.DataFrame({"Edema": [None, None]}), ["Edema"], "left-out", "left-out")
    assert truth.tolist() == [[-1], [-1]]


def test_patients_are_counted_and_not_images():
    truth = np.array([[1, 1, 0, 0, -1], [1, 0, 1, 0, 1]], np.int8).T
    positive, negative = count_patients(truth, np.array([0, 0, 1, 2, 3]))
    assert positive.tolist() == [1, 3]  # of the second label: patients 0, 1 and 3
    assert negative.tolist() == [2, 2]


def test_a_label_is_kept_where_all_four_numbers_suffice():
    fit, test = ([10, 10, 10], [50, 9, 50]), ([10, 20, 9], [50, 50, 50])
    uses = label_uses("abc", [np.array(n) for n in fit], [np.array(n) for n in test], 10)
    assert [use.kept for use in uses] == [True, False, False]
    assert (uses[1].label, uses[1].fit_negative, uses[1].test_positive) == ("b", 9, 20)
