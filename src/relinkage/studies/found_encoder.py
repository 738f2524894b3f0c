"""The encoder that made an embeddings folder, loaded again to be asked about new texts and images."""

from relinkage.embeddings import Embeddings
from relinkage.encoders import Encoder, EncoderOptions, load_encoder
from relinkage.errors import InputError

NO_FITTED = "its text tower was fitted on the cohort's reports, which an embeddings folder does not hold"


def find_encoder(embeddings: Embeddings, model: str | None) -> tuple[Encoder | None, str | None]:
    """Load the encoder that made the features, or say in half a sentence why it cannot be asked.

    Args:
        embeddings: whose encoder it is.
        model: where it lies; as the folder names it, if not given.

    Raises:
        InputError: `model` is not the model that made the features, or cannot be loaded.
    """
    card = embeddings.manifest.encoder
    if embeddings.given is not None and model is None:
        return None, "arrays do not say which encoder made them; name it with --model"
    if model is None and card.id.endswith("+tfidf"):
        return None, NO_FITTED
    try:
        encoder = load_encoder(model or card.id, options=EncoderOptions(device="cpu"))
        found = encoder.card
    except (InputError, OSError, ValueError):
        if model is not None:
            raise
        return None, f"the encoder {card.id} cannot be loaded here; say where it lies with --model"
    except RuntimeError:  # a tower that is fitted has no card before that
        return None, NO_FITTED
    if found.revision != card.revision:
        if model is not None:
            raise InputError(f"--model {model} is not the model that made {embeddings.path}; name that one.")
        return None, f"{card.id} is here another than made the features; name that one with --model"
    return encoder, None
