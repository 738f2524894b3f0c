"""Maps by t-SNE (van der Maaten & Hinton, JMLR 2008), from a start that makes several of them comparable.

The start is the first two principal components, scaled to a deviation of 10⁻⁴ (Kobak & Berens, Nature
Communications 2019); those of a later map are turned and mirrored to lie on the first one's as well as they
can (orthogonal Procrustes: Schönemann, Psychometrika 1966), which changes no map but only how it is hung.

Equal vectors are one point of a map. t-SNE looks at three times the perplexity of neighbours, and of template
reports, which all tie, it would take those that stand first in the table and tear the others apart.
"""

from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from relinkage.errors import InputError
from relinkage.progress import progress
from relinkage.retrieval.settings import MapSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_START_DEVIATION = 1e-4
_EXAGGERATION = 12.0
_REPORT_EVERY = 25
_BLOCK = 512


def check_installed() -> None:
    """Check that openTSNE is there, before work that may take long.

    Raises:
        InputError: it is not.
    """
    _open_tsne()


def distinct(points: Floats) -> tuple[Floats, Ints]:
    """Return the different points in an order that does not depend on that of the rows.

    Args:
        points: float64, shape (n, d).

    Returns:
        float64, shape (m, d), and int64, shape (n,): which of them each row is.
    """
    different, which = np.unique(points, axis=0, return_inverse=True)
    return different, which.ravel()


def principal_start(points: Floats, which: Ints, like: Floats | None) -> Floats:
    """Return the first two principal components, scaled, and turned to lie like those of another map.

    Args:
        points: float64, shape (m, d), each once.
        which: int64, shape (n,): which of the points each row is.
        like: float64, shape (n, 2): the start of the first map, row by row; none for that one itself.

    Returns:
        float64, shape (m, 2).
    """
    centred = points - points.mean(axis=0)
    left, size, right = np.linalg.svd(centred, full_matrices=False)
    start = left[:, :2] * size[:2]
    # A component's sign is arbitrary: the coordinate that weighs most in it is made positive.
    rows = right[:2]
    start *= np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])
    if start.shape[1] < 2:
        start = np.pad(start, ((0, 0), (0, 1)))
    start *= _START_DEVIATION / max(float(start[:, 0].std()), np.finfo(float).tiny)
    if like is None:
        return start
    here = start[which]
    # Rounded once, so that the order of rows moves no bit, which t-SNE would let grow.
    shared = [[fsum(here[:, i] * like[:, j]) for j in range(2)] for i in range(2)]
    u, _, vt = np.linalg.svd(np.array(shared))
    return start @ (u @ vt)


def tsne(points: Floats, start: Floats, settings: MapSettings) -> tuple[Floats, float]:
    """Map points to the plane; the same points, start and settings give the same map.

    Args:
        points: float64 unit vectors, shape (m, d), each once.
        start: float64, shape (m, 2).
        settings: perplexity and steps; the perplexity is lowered to what so few points have.

    Returns:
        float64, shape (m, 2), and the Kullback-Leibler divergence that is left.

    Raises:
        InputError: openTSNE is not installed.
    """
    library = _open_tsne()
    if len(points) == 1:
        return np.zeros((1, 2)), 0.0
    # One thread: the order in which several add up forces is not the same in every run.
    affinities = library.affinity.PerplexityBasedNN(
        points, perplexity=min(settings.perplexity, largest_perplexity(len(points))), method="exact",
        metric="euclidean", n_jobs=1, random_state=0,
    )  # fmt: skip
    total = settings.early + settings.steps
    with progress(total, "mapping", "steps") as bar:

        def seen(_step: int, _divergence: float, _points: Any) -> None:
            bar.update(min(_REPORT_EVERY, total - bar.n))

        made = library.TSNEEmbedding(
            start.copy(), affinities, negative_gradient_method="bh", n_jobs=1, random_state=0,
            callbacks=seen, callbacks_every_iters=_REPORT_EVERY,
        )  # fmt: skip
        made = made.optimize(settings.early, exaggeration=_EXAGGERATION, momentum=0.5)
        made = made.optimize(settings.steps, momentum=0.8)
    places = np.asarray(made, np.float64)
    return places, _divergence(affinities.P.tocoo(), places)


def largest_perplexity(points: int) -> float:
    """Return the largest perplexity of so many points, as t-SNE looks at three times as many neighbours."""
    return (points - 1) / 3


def _divergence(affinities: Any, places: Floats) -> float:
    """Return the divergence of a map from its affinities, a sparse matrix, over all pairs of points.

    The library's own is that of its approximate forces, and falls below 0 where they are far off.
    """
    total = 0.0
    for start in range(0, len(places), _BLOCK):
        total += float((1 / (1 + cdist(places[start : start + _BLOCK], places, "sqeuclidean"))).sum())
    total -= len(places)  # a point is not a neighbour of itself
    p, gaps = affinities.data, places[affinities.row] - places[affinities.col]
    held = p > 0
    log_q = -np.log1p(np.square(gaps).sum(axis=1)) - np.log(total)
    return max(float((p[held] * (np.log(p[held]) - log_q[held])).sum()), 0.0)


def _open_tsne() -> Any:
    try:
        import openTSNE
    except ImportError:
        raise InputError("Maps need openTSNE; run pip install 'relinkage[maps]'.") from None
    return openTSNE
