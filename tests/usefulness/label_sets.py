"""Cases of label sets, and how alike two sets are, by definition."""

import numpy as np

from relinkage.usefulness.relevance import Cases, positive_sets


def cases(labels, own):
    """Make cases of truths (rows, labels); each is its own patient."""
    rows = np.arange(len(labels))
    return Cases(rows, rows, np.asarray(own, np.int64), positive_sets(np.asarray(labels, np.int8)))


def jaccard(left, right):
    left, right = set(np.flatnonzero(left == 1)), set(np.flatnonzero(right == 1))
    return len(left & right) / len(left | right) if left | right else 0.0
