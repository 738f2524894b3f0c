"""Attackers who know nothing: where they do not sit on chance, the audit is not to be believed.

- scrambled mates: real scores, but each query is asked about a candidate drawn at random. It goes through
  the same pass as the audit and would show counts that favour anyone.
- random scorer: ranks drawn at random. It goes through the same measures and would show wrong chance lines
  or intervals.
"""

import numpy as np
from numpy.typing import NDArray

from relinkage.linkage.links import Links
from relinkage.linkage.ranks import Pairs, count_ranks
from relinkage.linkage.table import ALL, LinkageTable, Standing
from relinkage.linkage.vectors import Vectors

Ints = NDArray[np.int64]

SCRAMBLED, RANDOM = "scrambled mates", "random scorer"
_SAMPLE = 2048
"""Queries the scrambled control looks at: enough to see an error, few enough to cost a twentieth."""


def scrambled_mates(
    queries: Vectors, candidates: Vectors, table: LinkageTable, left_out: Pairs | None, seed: int
) -> LinkageTable:
    """Ask a sample of queries about candidates drawn at random from those eligible.

    Args:
        queries: all query vectors of the direction.
        candidates: all candidate vectors of the direction.
        table: the direction's linkage table.
        left_out: pairs (query, candidate) that are not eligible.
        seed: of the sample and the draw.
    """
    random = np.random.default_rng([seed, 1])
    chosen = np.sort(random.permutation(len(queries))[:_SAMPLE])
    where = np.full(len(queries), -1, np.int64)
    where[chosen] = np.arange(len(chosen))
    barred: Pairs | None = None
    if left_out is not None:
        inside = where[left_out[0]] >= 0
        barred = (where[left_out[0][inside]], left_out[1][inside])
    mate = _draw(len(chosen), len(candidates), barred, random)
    counts = count_ranks(queries.take(chosen), candidates, mate, left_out=barred)
    standing = Standing(counts.eligible[0], counts.above[0], counts.ties[0])
    return LinkageTable(
        table.direction,
        table.pair_id.gather(chosen),
        table.patient[chosen],
        counts.mate_score,
        {ALL: standing},
    )


def random_scorer(table: LinkageTable, seed: int) -> LinkageTable:
    """Give every query a rank drawn evenly from those it could have."""
    random = np.random.default_rng([seed, 2])
    eligible = table.standings[ALL].eligible
    above = random.integers(0, eligible)
    standing = Standing(eligible, above, np.zeros_like(above))
    return LinkageTable(table.direction, table.pair_id, table.patient, table.mate_score, {ALL: standing})


def recall_ceiling(links: Links, text: Ints) -> dict[str, float | int]:
    """Say how far identical reports cap study-level Recall@1 over all candidates (THEORY 2).

    An attacker who finds the right text still has to guess among the studies that share it: the ceiling is
    the mean over queries of 1 / (candidates with the mate's text).
    """
    _, which, members = np.unique(text, return_inverse=True, return_counts=True)
    shared = members[which.ravel()][links.mate]
    return {
        "texts": len(members),
        "largest": int(members.max()),
        "queries_sharing": float((shared > 1).mean()),
        "recall_at_1_ceiling": float((1 / shared).mean()),
    }


def _draw(queries: int, candidates: int, barred: Pairs | None, random: np.random.Generator) -> Ints:
    mate = random.integers(0, candidates, queries)
    if barred is None:
        return mate
    closed = set((barred[0] * candidates + barred[1]).tolist())
    for query in range(queries):
        while int(query * candidates + mate[query]) in closed:
            mate[query] = random.integers(0, candidates)
    return mate
