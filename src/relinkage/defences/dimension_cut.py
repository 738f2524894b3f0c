"""Fewer dimensions: what does not fit into them cannot tell patients apart."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from relinkage.defences.last_layer import put_behind
from relinkage.embeddings import Embeddings
from relinkage.encoders.heads import HeadPair


def principal_axes(embeddings: Embeddings, heads: HeadPair) -> NDArray[np.float64]:
    """Give the axes of the shared space, the one that holds most of the embeddings first.

    They are the eigenvectors of the second moments of both sides' unit vectors, an image and its report
    counting alike. Nothing is centred: what the first r axes keep is then the best rank-r approximation of
    the embeddings themselves (Eckart & Young 1936).

    Args:
        embeddings: pairs to look at, without privacy.
        heads: whose embeddings.

    Returns:
        float64, shape (embedding, embedding): a unit column per axis.
    """
    images, texts = (side.astype(np.float64) for side in embeddings.project(heads))
    texts = texts[embeddings.pairs["report_row"].to_numpy()]
    return np.linalg.eigh(images.T @ images + texts.T @ texts)[1][:, ::-1]


def cut(heads: HeadPair, axes: NDArray[np.float64], kept: int) -> HeadPair:
    """Give heads that keep the first axes of their shared space; the other coordinates are zero.

    Args:
        heads: stay as they are.
        axes: what `principal_axes` gives.
        kept: how many, at least one.
    """
    narrow = copy.deepcopy(heads)
    matrix = axes.T.copy()
    matrix[kept:] = 0
    for head in (narrow.image, narrow.text):
        put_behind(head, torch.from_numpy(matrix))
    return narrow.eval()
