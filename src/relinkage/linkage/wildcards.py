"""Blanks as wildcards: an attacker narrows by the columns in which the query has a value, and by no other.

A query with a value meets the candidates that have this value. A candidate without one is not among them: a
report has what its study has, so it is the mate of no query with a value, and to search it too would make the
attacker weaker than he is. A query without a value meets all candidates, whatever they have.

So strata overlap (blank meets F and M). Between queries that have values in the same columns and candidates
that have values in the same columns they do not: either the candidates have all columns of the queries, and
then they meet who agree in these, or they do not, and then none meet.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.linkage.links import Links
from relinkage.linkage.runs import AnyStrata, Between, PatternedStrata, Strata

Ints = NDArray[np.int64]
Codes = Mapping[str, Ints]

MOST_PATTERNS = 32
"""Sets of columns that some study lacks, at most: the pass is cut into the square of that many parts."""


def filled(values: Ints, links: Links) -> Ints:
    """Fill the blanks of a column from other images of the same study, where they differ by the smallest.

    So a study lacks a value where all of its images do, and the attacker has what any of them tells.

    Args:
        values: int64, shape (q,): a number from 1 on for each value, 0 for a blank.
        links: which images have one report.
    """
    none = np.iinfo(np.int64).max
    least = np.full(len(links.candidate_row), none)
    told = values > 0
    np.minimum.at(least, links.mate[told], values[told])
    of_study = np.where(least == none, 0, least)[links.mate]
    return np.where(told, values, of_study)


def strata_that_fit(
    codes: Codes,
    labels: Sequence[str],
    links: Links,
    levels: Sequence[Sequence[str]],
    number: Callable[[Codes], Ints],
) -> AnyStrata:
    """Make strata in which a query without a value in a column meets all values; labels have no blanks.

    A report that no image points to has a blank in every column. Which labels it has is not known either, so
    where labels are named no query meets it.

    Args:
        codes: by column, the numbers of its values as `filled` gives them.
        labels: the columns among them in which nothing is a blank.
        links: who belongs to whom.
        levels: the columns of each level, coarse to fine; each has those of the one before.
        number: gives the nested strata of the candidates, int64, shape (levels, m), by some codes; a column
            that should not matter is all zeros.

    Raises:
        InputError: the studies lack more different sets of columns than the pass can be cut into.
    """
    columns = [column for column in codes if column not in labels]
    has = np.zeros((len(links.candidate_row), len(columns)), np.bool_)
    for place, column in enumerate(columns):
        has[links.mate, place] = codes[column] > 0
    patterns, pattern = np.unique(has, axis=0, return_inverse=True)
    pattern = pattern.ravel()
    if len(patterns) > MOST_PATTERNS:
        raise InputError(
            f"--missing wildcard: studies lack {len(patterns)} different sets of the columns of the hard "
            f"negatives, more than {MOST_PATTERNS}; name fewer columns, or give --missing exclude or own."
        )

    def columns_of(those: NDArray[np.bool_]) -> list[str]:
        return [column for column, one in zip(columns, those, strict=True) if one]

    asking = [int(each) for each in np.unique(pattern[links.mate])]
    made: dict[bytes, Ints] = {}
    between = {}
    for asks in asking:
        of_query = links.mate[pattern[links.mate] == asks]
        for asked in range(len(patterns)):
            both = patterns[asks] & patterns[asked]
            if both.tobytes() not in made:
                made[both.tobytes()] = _among(codes, dict(zip(columns, both, strict=True)), number)
            numbers = made[both.tobytes()]
            strata = Strata(numbers[:, of_query], numbers[:, pattern == asked])
            met = [
                sum(not {*columns_of(lacking)} & {*level} for level in levels)
                for lacking in (patterns[asks] & ~patterns[asked], patterns[asked] & ~patterns[asks])
            ]
            between[asks, asked] = Between(strata, *met)
    if len(between) == 1:
        return between[asking[0], 0].strata
    return PatternedStrata(pattern[links.mate], pattern, between)


def _among(codes: Codes, known: Mapping[str, bool], number: Callable[[Codes], Ints]) -> Ints:
    """Number the candidates by the columns that are known on both sides."""
    return number(
        {
            column: values if known.get(column, True) else np.zeros_like(values)
            for column, values in codes.items()
        }
    )
