"""Models in the layout of open_clip, with its library where it must be, without it where a few lines do."""

from relinkage.encoders.open_clip.encoder import assemble, load_open_clip

__all__ = ["assemble", "load_open_clip"]
