"""Radiographs out of files and containers, opened with care: they come from anywhere."""

from relinkage.images.apart import DecodingApart
from relinkage.images.limits import UnreadableImageError
from relinkage.images.opening import open_image

__all__ = ["DecodingApart", "UnreadableImageError", "open_image"]
