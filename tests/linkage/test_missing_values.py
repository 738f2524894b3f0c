"""Blank values in hard negatives: what an attacker reaches who narrows where he can, and other readings."""

from itertools import product

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.strata import levels

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


def told(result):
    (note,) = [note for note in result.notes if note.startswith("sex+age")]
    return note


def test_a_query_without_a_value_searches_everything_unless_asked_otherwise(case):
    sides, pairs, blank = case
    columns = [pairs["sex"], pairs["age"]]
    row, result = audited(case, FULL)

    def fits(a, b):
        return all(c[a] is None or c[a] == c[b] for c in columns)

    assert result.settings.missing == "wildcard"
    assert row.recall == first(sides, fits, range(QUERIES))
    assert row.pool == QUERIES  # a query without any value searches everything
    assert f"{blank.sum()} of 120 queries" in told(result)


def test_blanks_in_one_column_leave_the_other_to_narrow_by(case):
    sides, pairs, _ = case
    pairs = pairs.with_columns(age=pl.Series([str(40 + row % 8) for row in range(QUERIES)]))
    row, _ = audited((sides, pairs, None), FULL)
    sex, age = pairs["sex"].to_list(), pairs["age"].to_list()
    by_hand = first(
        sides,
        lambda a, b: age[a] == age[b] and (sex[a] is None or sex[a] == sex[b]),
        range(QUERIES),
    )
    assert row.recall == by_hand
    assert row.pool < QUERIES / 4


def test_blanks_of_their_own_make_one_more_stratum_and_are_told(case):
    sides, pairs, blank = case
    values = list(zip(pairs["sex"], pairs["age"], strict=True))
    row, result = audited(case, replace(FULL, missing="own"))
    assert row.recall == first(sides, lambda a, b: values[a] == values[b], range(QUERIES))
    assert f"{blank.sum()} of 120 queries" in told(result)


def test_blanks_can_be_left_out(case):
    sides, pairs, blank = case
    values = list(zip(pairs["sex"], pairs["age"], strict=True))
    row, result = audited(case, replace(FULL, missing="exclude"))
    known = np.flatnonzero(~blank)
    assert row.recall == first(sides, lambda a, b: not blank[b] and values[a] == values[b], known)
    assert row.queries <= len(known)
    assert "left out" in told(result)


def test_an_attacker_who_knows_less_links_less(case):
    """A blank takes knowledge away, so it must not raise what the attacker reaches."""
    sides, pairs, _ = case
    sex = ["F" if row % 2 else "M" for row in range(QUERIES)]
    full = pairs.with_columns(
        sex=pl.Series(sex), age=pl.Series([str(40 + row % 8) for row in range(QUERIES)])
    )
    all_known, _ = audited((sides, full, None), FULL)
    blank = pl.Series([row % 3 == 0 for row in range(QUERIES)])
    fewer = full.with_columns(
        pl.when(blank).then(None).otherwise(pl.col(column)).alias(column) for column in ("sex", "age")
    )
    some_known, result = audited((sides, fewer, None), FULL)
    (everything,) = [row for row in result.closed_set if row.negatives == "all"]
    assert everything.recall < some_known.recall < all_known.recall


def test_a_label_that_is_not_mentioned_is_no_blank(case):
    sides, pairs, _ = case
    labelled = pairs.with_columns(Edema=pl.Series([1, None] * (QUERIES // 2)))
    links = Links.from_pairs(labelled, QUERIES, QUERIES, "pairs")
    result = measure(*sides, links, AuditSettings(hard_negatives=("labels",), replicates=100)).result
    assert not any("no value in a column" in note for note in result.notes)
    assert [row.pool for row in result.closed_set if row.negatives == "labels" and row.full] == [60, 60, 60]


def test_more_patterns_of_blanks_than_the_pass_bears_are_one_sentence():
    """Six columns, each blank or not in every combination."""
    blanks = list(product([None, "x"], repeat=6))
    columns = {f"c{place}": [row[place] for row in blanks] for place in range(6)}
    pairs = pl.DataFrame({"pair_id": [str(row) for row in range(len(blanks))], **columns})
    links = Links.from_pairs(pairs, len(blanks), len(blanks), "pairs")
    wanted = AuditSettings(hard_negatives=tuple(columns))
    with pytest.raises(
        InputError, match=r"^missing wildcard: studies lack 64 different sets .* exclude or own\.$"
    ):
        levels(links, wanted)
    assert len(levels(links, replace(wanted, missing="own"))) == 1
    assert len(levels(links, replace(wanted, hard_negatives=tuple(columns)[:5]))) == 1
