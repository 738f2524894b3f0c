"""Blank values in hard negatives: strata of their own link more than an attacker who searches all would."""

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace

from relinkage.linkage import AuditSettings, Links, measure

QUERIES, FULL = 120, AuditSettings(pool=("full",), k=(1,), replicates=100, hard_negatives=("sex", "age"))


@pytest.fixture
def case():
    """Give images and reports of 120 patients, and their sex and age, blank in a third of them."""
    rng = np.random.default_rng(4)
    truth = rng.normal(size=(QUERIES, 8))
    sides = [truth + 0.8 * rng.normal(size=truth.shape) for _ in range(2)]
    blank = rng.random(QUERIES) < 1 / 3
    columns = {
        "sex": [None if b else str(s) for b, s in zip(blank, rng.choice(["F", "M"], QUERIES), strict=True)],
        "age": [None if b else str(a) for b, a in zip(blank, rng.integers(40, 48, QUERIES), strict=True)],
    }
    pairs = pl.DataFrame({"pair_id": [str(row) for row in range(QUERIES)], **columns})
    return sides, pairs, blank


def first(sides, eligible, asked):
    """Give the share of queries whose mate has the highest cosine of all that is eligible, by hand."""
    images, reports = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    hits = []
    for row in asked:
        pool = [column for column in range(QUERIES) if eligible(row, column)]
        if len(pool) > 1:
            hits.append(max(pool, key=lambda column: float(images[row] @ reports[column])) == row)
    return np.mean(hits)


def audited(case, settings):
    sides, pairs, _ = case
    result = measure(*sides, Links.from_pairs(pairs, QUERIES, QUERIES, "pairs"), settings).result
    (row,) = [row for row in result.closed_set if row.negatives == "sex+age"]
    return row, result


def test_blanks_of_their_own_make_one_more_stratum_and_are_told(case):
    sides, pairs, blank = case
    values = list(zip(pairs["sex"], pairs["age"], strict=True))
    row, result = audited(case, FULL)
    assert row.recall == first(sides, lambda a, b: values[a] == values[b], range(QUERIES))
    (note,) = [note for note in result.notes if note.startswith("sex+age")]
    assert f"{blank.sum()} of 120 queries" in note


def test_blanks_can_be_left_out(case):
    sides, pairs, blank = case
    values = list(zip(pairs["sex"], pairs["age"], strict=True))
    row, result = audited(case, replace(FULL, missing="exclude"))
    known = np.flatnonzero(~blank)
    assert row.recall == first(sides, lambda a, b: not blank[b] and values[a] == values[b], known)
    assert row.queries <= len(known)
    (note,) = [note for note in result.notes if note.startswith("sex+age")]
    assert "left out" in note


def test_an_attacker_who_lacks_a_value_and_searches_all_links_less(case):
    sides, pairs, blank = case
    values = list(zip(pairs["sex"], pairs["age"], strict=True))
    wide = first(sides, lambda a, b: blank[a] or blank[b] or values[a] == values[b], np.flatnonzero(blank))
    narrow = first(sides, lambda a, b: values[a] == values[b], np.flatnonzero(blank))
    assert wide < narrow


def test_a_label_that_is_not_mentioned_is_no_blank(case):
    sides, pairs, _ = case
    labelled = pairs.with_columns(Edema=pl.Series([1, None] * (QUERIES // 2)))
    links = Links.from_pairs(labelled, QUERIES, QUERIES, "pairs")
    result = measure(*sides, links, AuditSettings(hard_negatives=("labels",), replicates=100)).result
    assert not any("no value in a column" in note for note in result.notes)
