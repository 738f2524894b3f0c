"""A model in the layout of open_clip as an encoder."""

from collections.abc import Sequence

import torch

from relinkage.encoders.assembled import AssembledEncoder
from relinkage.encoders.card import EncoderCard
from relinkage.encoders.open_clip.folder import OpenClipFolder, find_open_clip
from relinkage.encoders.open_clip.library import library_towers
from relinkage.encoders.open_clip.native import is_native, native_towers
from relinkage.encoders.open_clip.pixels import read_pixels
from relinkage.encoders.protocol import TextFeatures
from relinkage.encoders.settings import EncoderOptions
from relinkage.errors import InputError


def load_open_clip(name: str, options: EncoderOptions) -> AssembledEncoder:
    """Load a model of open_clip from a folder or the Hugging Face cache.

    Raises:
        InputError: it is not there, a part of it is missing, or it cannot be built.
    """
    device = options.torch_device()
    return assemble(find_open_clip(name, download=options.download), device)


def assemble(
    folder: OpenClipFolder, device: torch.device, *, library: bool | None = None
) -> AssembledEncoder:
    """Build a model of open_clip up to its projections; those are its heads.

    Where a tower ends in the shared space itself (attention pooling, no projection), its head is the
    identity.

    Args:
        folder: where its parts are.
        device: where the towers run.
        library: whether open_clip builds them; None for where it must.

    Raises:
        InputError: the model cannot be built from its files.
    """
    pixels = read_pixels(folder.model.config, str(folder.model.path / "open_clip_config.json"))
    native = is_native(folder) if library is None else not library
    towers = native_towers(folder) if native else library_towers(folder)
    image, text, heads = towers.image.to(device), towers.text.to(device), towers.heads
    card = EncoderCard(
        id=f"open_clip:{folder.model.name}",
        revision=folder.model.revision,
        licence=folder.model.licence,
        preprocessing=pixels.describe(),
        image_features=heads.image_spec.features,
        text_features=heads.text_spec.features,
        embedding=heads.image_spec.embedding,
        token_limit=towers.limit,
        pooling=f"{towers.pooling}; towers built by {towers.built_by}",
        device=device.type,
        text=towers.handling,
    )

    def texts(reports: Sequence[str]) -> TextFeatures:
        tokens, cut = towers.tokenize(reports)
        return TextFeatures(text(tokens.to(device)).float().cpu().numpy(), cut)

    encoder = AssembledEncoder(card, heads, pixels, lambda made: image(made.to(device)).float(), texts)
    _check(encoder, pixels.size, folder)
    return encoder


def _check(encoder: AssembledEncoder, size: tuple[int, int], folder: OpenClipFolder) -> None:
    """Encode an image and a text once, so that parts that do not belong together are found here."""
    try:
        image = encoder.encode_images(torch.zeros(1, 3, *size)).shape
        text = encoder.encode_texts(["No acute findings."]).features.shape
    except InputError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(
            f"The parts of {folder.model.path} do not fit each other ({type(error).__name__}); "
            "copy the files of one revision of the model."
        ) from None
    if (image[1:], text[1:]) != ((encoder.card.image_features,), (encoder.card.text_features,)):
        raise InputError(
            f"The towers of {folder.model.path} give features of other widths than its projections take; "
            "copy the files of one revision of the model."
        )
