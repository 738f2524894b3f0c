"""Libraries that measure retrieval, called as their documentation says."""

import numpy as np
from numpy.typing import NDArray

from bench.peers.answer import KS, Answer

Array = NDArray[np.float32]


def torchmetrics_recall(images: Array, reports: Array) -> Answer:
    """`RetrievalRecall(top_k=1)`: scores, targets and query numbers flat, one element a pair."""
    import torch
    from torchmetrics.retrieval import RetrievalRecall

    scores = torch.from_numpy(images) @ torch.from_numpy(reports).T
    count = len(scores)
    # Each query's own value is kept in place of their mean, so that it can be looked at.
    metric = RetrievalRecall(top_k=1, aggregation=lambda values, dim=None: values)
    query = torch.arange(count).repeat_interleave(count)
    metric.update(scores.flatten(), torch.eye(count, dtype=torch.bool).flatten(), query)
    return Answer(hits={1: metric.compute().numpy() > 0})


def faiss_top_k(images: Array, reports: Array) -> Answer:
    """`IndexFlatIP`: exact search for the first K by inner product."""
    return _among(_faiss_search(images, reports)[1])


def ranx_recall(images: Array, reports: Array) -> Answer:
    """ranx, `hit_rate@K` on what faiss finds: it measures lists, it does not score."""
    from ranx import Qrels, Run, evaluate

    scores, found = _faiss_search(images, reports)
    # Names of equal length, so that their order is that of the rows.
    names = [f"{row:09d}" for row in range(len(images))]
    mates = Qrels({name: {name: 1} for name in names})
    run = Run({name: {names[j]: float(s) for j, s in zip(found[i], scores[i], strict=True)}
               for i, name in enumerate(names)})  # fmt: skip
    hits = evaluate(mates, run, [f"hit_rate@{k}" for k in KS], return_mean=False)
    return Answer(hits={k: np.asarray(hits[f"hit_rate@{k}"]) > 0 for k in KS})


def _faiss_search(images: Array, reports: Array) -> tuple[Array, NDArray[np.int64]]:
    import faiss

    index = faiss.IndexFlatIP(reports.shape[1])
    index.add(reports)
    scores, found = index.search(images, min(max(KS), len(reports)))
    return scores, found


def _among(found: NDArray[np.int64]) -> Answer:
    own = found == np.arange(len(found))[:, None]
    return Answer(hits={k: own[:, :k].any(axis=1) for k in KS})
