"""What a blank means: laws that hold between the readings, for any table of pairs."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import assume, given
from hypothesis import strategies as st

from relinkage.linkage import AuditSettings, Links
from relinkage.linkage.strata import levels

COLUMNS = ("view", "sex", "age")
READINGS = ("wildcard", "own", "exclude")


@st.composite
def tables(draw, blanks=True):
    """Links of some images in few studies, and the columns that hard negatives share."""
    rows = draw(st.integers(1, 14))

    def column(values):
        values = st.sampled_from([*values, None] if blanks else values)
        return draw(st.lists(values, min_size=rows, max_size=rows))

    shared = draw(st.booleans())
    repeating = st.lists(st.integers(0, rows), min_size=rows, max_size=rows)
    study = sorted(draw(st.one_of(repeating, st.permutations(range(rows)))))
    pairs = pl.DataFrame(
        {
            "pair_id": [str(row) for row in range(rows)],
            **({"candidate": study} if shared else {"study_id": [str(number) for number in study]}),
            "Edema": column([1, 0]),
            "view": column(["PA", "LATERAL"]),
            "sex": column(["F", "M"]),
            "age": column(["40", "50"]),
        },
        schema_overrides={"Edema": pl.Int8} | dict.fromkeys(COLUMNS, pl.String),
    )
    named = draw(st.lists(st.sampled_from(["labels", *COLUMNS]), min_size=1, unique=True))
    links = Links.from_pairs(pairs, rows, rows + 1 if shared else rows, "pairs")
    return links, tuple(named), draw(st.booleans())


def meets(strata, queries, candidates):
    """Say who meets whom at each level: bool, shape (levels, queries, candidates)."""
    met = np.zeros((strata.levels, queries, candidates), int)
    for runs in strata.runs():
        rows = np.arange(queries) if runs.rows is None else runs.rows
        columns = np.arange(candidates) if runs.columns is None else runs.columns
        for level in range(runs.levels):
            for row, start, end in zip(rows, runs.starts[level], runs.ends[level], strict=True):
                met[level, row, columns[start:end]] += 1
    assert met.max(initial=0) <= 1  # no query meets a candidate twice
    return met.astype(bool)


def by_level(table, missing):
    """Who meets whom at each level, by a reading of blanks; and the links."""
    links, named, ladder = table
    wanted = AuditSettings(missing=missing, **({"ladder": True} if ladder else {"hard_negatives": named}))
    made = levels(links, wanted, ("Edema",))
    size = len(links), len(links.candidate_row)
    found = meets(made[-1].strata, *size)
    for place, level in enumerate(made):
        np.testing.assert_array_equal(meets(level.strata, *size)[-1], found[place])
    turned = meets(made[-1].strata.turned(links.mate), size[0], size[0])
    np.testing.assert_array_equal(turned, found[:, :, links.mate])  # a report asks as its images do
    some = np.arange(0, size[0], 2)
    np.testing.assert_array_equal(meets(made[-1].strata.of(some), len(some), size[1]), found[:, some])
    return found, links


@given(tables())
def test_blanks_as_wildcards_widen_strata_and_blanks_left_out_narrow_them(table):
    wide, links = by_level(table, "wildcard")
    own, _ = by_level(table, "own")
    narrow, _ = by_level(table, "exclude")
    narrow[:, np.arange(len(links)), links.mate] = False  # a query left out has its mate alone
    assert (own <= wide).all()
    assert (narrow <= own).all()


@given(tables(blanks=False))
def test_without_blanks_all_readings_are_one(table):
    links = table[0]
    described = np.isin(np.arange(len(links.candidate_row)), links.mate)
    wide, own, narrow = (by_level(table, missing)[0][:, :, described] for missing in READINGS)
    np.testing.assert_array_equal(wide, own)
    np.testing.assert_array_equal(own, narrow)


@given(tables())
def test_a_mate_is_always_met_and_finer_levels_lie_inside_coarser_ones(table):
    for missing in READINGS:
        met, links = by_level(table, missing)
        assert met[:, np.arange(len(links)), links.mate].all()
        assert (met[1:] <= met[:-1]).all()


@given(tables())
def test_a_study_of_one_image_meets_what_has_the_values_that_it_has(table):
    links, named, ladder = table
    assume(not ladder and len(links) == len(set(links.mate.tolist())))
    (met,), _ = by_level(table, "wildcard")
    rows = links.pairs.rename({"Edema": "labels"}).to_dicts()
    for query, mine in enumerate(rows):
        for other, theirs in enumerate(rows):
            fits = all(mine[c] == theirs[c] or (c != "labels" and mine[c] is None) for c in named)
            assert met[query, links.mate[other]] == fits


@given(tables())
def test_a_blank_image_is_what_another_image_of_its_study_says(table):
    links, named, ladder = table
    filled = links.pairs.with_columns(
        pl.col(c).fill_null(pl.col(c).min().over(pl.Series(links.mate))) for c in COLUMNS
    )
    met, _ = by_level(table, "wildcard")
    same, _ = by_level((replace(links, pairs=filled), named, ladder), "wildcard")
    np.testing.assert_array_equal(met, same)


@given(tables())
def test_a_report_that_no_image_points_to_is_met_where_nothing_is_asked_of_it(table):
    links, named, ladder = table
    assume(not ladder)
    (met,), _ = by_level(table, "wildcard")
    (own,), _ = by_level(table, "own")
    has = defaultdict(set)
    for mate, row in zip(links.mate.tolist(), links.pairs.to_dicts(), strict=True):
        has[mate] |= {c for c in named if c == "labels" or row[c] is not None}
    nobodys = np.flatnonzero(~np.isin(np.arange(len(links.candidate_row)), links.mate))
    for unknown in nobodys:
        np.testing.assert_array_equal(met[:, unknown], [not has[mate] for mate in links.mate.tolist()])
    assert not own[:, nobodys].any()
