"""What encoders leave on disk, and the resumable pass that makes it."""

from relinkage.embeddings.arrays import open_array, read_array
from relinkage.embeddings.encoding import EmbedSettings, embed
from relinkage.embeddings.folder import Embeddings, read_embeddings

__all__ = ["EmbedSettings", "Embeddings", "embed", "open_array", "read_array", "read_embeddings"]
