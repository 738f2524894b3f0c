"""The manifest of embeddings that a test makes itself."""

from relinkage.embeddings.manifest import CohortOrigin, Counts, Manifest, Shards, SplitOrigin
from relinkage.embeddings.settings import PassSettings
from relinkage.encoders import EncoderCard


def sketched_card(**told):
    """Give a card that says little but for what is told."""
    little = {"id": "sketch", "revision": "r1", "licence": "none", "preprocessing": "none"}
    widths = {"image_features": 1, "text_features": 1, "embedding": None, "token_limit": None}
    return EncoderCard(**{**little, **widths, **told})


def sketched_manifest(card, *, name="sketch", fingerprint="sha256:0", labels=(), images=0, texts=0):
    """Give a manifest of one shard a side."""
    return Manifest(
        cohort=CohortOrigin(name=name, fingerprint=fingerprint),
        encoder=card,
        settings=PassSettings(),
        split=SplitOrigin(column="split"),
        versions={},
        patients_known=True,
        counts=Counts(
            rows=images,
            pairs=images,
            studies=images,
            patients=images,
            reports=texts,
            texts=texts,
            left_out={},
        ),
        truncated_share=0.0,
        labels=tuple(labels),
        shards=Shards(image=(images,), text=(texts,)),
        notes=(),
    )
