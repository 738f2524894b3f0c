"""A random rotation of the text side: the baseline that no defence may look like.

It takes cosine linkage to chance and leaves every probe of images exactly as it was. Yet nothing was
protected: some hundred pairs and Procrustes undo it, and until then nothing cross-modal works either.
"""

import copy

import torch

from relinkage.defences.last_layer import put_behind
from relinkage.encoders.heads import HeadPair


def rotated(heads: HeadPair, seed: int) -> HeadPair:
    """Give heads whose text embeddings are turned by a random orthogonal matrix.

    The matrix is uniform over all (Haar measure): the Q of a Gaussian matrix, its columns' signs set by the
    diagonal of R (Mezzadri, Notices of the AMS 2007).

    Args:
        heads: stay as they are.
        seed: of the matrix.
    """
    turned = copy.deepcopy(heads)
    width = heads.text_spec.embedding
    normal = torch.randn(width, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    q, r = torch.linalg.qr(normal)
    put_behind(turned.text, q * r.diagonal().sign())
    return turned.eval()
