"""Frozen models behind one protocol, their preprocessing and their own heads."""

from relinkage.encoders.heads import HeadPair, HeadSpec, load_heads, save_heads
from relinkage.encoders.options import EncoderOptions
from relinkage.encoders.protocol import Encoder, EncoderCard, TextFeatures
from relinkage.encoders.registry import load_encoder
from relinkage.images import UnreadableImageError, open_image

__all__ = [
    "Encoder",
    "EncoderCard",
    "EncoderOptions",
    "HeadPair",
    "HeadSpec",
    "TextFeatures",
    "UnreadableImageError",
    "load_encoder",
    "load_heads",
    "open_image",
    "save_heads",
]
