"""Alignment: heads trained without privacy, in memory."""

from typing import Any

from relinkage.alignment import AlignSettings
from relinkage.alignment import align as train_heads
from relinkage.options import chosen
from relinkage.studies.opening import embeddings_of, in_training
from relinkage.studies.trained_heads import TrainedHeads


def align(
    images: Any,
    reports: Any = None,
    pairs: Any = None,
    *,
    train: str = "train",
    settings: AlignSettings | None = None,
    **choices: Any,
) -> TrainedHeads:
    """Train projection heads on frozen features, without privacy.

    Args:
        images: embeddings, as `relinkage.open` gives them, or their folder; or the features of the images,
            as in `relinkage.audit`, and then reports.
        reports: the features of the reports.
        pairs: as in `relinkage.audit`; without a column split, all pairs train.
        train: the split to train on.
        settings: the choices of the training, as a record.
        choices: the same one by one, such as `steps=500, dimension=128`; see `AlignSettings`.

    Returns:
        The heads; they are written by `save` alone.

    Raises:
        InputError: the split is empty or too small, or the training diverges.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> random = np.random.default_rng(0)
        >>> images = random.normal(size=(400, 8))
        >>> reports = images @ random.normal(size=(8, 12))
        >>> heads = rl.align(images[:300], reports[:300], steps=60, dimension=8, batch=64)
        >>> rl.audit(images[300:], reports[300:], heads=heads).recall().lift > 5
        True
    """
    embeddings = in_training(embeddings_of(images, reports, pairs), train)
    made = train_heads(embeddings, train, chosen(AlignSettings, settings, choices))
    return TrainedHeads(made.pair, made.manifest, made.name)
