"""Zero-shot labels: is an image nearer to the sentence that names a finding than to the one that denies it?

A label's direction is the mean of its positive prompts' embeddings less that of its negative ones, each mean
scaled to length one (Radford et al. 2021, section 3.1.4, for means of prompts); the score of an image is its
product with that direction, which orders images as the softmax over the two cosines does. It asks both sides
of the alignment layer at once: a rotation of one of them, which no probe of images sees, destroys it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from relinkage.embeddings.batches import encode_texts
from relinkage.encoders import Encoder, HeadPair
from relinkage.usefulness.result import Prompt
from relinkage.usefulness.retrieval import unit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PromptFeatures:
    """Prompts as the frozen text tower sees them.

    Attributes:
        features: float32, shape (prompts, text features).
        label: int64, shape (prompts,): which label a prompt is about.
        positive: bool, shape (prompts,): whether it says that the label is there.
        cut: bool, shape (prompts,): whether the prompt was longer than the tower's token limit.
    """

    features: NDArray[np.float32]
    label: NDArray[np.int64]
    positive: NDArray[np.bool_]
    cut: NDArray[np.bool_]


def encode_prompts(encoder: Encoder, labels: Sequence[str], prompts: Mapping[str, Prompt]) -> PromptFeatures:
    """Send the prompts of some labels through an encoder's text tower.

    Args:
        encoder: whose text features heads will project.
        labels: names, in order.
        prompts: what is said of each.

    Raises:
        InputError: the encoder gives values that are not finite.
    """
    said = [
        (text, place, side)
        for place, label in enumerate(labels)
        for side, texts in ((True, prompts[label].positive), (False, prompts[label].negative))
        for text in texts
    ]
    texts, label, positive = zip(*said, strict=True)
    # One by one, as an encoder that was embedded with a batch of one sees reports.
    parts = [encode_texts(encoder, [text]) for text in texts]
    return PromptFeatures(
        np.concatenate([part.features for part in parts]),
        np.array(label, np.int64),
        np.array(positive, np.bool_),
        np.concatenate([part.truncated for part in parts]),
    )


@torch.inference_mode()
def zero_shot_scores(images: NDArray[np.float32], prompts: PromptFeatures, heads: HeadPair) -> Floats:
    """Score images for every label by their prompts.

    Args:
        images: unit vectors of the image head, float32, shape (images, embedding).
        prompts: what `encode_prompts` gives.
        heads: the pair whose image head made `images`.

    Returns:
        float64, shape (images, labels): higher where the label is more likely.
    """
    device = next(heads.parameters()).device
    labels = np.unique(prompts.label)
    embedded = heads.embed_texts(torch.from_numpy(prompts.features).to(device)).cpu().double().numpy()
    there, away = (
        unit(np.stack([embedded[side & (prompts.label == label)].mean(axis=0) for label in labels]))
        for side in (prompts.positive, ~prompts.positive)
    )
    return unit(images) @ (there - away).T
