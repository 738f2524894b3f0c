"""What every test of the exact pass asks: are these the counts of float64, in both directions?"""

import numpy as np
import oracle

from relinkage.linkage.ranks import count_both, count_ranks
from relinkage.linkage.vectors import Vectors


def prepared(*arrays):
    return [Vectors.prepare(array, "vectors") for array in arrays]


def assert_exact(queries, candidates, mate, threads=1):
    """Both directions, from one pass and from two, against the whole matrix of float64 cosines."""
    scores = oracle.cosines(queries, candidates)
    forth = oracle.count(scores, mate)
    back = oracle.count(scores.T[mate], np.arange(len(queries)))
    a, b = prepared(queries, candidates)
    both = count_both(a, b, mate, threads=threads)
    alone = (
        count_ranks(a, b, mate, threads=threads),
        count_ranks(b.take(mate), a, np.arange(len(a)), threads=threads),
    )
    for got, expected in zip((*both, *alone), (forth, back, forth, back), strict=True):
        np.testing.assert_array_equal(got.eligible[0], expected.eligible)
        np.testing.assert_array_equal(got.above[0], expected.above)
        np.testing.assert_array_equal(got.ties[0], expected.ties)
    return forth
