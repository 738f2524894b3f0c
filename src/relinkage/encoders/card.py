"""What a reader must know of an encoder."""

from typing import Literal

from relinkage.options import Count
from relinkage.records import Record


class TextHandling(Record, frozen=True):
    """What happens to a text between the cohort and the text tower.

    Attributes:
        case: Whether the tower tells capitals from small letters; null where that is not known.
        padding: One line saying on which side shorter texts are padded and whether the tower sees it.
        cut: Which end of a text that is too long is lost; null where there is no limit.
        differs: What is done otherwise than the model's own files have it by default, a sentence each.
    """

    case: Literal["kept", "folded"] | None = None
    padding: str = "none"
    cut: Literal["end", "start"] | None = None
    differs: tuple[str, ...] = ()


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
        text: What happens to a text before the text tower.
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
    text: TextHandling = TextHandling()
