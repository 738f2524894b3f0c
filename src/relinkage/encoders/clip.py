"""CLIP models (Radford et al. 2021, arXiv 2103.00020) in the layout of transformers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from relinkage.encoders.assembled import AssembledEncoder
from relinkage.encoders.card import EncoderCard
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
from relinkage.encoders.protocol import TextFeatures
from relinkage.errors import InputError


def load_clip(folder: ModelFolder, device: torch.device) -> AssembledEncoder:
    """Load a CLIP model up to its pooled outputs; its two projection matrices are its own heads.

    Image features are the class token after the last layer norm, text features the end-of-text token after
    it: what the model feeds to `visual_projection` and `text_projection`.

    Raises:
        InputError: the folder holds no CLIP model, lacks a part, or its parts do not belong together.
    """
    if folder.model_type != "clip":
        raise InputError(
            f"{folder.path} holds a model of type {folder.model_type or 'unknown'}, not clip; "
            "name a CLIP model, or two towers as towers:IMAGE+TEXT."
        )
    model, _ = load_model(folder, "CLIPModel")
    tokenizer, processor = load_tokenizer(folder), load_image_processor(folder)
    end = model.config.text_config.eos_token_id
    # 2 is how early checkpoints name it; transformers then takes the highest token instead.
    if end not in (2, tokenizer.eos_token_id):
        raise InputError(
            f"{folder.path}: the tokenizer ends a text with token {tokenizer.eos_token_id}, "
            f"the model expects {end}; copy the tokenizer files that belong to the model."
        )
    heads = _own_heads(model)
    vision, text = model.vision_model.to(device), model.text_model.to(device)
    limit = int(model.config.text_config.max_position_embeddings)
    card = EncoderCard(
        id=f"clip:{folder.name}",
        revision=folder.revision,
        licence=folder.licence,
        preprocessing=describe_processor(processor),
        image_features=heads.image_spec.features,
        text_features=heads.text_spec.features,
        embedding=heads.image_spec.embedding,
        token_limit=limit,
        pooling="image: class token; text: end-of-text token",
        device=device.type,
    )

    def images(pixels: torch.Tensor) -> torch.Tensor:
        return vision(pixel_values=pixels.to(device)).pooler_output

    def texts(reports: Sequence[str]) -> TextFeatures:
        lengths = token_lengths(tokenizer, list(reports))
        tokens = tokenizer(
            list(reports), padding=True, truncation=True, max_length=limit, return_tensors="pt"
        ).to(device)
        pooled = text(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).pooler_output
        return TextFeatures(pooled.cpu().numpy(), np.array(lengths) > limit)

    return AssembledEncoder(card, heads, partial(make_pixels, processor), images, texts)


def _own_heads(model: Any) -> HeadPair:
    image, text = model.visual_projection, model.text_projection
    heads = HeadPair(
        HeadSpec("linear", features=image.in_features, embedding=image.out_features),
        HeadSpec("linear", features=text.in_features, embedding=text.out_features),
    )
    heads.image.load_state_dict(image.state_dict())
    heads.text.load_state_dict(text.state_dict())
    return heads.eval().requires_grad_(False)
