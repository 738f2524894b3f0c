"""What a reader must know of an encoder."""

from relinkage.options import Count
from relinkage.records import Record


class EncoderCard(Record, frozen=True):
    """What a reader of an audit must know about the encoder that made the embeddings.

    Attributes:
        id: The name it was asked for by (`phantom:report`, `clip:openai/clip-vit-base-patch32`, …).
        revision: The pinned revision, or a digest of the weights that were loaded.
        licence: Licence of the weights.
        preprocessing: One line saying how pixels are made from an image file.
        image_features: Width of the image features.
        text_features: Width of the text features.
        embedding: Width of the shared space, null where the encoder has no heads of its own.
        token_limit: Tokens after which text is cut off, null where there is no limit.
        seen: What is known of the data the encoder was trained on, so that a report can warn when the cohort
            may be among it.
        pooling: One line saying how one feature vector is taken from each tower.
        device: The kind of processor the encoder runs on; the last bits of features depend on it.
        image_positions: Positions of the grid that the image tower gives, null where its features are pooled.
    """

    id: str
    revision: str
    licence: str
    preprocessing: str
    image_features: Count
    text_features: Count
    embedding: Count | None
    token_limit: Count | None
    seen: str = "not stated"
    pooling: str = "the model's own"
    device: str = "cpu"
    image_positions: Count | None = None
