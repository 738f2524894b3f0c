"""What made the embeddings that a study looks at: their encoder, and the heads put on them."""

from relinkage.studies.provenance.encoder import find_encoder
from relinkage.studies.provenance.heads import heads_entry, seen_in_training

__all__ = [
    "find_encoder",
    "heads_entry",
    "seen_in_training",
]
