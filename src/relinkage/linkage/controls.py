"""Attackers who know nothing: where they do not sit on chance, the audit is not to be believed.

- scrambled mates: real scores, but each query is asked about a candidate drawn at random. It goes through
  the same pass as the audit and would show counts that favour anyone.
- random scorer: ranks drawn at random. It goes through the same measures and would show wrong chance lines
  or intervals.
- stratum scorer: knows who fits whom by the columns of the hard negatives and nothing else, and goes through
  the same pass. Inside strata it would show strata that mix what they should keep apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from relinkage.embeddings.stored import Chosen
from relinkage.linkage.links import Links
from relinkage.linkage.ranks import Counts, Pairs, count_ranks
from relinkage.linkage.rows import Duplicates
from relinkage.linkage.runs import AnyStrata, Strata
from relinkage.linkage.strata import Level
from relinkage.linkage.table import ALL, LinkageTable, Standing
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import Way

Ints = NDArray[np.int64]

SCRAMBLED: Literal["scrambled mates"] = "scrambled mates"
RANDOM: Literal["random scorer"] = "random scorer"
STRATUM: Literal["stratum scorer"] = "stratum scorer"
_SAMPLE = 512
"""Queries that controls with a pass of their own look at: enough to see an error, and cheap."""


def scrambled_mates(way: Way, seed: int) -> LinkageTable:
    """Ask a sample of queries about candidates drawn at random from those eligible.

    Args:
        way: the direction.
        seed: of the sample and the draw.
    """
    random = np.random.default_rng([seed, 1])
    chosen = _sample(len(way.queries), random)
    barred = _inside(way.left_out, chosen, len(way.queries))
    mate = _draw(len(chosen), len(way.candidates), barred, random)
    asked = way.queries.take(chosen).read()
    counts = count_ranks(asked, way.candidates, mate, left_out=barred, engine=way.engine)
    return _table(way.table, chosen, counts, {ALL: 0})


def stratum_scorer(way: Way, level: Level, seed: int) -> LinkageTable:
    """Score a sample of queries by what fits their stratum alone: inside strata that is to know nothing.

    Args:
        way: the direction.
        level: the strata.
        seed: of the sample and of the strata's directions.
    """
    chosen = _sample(len(way.queries), np.random.default_rng([seed, 4]))
    strata = way.strata.up_to(level.strata.levels).of(chosen)
    counts = Counts.zeros(np.empty(len(chosen)), strata.levels)
    for scorer in _knowing_only(strata, seed):
        rows = chosen[scorer.rows]
        # Candidates have few different vectors: where there are many candidates, they are not laid out in
        # memory.
        of_candidate = scorer.of_candidate
        candidates = (
            Chosen(scorer.table, of_candidate) if way.candidates.stored else scorer.table[of_candidate]
        )
        found = count_ranks(
            Vectors.prepare(scorer.queries, level.name),
            Vectors.prepare(candidates, level.name),
            way.mate[rows],
            strata=strata.of(scorer.rows),
            left_out=_inside(way.left_out, rows, len(way.queries)),
            apart=_inside(way.apart, rows, len(way.queries)),
            engine=way.engine,
        )
        counts.mate_score[scorer.rows] = found.mate_score
        for name in ("eligible", "above", "ties"):
            getattr(counts, name)[:, scorer.rows] = getattr(found, name)
    return _table(way.table, chosen, counts, {ALL: 0, level.name: strata.levels})


@dataclass(frozen=True)
class _Knowing:
    """Vectors of a scorer that knows who fits whom, for queries of one pattern.

    Attributes:
        rows: int64, shape (r,): the queries.
        queries: float64, shape (r, width).
        table: float64, shape (n, width): the vectors that candidates have.
        of_candidate: int64, shape (m,): which of them each candidate has.
    """

    rows: Ints
    queries: NDArray[np.float64]
    table: NDArray[np.float64]
    of_candidate: Ints


def _knowing_only(strata: AnyStrata, seed: int, width: int = 8) -> Iterator[_Knowing]:
    """Give vectors in which all candidates that fit a query at the finest level have the same cosine with it.

    Every stratum among candidates of one pattern has a random direction of its own. A query has, side by
    side, that of its stratum for each pattern; a candidate has that of its own pattern, and zeros beside it.
    """
    random = np.random.default_rng([seed, 3])
    if isinstance(strata, Strata):
        asks, asked = (
            np.zeros(numbers.shape[1], np.int64) for numbers in (strata.queries, strata.candidates)
        )
    else:
        asks, asked = strata.query, strata.candidate
    between = dict(strata.parts())
    patterns = np.unique(asked)
    for pattern in np.unique(asks):
        rows = np.flatnonzero(asks == pattern)
        queries, tables = [], []
        of_candidate = np.empty(len(asked), np.int64)
        before = 0
        for place, other in enumerate(patterns):
            part = between[int(pattern), int(other)]
            asking, numbers = part.queries[-1], part.candidates[-1]
            number = int(max(asking.max(), numbers.max())) + 2  # the last for those in no stratum
            direction = random.standard_normal((number, width))
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            beside = np.zeros((number, width * len(patterns)))
            beside[:, place * width : (place + 1) * width] = direction
            queries.append(direction[asking])
            tables.append(beside)
            of_candidate[asked == other] = before + numbers % number
            before += number
        yield _Knowing(rows, np.hstack(queries), np.concatenate(tables), of_candidate)


def random_scorer(table: LinkageTable, seed: int) -> LinkageTable:
    """Give every query a rank drawn evenly from those it could have."""
    random = np.random.default_rng([seed, 2])
    eligible = table.standings[ALL].eligible
    above = random.integers(0, eligible)
    standing = Standing(eligible, above, np.zeros_like(above))
    return LinkageTable(table.direction, table.pair_id, table.patient, table.mate_score, {ALL: standing})


def recall_ceiling(links: Links, text: Ints) -> Duplicates:
    """Say how far identical reports cap study-level Recall@1 over all candidates (THEORY 2).

    An attacker who finds the right text still has to guess among the studies that share it: the ceiling is
    the mean over queries of 1 / (candidates with the mate's text).
    """
    _, which, members = np.unique(text, return_inverse=True, return_counts=True)
    shared = members[which.ravel()][links.mate]
    return Duplicates(
        known=links.text is not None,
        texts=len(members),
        largest=int(members.max()),
        queries_sharing=float((shared > 1).mean()),
        recall_at_1_ceiling=float((1 / shared).mean()),
    )


def _sample(queries: int, random: np.random.Generator) -> Ints:
    return np.sort(random.permutation(queries)[:_SAMPLE])


def _inside(left_out: Pairs | None, chosen: Ints, queries: int) -> Pairs | None:
    """Keep the pairs of chosen queries, numbered as in the sample."""
    if left_out is None:
        return None
    where = np.full(queries, -1, np.int64)
    where[chosen] = np.arange(len(chosen))
    keep = where[left_out[0]] >= 0
    return where[left_out[0][keep]], left_out[1][keep]


def _table(whole: LinkageTable, chosen: Ints, counts: Counts, names: dict[str, int]) -> LinkageTable:
    standings = {
        name: Standing(counts.eligible[level], counts.above[level], counts.ties[level])
        for name, level in names.items()
    }
    return LinkageTable(
        whole.direction, whole.pair_id.gather(chosen), whole.patient[chosen], counts.mate_score, standings
    )


def _draw(queries: int, candidates: int, barred: Pairs | None, random: np.random.Generator) -> Ints:
    mate = random.integers(0, candidates, queries)
    if barred is None:
        return mate
    closed = set((barred[0] * candidates + barred[1]).tolist())
    for query in range(queries):
        while int(query * candidates + mate[query]) in closed:
            mate[query] = random.integers(0, candidates)
    return mate
