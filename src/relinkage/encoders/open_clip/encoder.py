"""A model in the layout of open_clip as an encoder."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from relinkage.encoders.heads import HeadPair
from relinkage.encoders.open_clip.folder import OpenClipFolder, find_open_clip
from relinkage.encoders.open_clip.library import library_towers
from relinkage.encoders.open_clip.native import is_native, native_towers
from relinkage.encoders.open_clip.pixels import read_pixels
from relinkage.encoders.options import EncoderOptions
from relinkage.encoders.protocol import EncoderCard, TextFeatures
from relinkage.errors import InputError


class OpenClipEncoder:
    """A model of open_clip up to its projections; those are its heads.

    Where a tower ends in the shared space itself (attention pooling, no projection), its head is the
    identity.
    """

    def __init__(self, folder: OpenClipFolder, device: torch.device, *, library: bool | None = None) -> None:
        """Load the model.

        Args:
            folder: where its parts are.
            device: where the towers run.
            library: whether open_clip builds them; None for where it must.

        Raises:
            InputError: the model cannot be built from its files.
        """
        self._pixels = read_pixels(folder.model.config, str(folder.model.path / "open_clip_config.json"))
        native = is_native(folder) if library is None else not library
        towers = native_towers(folder) if native else library_towers(folder)
        self._image, self._text = towers.image.to(device), towers.text.to(device)
        self._tokenize, self._heads, self._device = towers.tokenize, towers.heads, device
        self._card = EncoderCard(
            id=f"open_clip:{folder.model.name}",
            revision=folder.model.revision,
            licence=folder.model.licence,
            preprocessing=self._pixels.describe(),
            image_features=self._heads.image_spec.features,
            text_features=self._heads.text_spec.features,
            embedding=self._heads.image_spec.embedding,
            token_limit=towers.limit,
            pooling=f"the model's own; towers built by {towers.built_by}",
            device=device.type,
        )
        self._check(folder)

    @property
    def card(self) -> EncoderCard:
        """What the model is."""
        return self._card

    @property
    def heads(self) -> HeadPair:
        """The model's projections, on the CPU."""
        return self._heads

    def fit(self, texts: Sequence[str]) -> None:
        """Do nothing: the model is frozen."""

    def preprocess(self, image: Image) -> torch.Tensor:
        """Make pixels as open_clip does for this model: float32, shape (3, height, width)."""
        return self._pixels(image)

    @torch.inference_mode()
    def encode_images(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """Encode preprocessed images (n, 3, height, width): float32, shape (n, image_features)."""
        return self._image(pixels.to(self._device)).float().cpu().numpy()

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports: float32, shape (n, text_features); what exceeds the token limit is cut off."""
        tokens, cut = self._tokenize(texts)
        return TextFeatures(self._text(tokens.to(self._device)).float().cpu().numpy(), cut)

    def _check(self, folder: OpenClipFolder) -> None:
        """Encode an image and a text once, so that parts that do not belong together are found here."""
        try:
            image = self.encode_images(torch.zeros(1, 3, *self._pixels.size)).shape
            text = self.encode_texts(["No acute findings."]).features.shape
        except (RuntimeError, ValueError, IndexError) as error:
            raise InputError(
                f"The parts of {folder.model.path} do not fit each other ({type(error).__name__}); "
                "copy the files of one revision of the model."
            ) from None
        if (image[1:], text[1:]) != ((self._card.image_features,), (self._card.text_features,)):
            raise InputError(
                f"The towers of {folder.model.path} give features of other widths than its projections take; "
                "copy the files of one revision of the model."
            )


def load_open_clip(name: str, options: EncoderOptions) -> OpenClipEncoder:
    """Load a model of open_clip from a folder or the Hugging Face cache.

    Raises:
        InputError: it is not there, a part of it is missing, or it cannot be built.
    """
    device = options.torch_device()
    return OpenClipEncoder(find_open_clip(name, download=options.download), device)
