"""BERT text towers whose weights stand in a larger model's state dict, run by transformers' own BertModel."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from relinkage.encoders.protocol import TextFeatures
from relinkage.encoders.state_dicts.transformers_model import model_from_tensors, transformers
from relinkage.errors import InputError
from relinkage.files import read_json

_VOCABULARIES = ("vocab.txt", "tokenizer.json")
TOKENIZER_FILES = (*_VOCABULARIES, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""All that a BERT tokenizer is read from, as far as it exists."""
_SHAPE = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "hidden_act", "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "pad_token_id",
)  # fmt: skip
"""All of a `config.json` that a BertModel in evaluation mode depends on."""

Pool = Callable[[Sequence[Tensor], Tensor], Tensor]
"""From hidden states of embeddings and layers (n, tokens, width) and the mask (n, tokens) to (n, width)."""


def first_token(hidden: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Take the last layer's vector of `[CLS]`, shape (n, width)."""
    return hidden[-1][:, 0]


def last_token(hidden: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Take the last layer's vector of the last token before padding, `[SEP]`: shape (n, width)."""
    return hidden[-1][torch.arange(len(mask), device=mask.device), mask.sum(1) - 1]


def mean_token(hidden: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Average the last layer's vectors, padding left out: shape (n, width)."""
    return _mean(hidden[-1], mask)


def mean_token_of_layers(hidden: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Average the vectors of layers 1, 2 and the last, padding left out: shape (n, width)."""
    return _mean(torch.stack([hidden[1], hidden[2], hidden[-1]]).mean(0), mask)


class BertTower:
    """A frozen BERT with its tokenizer, from tensors that were loaded already."""

    def __init__(
        self, folder: Path, tensors: Mapping[str, Tensor], source: Path, pool: Pool, device: torch.device,
        limit: int | None = None,
    ) -> None:  # fmt: skip
        """Build the model that `config.json` describes and give it the weights.

        Args:
            folder: holds `config.json` and `vocab.txt` (or `tokenizer.json`).
            tensors: by the names of transformers' BertModel (`embeddings.word_embeddings.weight`, …).
            source: the file that they are from, for error messages.
            pool: how one vector is taken from a text.
            device: where to run.
            limit: tokens after which text is cut off; None for as many as the model has positions for.

        Raises:
            InputError: a file is missing or cannot be used, or weights and configuration do not fit.
        """
        config = _configuration(folder / "config.json")
        self._model = model_from_tensors("BertModel", config, tensors, source, add_pooling_layer=False).to(
            device
        )
        self._tokenizer = _tokenizer(folder, config)
        self._pool, self._device = pool, device
        self.width, self.layers = int(config.hidden_size), int(config.num_hidden_layers)
        self.limit = min(limit or config.max_position_embeddings, config.max_position_embeddings)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports: float32, shape (n, width); what exceeds the token limit is cut off."""
        whole = self._tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.limit, return_tensors="pt"
        ).to(self._device)
        mask = tokens["attention_mask"]
        hidden = self._model(
            input_ids=tokens["input_ids"], attention_mask=mask, output_hidden_states=True
        ).hidden_states
        truncated = np.array([len(ids) > self.limit for ids in whole], dtype=np.bool_)
        return TextFeatures(self._pool(hidden, mask).cpu().numpy(), truncated)


def _mean(vectors: Tensor, mask: Tensor) -> Tensor:
    weights = mask.unsqueeze(-1).to(vectors.dtype)
    return (vectors * weights).sum(1) / weights.sum(1).clamp(min=1)


def _configuration(path: Path) -> Any:
    """A BertConfig of what shapes the model; what it says of a type of its own and its code is left out."""
    given = read_json(path, "a BERT model's config.json")
    lacking = [name for name in ("hidden_size", "num_attention_heads", "vocab_size") if name not in given]
    if lacking or given.get("position_embedding_type", "absolute") != "absolute":
        raise InputError(
            f"{path} describes no BERT with absolute positions; copy the text model's config.json there."
        )
    try:
        return transformers("A BERT text tower").BertConfig(
            **{name: given[name] for name in _SHAPE if name in given}
        )
    except Exception as error:  # transformers checks values by itself and raises its own kinds
        raise InputError(
            f"{path} cannot be used as a BERT's configuration ({type(error).__name__}); copy the file again."
        ) from None


def _tokenizer(folder: Path, config: Any) -> Any:
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise InputError(
            f"{folder} holds no {' or '.join(_VOCABULARIES)}; copy the text model's vocabulary there."
        )
    try:
        tokenizer = transformers("A BERT text tower").BertTokenizerFast.from_pretrained(
            folder, local_files_only=True
        )
    except Exception as error:  # transformers and tokenizers raise every kind on files they cannot use
        raise InputError(
            f"The tokenizer in {folder} cannot be loaded ({type(error).__name__}); copy its files again."
        ) from None
    if len(tokenizer) > config.vocab_size:
        raise InputError(
            f"{folder}: the tokenizer has {len(tokenizer)} words and the model {config.vocab_size}; copy the "
            "tokenizer files that belong to the model."
        )
    return tokenizer
