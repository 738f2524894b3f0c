"""Which product this processor runs best, after it has shown that it counts rightly."""

from functools import cache

import numpy as np

from relinkage.linkage.engines.native import building, library
from relinkage.linkage.engines.native.engine import Native
from relinkage.linkage.engines.question import Mates, Question
from relinkage.linkage.vectors import Vectors

_BEST_FIRST = ("amx", "vnni", "avx2")


class UnavailableError(Exception):
    """The native engine cannot run here; the message is the reason in a few words."""


def best() -> Native:
    """Give the engine with the fastest product that runs here.

    Raises:
        UnavailableError: there is no compiled library, or the processor has none of the products.
    """
    kernel, reason = _kernel()
    if kernel is None:
        raise UnavailableError(reason)
    return Native(kernel)


@cache
def _kernel() -> tuple[str | None, str]:
    try:
        compiled = library.load()
    except building.BuildError as failure:
        return None, str(failure)
    for kernel in _BEST_FIRST:
        if compiled.supported(library.KERNELS.index(kernel)) and counts_rightly(Native(kernel)):
            return kernel, ""
    return None, "the processor has none of AVX2, AVX-512 VNNI and AMX"


def counts_rightly(engine: Native) -> bool:
    """Let an engine count a small block, and compare with float64: no product is trusted unseen."""
    random = np.random.default_rng(0)
    rows, columns = random.standard_normal((45, 70)), random.standard_normal((1070, 70)) + 0.3
    mate = random.integers(0, len(columns), len(rows))
    rows += columns[mate]
    given = rows.astype(np.float32), columns.astype(np.float32)  # as most vectors are
    a, b = Vectors.prepare(given[0], "rows"), Vectors.prepare(given[1], "columns")
    rows, columns = (side.astype(np.float64) for side in given)
    scores = (rows @ columns.T) * (a.inverse_norm[:, None] * b.inverse_norm)
    own = scores[np.arange(len(rows)), mate]
    asking = np.full(len(columns), -1)
    asking[mate] = np.arange(len(rows))
    column_own = np.where(asking >= 0, scores[asking, np.arange(len(columns))], np.inf)
    runs = np.array([[100] * len(rows)]), np.array([[900] * len(rows)])
    tally = engine.count(
        Question(
            a, b, Mates(mate, b.identity[mate], own), Mates(asking, a.identity[asking], column_own),
            *runs, (a.mean, b.mean),
        ),
        threads=1,
    )  # fmt: skip
    # Nothing ties in this block, so that plain float64 tells above from below.
    above, column_above = scores > own[:, None] + 1e-9, scores > column_own + 1e-9
    within = np.zeros(len(columns), np.bool_)
    within[100:900] = True
    depths = np.stack([~within, within])
    return (
        np.array_equal(tally.above, depths.astype(int) @ above.T)
        and np.array_equal(tally.column_above, depths * column_above.sum(axis=0))
        and not tally.ties.any()
        and not tally.column_ties.any()
    )
