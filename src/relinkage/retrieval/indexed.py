"""Indexed search: an inverted file of faiss, and how much of the exact result it finds.

Candidates are put into as many lists as the square root of their number, by k-means; a query is compared with
those in the nearest eighth of the lists (Sivic & Zisserman, ICCV 2003; Jégou et al., TPAMI 2011). What is
found is scored and put in order as in the exact search.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.vectors import Vectors
from relinkage.retrieval.exact import Found, check_top, own, settled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LEAST_IN_LIST = 39
"""Candidates a list; k-means of faiss warns where there are fewer."""
_PROBED = 8


@dataclass(frozen=True, eq=False)
class FaissIndex:
    """An inverted file over the candidates of a search.

    Attributes:
        candidates: who is found.
        lists: how many lists they are in.
        probed: how many of them a query looks into.
        version: of faiss.
    """

    candidates: Vectors
    lists: int
    probed: int
    version: str
    _index: Any

    @classmethod
    def build(cls, candidates: Vectors, seed: int) -> "FaissIndex":
        """Sort candidates into lists.

        Args:
            candidates: who is found.
            seed: of k-means.

        Raises:
            InputError: faiss is not installed.
        """
        faiss = _faiss()
        count, width = len(candidates), candidates.dimension
        lists = max(1, min(round(count**0.5), count // _LEAST_IN_LIST))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = seed % 2**31
        vectors = _unit32(candidates)
        index.train(vectors)
        index.add(vectors)
        return cls(candidates, lists, -(-lists // _PROBED), str(faiss.__version__), index)

    def nearest(self, queries: Vectors, top: int, query_group: Ints, candidate_group: Ints) -> Found:
        """Find candidates that are near each query; the nearest may lie in a list that is not looked into.

        Args:
            queries: who asks.
            top: how many to find.
            query_group: as for the exact search.
            candidate_group: as for the exact search.

        Returns:
            What was found, among what was looked into.

        Raises:
            InputError: a query has fewer candidates than `top`.
        """
        check_top(top, query_group, candidate_group)
        largest = int(np.unique(candidate_group, return_counts=True)[1].max())
        wanted = min(2 * top + largest * bool((query_group >= 0).any()), len(self.candidates))
        place, score = np.empty((len(queries), top), np.int64), np.empty((len(queries), top))
        for query in range(len(queries)):
            group = query_group[query : query + 1]
            near = self._near(queries.take(np.array([query])), wanted, top, group, candidate_group)
            place[query], score[query] = settled(queries, query, self.candidates, near, top)
        return Found(place, score)

    def _near(self, query: Vectors, wanted: int, top: int, group: Ints, candidate_group: Ints) -> Ints:
        """Look into more and more lists until enough is found, ascending."""
        faiss, probed = _faiss(), self.probed
        while True:
            _, found = self._index.search(
                _unit32(query), wanted, params=faiss.SearchParametersIVF(nprobe=probed)
            )
            near = np.sort(found[0][found[0] >= 0]).astype(np.int64)
            near = near[~own(group, candidate_group[near])[0]]
            if len(near) >= top or probed >= self.lists:
                return near
            probed *= 2


def check_installed() -> None:
    """Check that faiss is there, before any work.

    Raises:
        InputError: it is not.
    """
    _faiss()


def recall(found: Found, exact: Found) -> Floats:
    """Give the share of each query's results that are as near as the last of the exact ones, or tie with it.

    Args:
        found: what the index found.
        exact: what the exact search found for the same queries.

    Returns:
        float64, shape (queries,).
    """
    least = exact.score.min(axis=1, keepdims=True) - TIE
    return (found.score >= least).mean(axis=1)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise InputError(
            "An indexed search needs faiss; run pip install 'relinkage[index]', or leave --index out for the "
            "exact search."
        ) from None
    return faiss


def _unit32(vectors: Vectors) -> NDArray[np.float32]:
    return np.ascontiguousarray(vectors.given * vectors.inverse_norm[:, None], np.float32)
