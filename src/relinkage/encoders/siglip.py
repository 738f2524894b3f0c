"""SigLIP models in the layout of transformers, MedSigLIP and XraySigLIP among them.

Zhai et al. 2023, arXiv 2303.15343; SigLIP 2, arXiv 2502.14786. Only the text side ends in a linear layer. The
image side ends in attention pooling, which a matrix cannot stand for: it belongs to the tower, and the image
head is the identity.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from torch import nn

from relinkage.encoders.checkpoints.identity import identity_place
from relinkage.encoders.checkpoints.places import find_place, read_heads_at
from relinkage.encoders.heads import HeadPair
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
from relinkage.encoders.readiness import installed
from relinkage.errors import InputError

_TEXT_HEAD = (("text_model.head.weight",),)


class SiglipEncoder:
    """A SigLIP model up to its pooled outputs, with the text side's linear layer as the text head.

    Image features are those after attention pooling, text features the last position's, which is padding in
    all but the longest texts: the model was trained on texts padded to its limit, and gets them so here.
    """

    def __init__(self, folder: ModelFolder, device: torch.device) -> None:
        """Load the model, its tokenizer and its preprocessing.

        Raises:
            InputError: the folder holds no SigLIP model, lacks a part, or has a part of another kind.
        """
        if folder.model_type != "siglip":
            raise InputError(_other_model(folder))
        _check_sentencepiece(folder)
        model, _ = load_model(folder, "SiglipModel")
        if not model.config.vision_config.vision_use_head:
            raise InputError(
                f"{folder.path} has no attention pooling, so its image side ends in no one vector; "
                "name it as an image tower, as in towers:IMAGE+TEXT."
            )
        self._tokenizer, self._processor = load_tokenizer(folder), load_image_processor(folder)
        self._heads = _own_heads(model, folder)
        model.text_model.head = nn.Identity()
        self._vision, self._text = model.vision_model.to(device), model.text_model.to(device)
        self._device = device
        self._limit = int(model.config.text_config.max_position_embeddings)
        self._card = EncoderCard(
            id=f"siglip:{folder.name}",
            revision=folder.revision,
            licence=folder.licence,
            preprocessing=describe_processor(self._processor),
            image_features=self._heads.image_spec.features,
            text_features=self._heads.text_spec.features,
            embedding=self._heads.image_spec.embedding,
            token_limit=self._limit,
            pooling="image: attention pooling; text: last position of the padded text",
            device=device.type,
        )

    @property
    def card(self) -> EncoderCard:
        """What the model is."""
        return self._card

    @property
    def heads(self) -> HeadPair:
        """The identity for images and `text_model.head` for texts, on the CPU."""
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
        # Whether padding is masked is the tokenizer's own choice: the published ones give no mask.
        tokens = self._tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=self._limit, return_tensors="pt"
        ).to(self._device)
        return TextFeatures(self._text(**tokens).pooler_output.cpu().numpy(), np.array(lengths) > self._limit)


def _check_sentencepiece(folder: ModelFolder) -> None:
    """Refuse before transformers finds another tokenizer, which keeps the punctuation that SigLIP's drops."""
    if not any((folder.path / name).is_file() for name in ("spiece.model", "sentencepiece.bpe.model")):
        return
    if not (installed("sentencepiece") and installed("google.protobuf")):
        raise InputError(
            f"The tokenizer in {folder.path} needs sentencepiece and protobuf; "
            "run pip install 'relinkage[siglip]'."
        )


def _other_model(folder: ModelFolder) -> str:
    if folder.model_type == "siglip2":
        return (
            f"{folder.path} is a SigLIP 2 model for images of any shape (NaFlex), which is not supported; "
            "name one of a fixed size, such as siglip:google/siglip2-base-patch16-224."
        )
    return (
        f"{folder.path} holds a model of type {folder.model_type or 'unknown'}, not siglip; "
        "name a SigLIP model, or two towers as towers:IMAGE+TEXT."
    )


def _own_heads(model: nn.Module, folder: ModelFolder) -> HeadPair:
    tensors = model.state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    text = find_place("text", shapes, _TEXT_HEAD, folder.path)
    image, identity = identity_place("image", text.embedding)
    return read_heads_at((image, text), tensors | identity)
