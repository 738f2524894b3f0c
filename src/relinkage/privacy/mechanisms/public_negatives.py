"""InfoNCE whose negatives are a fixed public bank of images and reports."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from relinkage.encoders.heads import HeadPair
from relinkage.encoders.trained.bounds import BOUNDS, Sensitivity
from relinkage.encoders.trained.hardening import MechanismName
from relinkage.privacy.mechanisms.protocol import Batch

SENSITIVITY = BOUNDS["public-negatives"]


@dataclass(frozen=True, eq=False)
class PublicNegatives:
    """InfoNCE of each pair against a public bank, which passes through the heads as they are at each step.

    Attributes:
        images: float32, shape (bank, image features): features of public images.
        texts: float32, shape (bank, text features): features of public reports.
        temperature: τ.
    """

    images: Tensor
    texts: Tensor
    temperature: float = 0.07
    name: MechanismName = "public-negatives"
    sensitivity: Sensitivity = SENSITIVITY
    one_pair: bool = False

    def loss(self, images: Tensor, texts: Tensor, batch: Batch, heads: HeadPair) -> Tensor:
        """Give both directions' cross-entropies of finding the mate among itself and the bank, halved.

        No gradient flows through the bank: each pair's gradient stays one outer product a layer.
        """
        with torch.no_grad():
            bank_images, bank_texts = heads.embed_images(self.images), heads.embed_texts(self.texts)
        images, texts = normalize(images, dim=1), normalize(texts, dim=1)
        mate = (images * texts).sum(1, keepdim=True) / self.temperature
        total = images.new_zeros(())
        for side, bank in ((images, bank_texts), (texts, bank_images)):
            scores = torch.cat([mate, side @ bank.T / self.temperature], dim=1)
            total = total + (scores.logsumexp(1) - mate[:, 0]).sum()
        return total / 2

    def groups(self, batch: Batch) -> NDArray[np.int64]:
        """Clip unit by unit."""
        return batch.owner
