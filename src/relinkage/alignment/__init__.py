"""Projection heads trained on cached features."""

from relinkage.alignment.folder import Heads, align, read_heads
from relinkage.alignment.multi_task import PairLabels
from relinkage.alignment.settings import AlignSettings, Weights
from relinkage.alignment.sweep import Sweep
from relinkage.alignment.training import TrainedHeads, train_heads

__all__ = [
    "AlignSettings",
    "Heads",
    "PairLabels",
    "Sweep",
    "TrainedHeads",
    "Weights",
    "align",
    "read_heads",
    "train_heads",
]
