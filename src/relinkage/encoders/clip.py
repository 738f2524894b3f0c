"""CLIP models (Radford et al. 2021, arXiv 2103.00020) in the layout of transformers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.encoders.huggingface import (
    ModelFolder,
    describe_processor,
    load_image_processor,
    load_model,
    load_tokenizer,
    make_pixels,
    token_lengths,
)
from relinkage.encoders.protocol import EncoderCard, TextFeatures
from relinkage.errors import InputError


class ClipEncoder:
    """A CLIP model up to its pooled outputs; its two projection matrices are its own heads.

    Image features are the class token after the last layer norm, text features the end-of-text token after
    it: what the model feeds to `visual_projection` and `text_projection`.
    """

    def __init__(self, folder: ModelFolder, device: torch.device) -> None:
        """Load the model, its tokenizer and its preprocessing.

        Raises:
            InputError: the folder holds no CLIP model, lacks a part, or its parts do not belong together.
        """
        if folder.model_type != "clip":
            raise InputError(
                f"{folder.path} holds a model of type {folder.model_type or 'unknown'}, not clip; "
                "name a CLIP model, or two towers as towers:IMAGE+TEXT."
            )
        model, _ = load_model(folder, "CLIPModel")
        self._tokenizer, self._processor = load_tokenizer(folder), load_image_processor(folder)
        end = model.config.text_config.eos_token_id
        # 2 is how early checkpoints name it; transformers then takes the highest token instead.
        if end not in (2, self._tokenizer.eos_token_id):
            raise InputError(
                f"{folder.path}: the tokenizer ends a text with token {self._tokenizer.eos_token_id}, "
                f"the model expects {end}; copy the tokenizer files that belong to the model."
            )
        self._heads = _own_heads(model)
        self._vision, self._text = model.vision_model.to(device), model.text_model.to(device)
        self._device = device
        self._limit = int(model.config.text_config.max_position_embeddings)
        self._card = EncoderCard(
            id=f"clip:{folder.name}",
            revision=folder.revision,
            licence=folder.licence,
            preprocessing=describe_processor(self._processor),
            image_features=self._heads.image_spec.features,
            text_features=self._heads.text_spec.features,
            embedding=self._heads.image_spec.embedding,
            token_limit=self._limit,
            pooling="image: class token; text: end-of-text token",
            device=device.type,
        )

    @property
    def card(self) -> EncoderCard:
        """What the model is."""
        return self._card

    @property
    def heads(self) -> HeadPair:
        """`visual_projection` and `text_projection`, on the CPU."""
        return self._heads

    def fit(self, texts: Sequence[str]) -> None:
        """Do nothing: the model is frozen."""

    def preprocess(self, image: Image) -> torch.Tensor:
        """Make pixels as the model's own image processor does: float32, shape (3, height, width)."""
        return make_pixels(self._processor, image)

    @torch.inference_mode()
    def encode_images(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """Encode preprocessed images (n, 3, height, width): float32, shape (n, image_features)."""
        return self._vision(pixel_values=pixels.to(self._device)).pooler_output.cpu().numpy()

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports: float32, shape (n, text_features); what exceeds the token limit is cut off."""
        lengths = token_lengths(self._tokenizer, list(texts))
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._limit, return_tensors="pt"
        ).to(self._device)
        pooled = self._text(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        return TextFeatures(pooled.cpu().numpy(), np.array(lengths) > self._limit)


def _own_heads(model: Any) -> HeadPair:
    image, text = model.visual_projection, model.text_projection
    heads = HeadPair(
        HeadSpec("linear", features=image.in_features, embedding=image.out_features),
        HeadSpec("linear", features=text.in_features, embedding=text.out_features),
    )
    heads.image.load_state_dict(image.state_dict())
    heads.text.load_state_dict(text.state_dict())
    return heads.eval().requires_grad_(False)
