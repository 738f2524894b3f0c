"""Single towers in the layout of transformers: a vision model or a text model from its folder."""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from relinkage.encoders.huggingface import (
    ModelFolder,
    describe_processor,
    load_image_processor,
    load_model,
    load_tokenizer,
    make_pixels,
)
from relinkage.encoders.pooling import mean_token
from relinkage.encoders.protocol import TextFeatures
from relinkage.encoders.sentences import read_sentence_layout
from relinkage.encoders.tokens import TextTokens
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
    """A text model: one vector from its last layer's token vectors, as its folder states; else their mean."""

    def __init__(self, folder: ModelFolder, device: torch.device) -> None:
        """Load the model and its tokenizer.

        Raises:
            InputError: the folder holds no text encoder that can be loaded whole, or a tokenizer of another
                model, or states a way to pool that is not known.
        """
        layout = read_sentence_layout(folder.path)
        model, _ = load_model(folder, "AutoModel", may_lack=_POOLER)
        config = model.config
        if (
            model.main_input_name != "input_ids"
            or config.is_encoder_decoder
            or not hasattr(config, "hidden_size")
        ):
            raise InputError(f"{folder.path} holds no text encoder; name one as the text tower, or tfidf.")
        tokenizer = load_tokenizer(folder)
        limits = [_positions(model), tokenizer.model_max_length, layout and layout.limit]
        # transformers writes 10³⁰ for "not stated"
        limit = min((stated for stated in limits if stated and stated < 1_000_000), default=None)
        words = model.get_input_embeddings().num_embeddings
        self._tokens = TextTokens(
            tokenizer, limit, words, folder.path, lower=layout is not None and layout.lower
        )
        self._model, self._device = model.to(device), device
        self._taken = inspect.signature(model.forward).parameters.keys()
        self._pool = layout.pool if layout else mean_token
        self._card = TowerCard(
            name=folder.name,
            revision=folder.revision,
            licence=folder.licence,
            features=int(config.hidden_size) * (len(layout.modes) if layout else 1),
            pooling=layout.describe() if layout else "mean of token vectors (its folder states nothing)",
            token_limit=limit,
            text=self._tokens.handling(*(layout.differs if layout else ())),
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
        made = self._tokens(texts).to(self._device)
        inputs = {name: tensor for name, tensor in made.inputs.items() if name in self._taken}
        hidden = self._model(**inputs).last_hidden_state
        return TextFeatures(self._pool(hidden, made.mask).cpu().numpy(), made.cut)


def _positions(model: nn.Module) -> int | None:
    """How many tokens the table of positions has room for; RoBERTa's and its kin's starts after padding."""
    stated = getattr(model.config, "max_position_embeddings", None)
    for name, table in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(table, nn.Embedding):
            return table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
    return stated
