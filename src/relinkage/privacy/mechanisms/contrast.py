"""InfoNCE inside groups of a batch, summed over rows."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from relinkage.alignment.objectives import infonce


def summed_infonce(
    images: Tensor,
    texts: Tensor,
    owner: NDArray[np.int64],
    group: NDArray[np.int64],
    temperature: float,
) -> Tensor:
    """Sum the symmetric InfoNCE of all rows, negatives coming from a row's own group and other units only.

    Args:
        images: shape (n, d), not normalised.
        texts: shape (n, d), not normalised; row i is the mate of image i.
        owner: int64, shape (n,): each row's unit.
        group: int64, shape (n,): each row's group.
        temperature: τ.
    """
    no_negatives = (owner[:, None] == owner) | (group[:, None] != group)
    rows = infonce(
        normalize(images, dim=1), normalize(texts, dim=1), temperature, torch.from_numpy(no_negatives)
    )
    return rows * len(owner)
