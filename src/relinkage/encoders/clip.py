"""CLIP models (Radford et al. 2021, arXiv 2103.00020) in the layout of transformers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

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
)
from relinkage.encoders.protocol import TextFeatures
from relinkage.encoders.tokens import TextTokens
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
    limit = int(model.config.text_config.max_position_embeddings)
    # Where the end is known by its highest number (below), padding must not be higher.
    tokens = TextTokens(tokenizer, limit, model.config.text_config.vocab_size, folder.path, padding=0)
    pooled, *differs = _end_of_text(model.config.text_config.eos_token_id, tokenizer, folder)
    heads = _own_heads(model)
    vision, text = model.vision_model.to(device), model.text_model.to(device)
    card = EncoderCard(
        id=f"clip:{folder.name}",
        revision=folder.revision,
        licence=folder.licence,
        preprocessing=describe_processor(processor),
        image_features=heads.image_spec.features,
        text_features=heads.text_spec.features,
        embedding=heads.image_spec.embedding,
        token_limit=limit,
        pooling=f"image: class token; text: {pooled}",
        device=device.type,
        text=tokens.handling(*differs),
    )

    def images(pixels: torch.Tensor) -> torch.Tensor:
        return vision(pixel_values=pixels.to(device)).pooler_output

    def texts(reports: Sequence[str]) -> TextFeatures:
        made = tokens(reports).to(device)
        pooled = text(input_ids=made.inputs["input_ids"], attention_mask=made.mask).pooler_output
        return TextFeatures(pooled.cpu().numpy(), made.cut)

    return AssembledEncoder(card, heads, partial(make_pixels, processor), images, texts)


def _end_of_text(end: int, tokenizer: Any, folder: ModelFolder) -> tuple[str, ...]:
    """Say which token is pooled, and what a reader must know of it.

    The model looks for the number `end`. 2 is how early checkpoints name it; transformers then takes the
    highest number of the text, as OpenAI's code does, which is the end of text as long as no word that was
    added later has a higher one.

    Raises:
        InputError: the tokenizer does not end a text as the model expects.
    """
    own = tokenizer.eos_token_id
    if end not in (2, own):
        raise InputError(
            f"{folder.path}: the tokenizer ends a text with token {own}, "
            f"the model expects {end}; copy the tokenizer files that belong to the model."
        )
    if tokenizer("effusion")["input_ids"][-1:] != [own]:
        raise InputError(
            f"{folder.path}: the tokenizer does not end a text with its token {own}, which is pooled; copy "
            "the tokenizer files that belong to the model."
        )
    higher = sum(n > own for n in tokenizer.get_vocab().values() if n != tokenizer.pad_token_id)
    if end == own or not higher:
        return ("end-of-text token",)
    return (
        "token of the highest number: the end of text, or a word that was added after it",
        f"The vocabulary has {higher} words numbered above the end of text. A text that holds one is pooled "
        "there and not at its end, as the model's own class does where config.json states eos_token_id 2.",
    )


def _own_heads(model: Any) -> HeadPair:
    image, text = model.visual_projection, model.text_projection
    heads = HeadPair(
        HeadSpec("linear", features=image.in_features, embedding=image.out_features),
        HeadSpec("linear", features=text.in_features, embedding=text.out_features),
    )
    heads.image.load_state_dict(image.state_dict())
    heads.text.load_state_dict(text.state_dict())
    return heads.eval().requires_grad_(False)
