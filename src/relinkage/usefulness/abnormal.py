"""Normal against abnormal across modalities: is an image nearer to abnormal reports than to normal ones?"""

import numpy as np
from numpy.typing import NDArray

from relinkage.cohorts.labels import abnormality
from relinkage.encoders import HeadPair
from relinkage.errors import InputError
from relinkage.usefulness.benchmark import DIRECTIONS, Benchmark
from relinkage.usefulness.labels import Truth
from relinkage.usefulness.retrieval import unit

Floats = NDArray[np.float64]


def tell_abnormal(benchmark: Benchmark, heads: HeadPair | None = None) -> dict[str, Floats]:
    """Tell normal from abnormal across modalities (`abnormality_scores`).

    Args:
        benchmark: what is measured on.
        heads: heads that fit the features; the encoder's own where not given.

    Returns:
        Per direction float64, shape (queries, 1): scores of the test images by the fit split's reports, and
        of the test studies' reports by the fit split's images.

    Raises:
        InputError: the heads do not fit, or the fit split has no normal or no abnormal pair.
    """
    fit, test = benchmark.fit, benchmark.test
    known = abnormality(fit.pairs, test.labels)
    if not {0.0, 1.0} <= set(known.tolist()):
        raise InputError(
            f"{test.path} has no normal or no abnormal pair in the split {benchmark.settings.fit}; name "
            "another with --fit."
        )
    fit_images, images, reports = benchmark.embed(heads)
    texts = fit.text_embeddings if heads is None else fit.project(heads)[1]
    assert texts is not None
    fit_reports = unit(texts[fit.pairs["report_row"].to_numpy()])
    there = abnormality_scores(unit(images), fit_reports, known)
    back = abnormality_scores(unit(reports), unit(fit_images), known)
    return dict(zip(DIRECTIONS, (there[:, None], back[:, None]), strict=True))


def abnormality_truths(benchmark: Benchmark) -> dict[str, Truth]:
    """Give what is true of the queries of each direction: int8, shape (queries, 1), -1 not known."""
    truth = abnormality(benchmark.test.pairs, benchmark.test.labels)
    coded = np.where(np.isnan(truth), -1, truth).astype(np.int8)[:, None]
    return dict(zip(DIRECTIONS, (coded, coded[benchmark.reports.row]), strict=True))


def abnormality_scores(queries: Floats, others: Floats, abnormal: NDArray[np.float32]) -> Floats:
    """Score queries by their cosine with the other side's mean abnormal vector, less the mean normal one.

    The means are taken over other patients than those who are scored, so that nobody helps with their own.

    Args:
        queries: float64 unit vectors, shape (queries, d), of one side.
        others: float64 unit vectors, shape (n, d), of the other side.
        abnormal: float32, shape (n,): 1 abnormal, 0 normal, NaN not known; both there.

    Returns:
        float64, shape (queries,).
    """
    means = np.stack([others[abnormal == value].mean(axis=0) for value in (1, 0)])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    scores: Floats = queries @ (means[0] - means[1])
    return scores
