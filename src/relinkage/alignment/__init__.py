"""Projection heads trained on cached features."""

from relinkage.alignment.folder import Heads, align, read_heads
from relinkage.alignment.training import AlignSettings, TrainedHeads, train_heads

__all__ = ["AlignSettings", "Heads", "TrainedHeads", "align", "read_heads", "train_heads"]
