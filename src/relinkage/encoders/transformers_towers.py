"""Single towers in the layout of transformers: a vision model or a text model from its folder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from relinkage.encoders.huggingface import (
    ModelFolder,
    describe_processor,
    load_image_processor,
    load_model,
    load_tokenizer,
    make_pixels,
    token_lengths,
)
from relinkage.encoders.protocol import TextFeatures
from relinkage.encoders.towers import TowerCard
from relinkage.errors import InputError

_POOLER = r"(.*\.)?pooler\."


class VisionTower:
    """A vision model: its pooled output, or the mean of its patch tokens where its files hold no pooler."""

    def __init__(self, folder: ModelFolder, device: torch.device) -> None:
        """Load the model and its preprocessing; of a model with two towers, the vision one.

        Raises:
            InputError: the folder holds no vision model that can be loaded whole.
        """
        model, self._has_pooler = load_model(folder, "AutoModel", may_lack=_POOLER)
        model = getattr(model, "vision_model", model)
        if model.main_input_name != "pixel_values":
            raise InputError(f"{folder.path} holds no vision model; name one as the image tower.")
        self._processor = load_image_processor(folder)
        self._model, self._device = model.to(device), device
        sample = self.preprocess(Image.new("RGB", (64, 64)))
        self._has_pooler = self._has_pooler and self._forward(sample[None]).get("pooler_output") is not None
        self._card = TowerCard(
            name=folder.name,
            revision=folder.revision,
            licence=folder.licence,
            features=self.encode(sample[None]).shape[1],
            pooling="the model's pooled output" if self._has_pooler else "mean of patch tokens",
            preprocessing=describe_processor(self._processor),
        )

    @property
    def card(self) -> TowerCard:
        """What the model is."""
        return self._card

    def preprocess(self, image: Image.Image) -> torch.Tensor:
        """Make pixels as the model's own image processor does: float32, shape (3, height, width)."""
        return make_pixels(self._processor, image)

    @torch.inference_mode()
    def encode(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """Encode preprocessed images (n, 3, height, width): float32, shape (n, features)."""
        output = self._forward(pixels)
        if self._has_pooler:
            pooled = output["pooler_output"].flatten(1)
        elif output["last_hidden_state"].ndim == 4:
            pooled = output["last_hidden_state"].mean((2, 3))
        else:
            pooled = output["last_hidden_state"][:, self._prefix(pixels, output) :].mean(1)
        return pooled.cpu().numpy()

    def _forward(self, pixels: torch.Tensor) -> Any:
        with torch.inference_mode():
            return self._model(pixel_values=pixels.to(self._device))

    def _prefix(self, pixels: torch.Tensor, output: Any) -> int:
        """How many class and register tokens stand before the patches."""
        patch = getattr(self._model.config, "patch_size", None)
        if not isinstance(patch, int):
            return 0
        patches = (pixels.shape[-2] // patch) * (pixels.shape[-1] // patch)
        return max(output["last_hidden_state"].shape[1] - patches, 0)


class TextTransformerTower:
    """A text model: the mean of its last layer's token vectors, padding left out."""

    def __init__(self, folder: ModelFolder, device: torch.device) -> None:
        """Load the model and its tokenizer.

        Raises:
            InputError: the folder holds no text encoder that can be loaded whole.
        """
        model, _ = load_model(folder, "AutoModel", may_lack=_POOLER)
        config = model.config
        if (
            model.main_input_name != "input_ids"
            or config.is_encoder_decoder
            or not hasattr(config, "hidden_size")
        ):
            raise InputError(f"{folder.path} holds no text encoder; name one as the text tower, or tfidf.")
        self._tokenizer = load_tokenizer(folder)
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._model, self._device = model.to(device), device
        self._limit = _token_limit(model.config, self._tokenizer)
        self._card = TowerCard(
            name=folder.name,
            revision=folder.revision,
            licence=folder.licence,
            features=int(model.config.hidden_size),
            pooling="mean of token vectors",
            token_limit=self._limit,
        )

    @property
    def card(self) -> TowerCard:
        """What the model is."""
        return self._card

    def fit(self, texts: Sequence[str]) -> None:
        """Do nothing: the model is frozen."""

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports: float32, shape (n, features); what exceeds the token limit is cut off."""
        lengths = np.array(token_lengths(self._tokenizer, list(texts)))
        tokens = self._tokenizer(
            list(texts),
            padding=True,
            truncation=self._limit is not None,
            max_length=self._limit,
            return_tensors="pt",
        ).to(self._device)
        hidden = self._model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        truncated = lengths > self._limit if self._limit is not None else np.zeros(len(texts), np.bool_)
        return TextFeatures(pooled.cpu().numpy(), truncated)


def _token_limit(config: Any, tokenizer: Any) -> int | None:
    """The lower of what the tokenizer and the position table allow; RoBERTa's table starts after padding."""
    limits = []
    if positions := getattr(config, "max_position_embeddings", None):
        limits.append(positions - (config.pad_token_id + 1 if "roberta" in config.model_type else 0))
    if tokenizer.model_max_length < 1_000_000:  # transformers writes 10³⁰ for "not stated"
        limits.append(tokenizer.model_max_length)
    return min(limits, default=None)
