"""What every test of the exact pass asks: are these the counts of float64, both ways, in any engine?"""

from functools import cache

import numpy as np
import oracle

from relinkage.linkage.engines import Portable
from relinkage.linkage.engines.native import Native, building, library
from relinkage.linkage.ranks import count_both, count_ranks
from relinkage.linkage.runs import Between, PatternedStrata, Strata
from relinkage.linkage.vectors import Vectors

EMULATED_PRODUCTS = 20_000_000
"""Multiplications up to which a block also goes through the emulated kernels, which are slow."""


def prepared(*arrays):
    return [Vectors.prepare(array, "vectors") for array in arrays]


@cache
def _compiled():
    """The native engine with every kernel that runs here, and with every kernel emulated."""
    try:
        here, emulated = library.load(), library.load(emulated=True)
    except building.BuildError:
        return {}, {}
    kernels = {kernel: number for number, kernel in enumerate(library.KERNELS)}
    native = {kernel: Native(kernel) for kernel, number in kernels.items() if here.supported(number)}
    assert all(emulated.supported(number) for number in kernels.values())
    return native, {f"{kernel}, emulated": Native(kernel, emulated=True) for kernel in kernels}


def engines(queries, candidates):
    """Every engine that can count this block here, by name."""
    native, emulated = _compiled()
    small = len(queries) * candidates.size <= EMULATED_PRODUCTS
    portable = {"portable": Portable(bfloat=False), "portable, bfloat16": Portable(bfloat=True)}
    return {**portable, **native, **(emulated if small else {})}


def fitting(values, blanks, mate):
    """Strata in which a query without a value meets all, and who meets whom, by a loop over all pairs.

    Args:
        values: int64, shape (columns, m): a number per value of each candidate; a query has its mate's.
        blanks: bool, shape (columns, m).
        mate: int64, shape (q,).

    Returns:
        The strata, a level for each further column; and who meets whom at each level, that of all candidates
        included, when queries ask: bool, shape (levels, q, m), and when their mates ask: (levels, q, q).
    """
    columns, m = values.shape
    pattern = (blanks * 2 ** np.arange(columns)[:, None]).sum(0)
    between = {}
    for asks in np.unique(pattern[mate]):
        for asked in np.unique(pattern):
            told = [not (asks | asked) >> column & 1 for column in range(columns)]
            seen = np.where(np.array(told)[:, None], values, 0)
            numbers = np.stack(
                [
                    np.unique(seen[: level + 1], axis=1, return_inverse=True)[1].ravel()
                    for level in range(columns)
                ]
            )
            asking = mate[pattern[mate] == asks]
            met = [  # the further column counts only if no earlier one is lacked by the asked alone
                next((level for level in range(columns) if asked_lack >> level & 1), columns)
                for asked_lack in (asked & ~asks, asks & ~asked)
            ]
            strata = Strata(numbers[:, asking], numbers[:, pattern == asked])
            between[asks, asked] = Between(strata, *met)
    meets = np.ones((columns + 1, m, m), bool)
    for level in range(columns):
        for own in range(m):
            for other in range(m):
                alike = not blanks[level, other] and values[level, own] == values[level, other]
                meets[level + 1 :, own, other] &= blanks[level, own] or alike
    forth = meets[:, mate]
    return PatternedStrata(pattern[mate], pattern, between), forth, forth[:, :, mate].copy()


def assert_counts(counts, expected, name, level=0):
    for what in ("eligible", "above", "ties"):
        got, true = getattr(counts, what)[level], getattr(expected, what)
        np.testing.assert_array_equal(got, true, err_msg=f"{what} of {name}")


def assert_exact(queries, candidates, mate, threads=1):
    """Both directions, from one pass and from two, against the whole matrix of float64 cosines."""
    scores = oracle.cosines(queries, candidates)
    forth = oracle.count(scores, mate)
    back = oracle.count(scores.T[mate], np.arange(len(queries)))
    a, b = prepared(queries, candidates)
    for name, engine in engines(queries, candidates).items():
        options = {"engine": engine, "threads": threads}
        both = count_both(a, b, mate, **options)
        alone = (
            count_ranks(a, b, mate, **options),
            count_ranks(b.take(mate), a, np.arange(len(a)), **options),
        )
        for got, expected in zip((*both, *alone), (forth, back, forth, back), strict=True):
            assert_counts(got, expected, name)
    return forth
