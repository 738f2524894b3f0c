"""What a blank means: laws that hold between the readings, for any table of pairs."""

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
        for level in range(strata.levels):
            for row, start, end in zip(rows, runs.starts[level], runs.ends[level], strict=True):
                met[level, row, columns[start:end]] += 1
    assert met.max(initial=0) <= 1  # no query meets a candidate twice
    return met.astype(bool)


def by_level(table, missing):
    """Who meets whom at each level, by a reading of blanks."""
    links, named, ladder = table
    wanted = AuditSettings(missing=missing, **({"ladder": True} if ladder else {"hard_negatives": named}))
    made = levels(links, wanted, ("Edema",))
    size = len(links), len(links.candidate_row)
    found = meets(made[-1].strata, *size)
    for place, level in enumerate(made):
        np.testing.assert_array_equal(meets(level.strata, *size)[-1], found[place])
    np.testing.assert_array_equal(
        meets(made[-1].strata.turned(links.mate), size[0], size[0]),
        found[:, :, links.mate].transpose(0, 2, 1),
    )
    return found, links


@given(tables())
def test_blanks_that_fit_everything_widen_strata_and_blanks_left_out_narrow_them(table):
    wide, links = by_level(table, "wildcard")
    own, _ = by_level(table, "own")
    narrow, _ = by_level(table, "exclude")
    itself = np.arange(len(links))
    assert (own <= wide).all()
    narrow[:, itself, links.mate] = False  # a query left out still has its mate, and nobody else
    assert (narrow <= own).all()


@given(tables(blanks=False))
def test_without_blanks_all_readings_are_one(table):
    links = table[0]
    described = np.isin(np.arange(len(links.candidate_row)), links.mate)
    wide, own, narrow = (
        by_level(table, missing)[0][:, :, described] for missing in ("wildcard", "own", "exclude")
    )
    np.testing.assert_array_equal(wide, own)
    np.testing.assert_array_equal(own, narrow)


@given(tables())
def test_a_mate_always_fits_and_finer_levels_lie_inside_coarser_ones(table):
    for missing in READINGS:
        met, links = by_level(table, missing)
        assert met[:, np.arange(len(links)), links.mate].all()
        assert (met[1:] <= met[:-1]).all()


@given(tables())
def test_studies_of_one_image_fit_where_no_column_contradicts(table):
    links, named, ladder = table
    assume(not ladder and len(links) == len(set(links.mate.tolist())))
    (met,), _ = by_level(table, "wildcard")
    rows = links.pairs.rename({"Edema": "labels"}).to_dicts()
    for query, mine in enumerate(rows):
        for other, theirs in enumerate(rows):
            fits = all(
                mine[c] == theirs[c] or (c != "labels" and None in (mine[c], theirs[c])) for c in named
            )
            assert met[query, links.mate[other]] == fits


@given(tables())
def test_a_report_that_no_image_points_to_fits_all_unless_labels_are_named(table):
    links, named, ladder = table
    met, _ = by_level(table, "wildcard")
    own, _ = by_level(table, "own")
    nobodys = ~np.isin(np.arange(len(links.candidate_row)), links.mate)
    assert (met[:, :, nobodys] == (not ladder and "labels" not in named)).all()
    assert not own[:, :, nobodys].any()
