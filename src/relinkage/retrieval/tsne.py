"""Maps by t-SNE (van der Maaten & Hinton, JMLR 2008), from a start that makes several of them comparable.

The start is the first two principal components, scaled to a deviation of 10⁻⁴ (Kobak & Berens, Nature
Communications 2019); those of a later map are turned and mirrored to lie on the first one's as well as they
can (orthogonal Procrustes: Schönemann, Psychometrika 1966), which changes no map but only how it is hung.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.progress import progress
from relinkage.retrieval.settings import MapSettings

Floats = NDArray[np.float64]

_START_DEVIATION = 1e-4
_EXAGGERATION = 12.0
_REPORT_EVERY = 25


def check_installed() -> None:
    """Check that openTSNE is there, before work that may take long.

    Raises:
        InputError: it is not.
    """
    _open_tsne()


def principal_start(points: Floats, like: Floats | None) -> Floats:
    """Give the first two principal components, scaled, and turned to lie like those of another map.

    Args:
        points: float64, shape (n, d).
        like: float64, shape (n, 2): the start of the first map; none for that one itself.

    Returns:
        float64, shape (n, 2).
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
    u, _, vt = np.linalg.svd(start.T @ like)
    return start @ (u @ vt)


def tsne(points: Floats, start: Floats, settings: MapSettings) -> tuple[Floats, float]:
    """Map points to the plane; the same points, start and settings give the same map.

    Args:
        points: float64 unit vectors, shape (n, d).
        start: float64, shape (n, 2).
        settings: perplexity and steps.

    Returns:
        float64, shape (n, 2), and the Kullback-Leibler divergence that is left.

    Raises:
        InputError: openTSNE is not installed.
    """
    library = _open_tsne()
    # One thread: the order in which several add up forces is not the same in every run.
    affinities = library.affinity.PerplexityBasedNN(
        points, perplexity=settings.perplexity, method="exact", metric="euclidean", n_jobs=1, random_state=0
    )
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
    return np.asarray(made, np.float64), float(made.kl_divergence)


def _open_tsne() -> Any:
    try:
        import openTSNE
    except ImportError:
        raise InputError("Maps need openTSNE; run pip install 'relinkage[maps]'.") from None
    return openTSNE
