"""SigLIP models in the layout of transformers, MedSigLIP and XraySigLIP among them.

Zhai et al. 2023, arXiv 2303.15343; SigLIP 2, arXiv 2502.14786. Only the text side ends in a linear layer. The
image side ends in attention pooling, which a matrix cannot stand for: it belongs to the tower, and the image
head is the identity.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from relinkage.encoders.assembled import AssembledEncoder
from relinkage.encoders.card import EncoderCard
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
)
from relinkage.encoders.protocol import TextFeatures
from relinkage.encoders.readiness import installed
from relinkage.encoders.tokens import TextTokens, folds_case
from relinkage.errors import InputError

_TEXT_HEAD = (("text_model.head.weight",),)


def load_siglip(folder: ModelFolder, device: torch.device) -> AssembledEncoder:
    """Load a SigLIP model up to its pooled outputs, with the text side's linear layer as the text head.

    Image features are those after attention pooling, text features the last position's, which is padding in
    all but the longest texts: the model was trained on texts padded to its limit, and gets them so here. The
    heads are the identity for images and `text_model.head` for texts.

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
    tokenizer, processor = load_tokenizer(folder), load_image_processor(folder)
    heads = _own_heads(model, folder)
    model.text_model.head = nn.Identity()
    vision, text = model.vision_model.to(device), model.text_model.to(device)
    text_config = model.config.text_config
    limit, words = int(text_config.max_position_embeddings), int(text_config.vocab_size)
    lower, differs = _lower_case(tokenizer)
    # Whether padding is masked is the tokenizer's own choice: the published ones give no mask.
    tokens = TextTokens(tokenizer, limit, words, folder.path, padded_to_limit=True, lower=lower)
    card = EncoderCard(
        id=f"siglip:{folder.name}",
        revision=folder.revision,
        licence=folder.licence,
        preprocessing=describe_processor(processor),
        image_features=heads.image_spec.features,
        text_features=heads.text_spec.features,
        embedding=heads.image_spec.embedding,
        token_limit=limit,
        pooling="image: attention pooling; text: last position of the padded text",
        device=device.type,
        text=tokens.handling(*differs),
    )

    def images(pixels: torch.Tensor) -> torch.Tensor:
        return vision(pixel_values=pixels.to(device)).pooler_output

    def texts(reports: Sequence[str]) -> TextFeatures:
        made = tokens(reports).to(device)
        return TextFeatures(text(**made.inputs).pooler_output.cpu().numpy(), made.cut)

    return AssembledEncoder(card, heads, partial(make_pixels, processor), images, texts)


def _check_sentencepiece(folder: ModelFolder) -> None:
    """Refuse before transformers finds another tokenizer, which keeps the punctuation that SigLIP's drops."""
    if not any((folder.path / name).is_file() for name in ("spiece.model", "sentencepiece.bpe.model")):
        return
    if not (installed("sentencepiece") and installed("google.protobuf")):
        raise InputError(
            f"The tokenizer in {folder.path} needs sentencepiece and protobuf; "
            "run pip install 'relinkage[siglip]'."
        )


def _lower_case(tokenizer: Any) -> tuple[bool, tuple[str, ...]]:
    """Say whether texts are to be put in lower case, and what a reader must know of it.

    Both generations were trained on lower case. SigLIP's tokenizer sees to it. The files of SigLIP 2 name
    Gemma's, which does not; transformers has a class of its own that does, for another `model_type`.
    """
    if folds_case(tokenizer) or tokenizer.init_kwargs.get("do_lower_case") is False:
        return False, ()
    return True, (
        "Texts are put in lower case, as SigLIP was trained, though the tokenizer's files would keep case.",
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
