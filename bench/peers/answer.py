"""What a way of measuring says about each query, and how far that is from the truth."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.peers.truth import Truth

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

KS = (1, 10)
"""The ranks K of Recall@K that are compared."""


@dataclass(frozen=True)
class Answer:
    """What is said of each image's report; full ranks, or hits among the first K.

    Attributes:
        rank: int64, shape (q,): reports placed before the mate; none where only hits are told.
        ties: int64, shape (q,): reports that tie with the mate; none where ties are not counted.
        hits: by K, bool, shape (q,): whether the mate is among the first K; only without ranks.
    """

    rank: Ints | None = None
    ties: Ints | None = None
    hits: dict[int, Bools] = field(default_factory=dict)

    def wrong(self, truth: Truth) -> int:
        """Count the queries of which something is said that no order of tied reports makes true."""
        below = truth.above + truth.ties  # reports before the mate where all ties fall that way
        if self.rank is not None:
            last = below if self.ties is None else truth.above
            wrong = (self.rank < truth.above) | (self.rank > last)
            if self.ties is not None:
                wrong |= self.ties != truth.ties
            return int(wrong.sum())
        wrong = np.zeros(len(below), np.bool_)
        for k, hit in self.hits.items():
            wrong |= np.where(hit, truth.above >= k, below < k)
        return int(wrong.sum())

    def recall_at_1(self) -> float:
        """Give the Recall@1 that is said; where ties are counted, its mean over their orders."""
        if self.rank is None:
            return float(self.hits[1].mean())
        if self.ties is None:
            return float((self.rank == 0).mean())
        return float(np.where(self.rank == 0, 1 / (self.ties + 1), 0).mean())

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Give all of it under names, to be kept in a file."""
        named = {"rank": self.rank, "ties": self.ties}
        named |= {f"hits at {k}": hit for k, hit in self.hits.items()}
        return {name: value for name, value in named.items() if value is not None}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[np.generic]]) -> "Answer":
        """Undo `arrays`."""
        hits = {k: arrays[f"hits at {k}"] for k in KS if f"hits at {k}" in arrays}
        return cls(arrays.get("rank"), arrays.get("ties"), hits)
