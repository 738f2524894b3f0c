"""BERT text towers whose weights stand in a larger model's state dict, run by transformers' own BertModel."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from relinkage.encoders.pooling import Pool
from relinkage.encoders.protocol import TextFeatures
from relinkage.encoders.state_dicts.transformers_model import model_from_tensors, transformers
from relinkage.encoders.tokens import TextTokens
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


class BertTower:
    """A frozen BERT with its tokenizer, from tensors that were loaded already."""

    def __init__(
        self, folder: Path, tensors: Mapping[str, Tensor], source: Path, pool: Pool, device: torch.device,
        limit: int | None = None, averaged: Sequence[int] = (-1,),
    ) -> None:  # fmt: skip
        """Build the model that `config.json` describes and give it the weights.

        Args:
            folder: holds `config.json` and `vocab.txt` (or `tokenizer.json`).
            tensors: by the names of transformers' BertModel (`embeddings.word_embeddings.weight`, …).
            source: the file that they are from, for error messages.
            pool: how one vector is taken from a text.
            device: where to run.
            limit: tokens after which text is cut off; None for as many as the model has positions for.
            averaged: the layers whose vectors are averaged before they are pooled; 0 is the embeddings.

        Raises:
            InputError: a file is missing or cannot be used, or weights and configuration do not fit.
        """
        config = _configuration(folder / "config.json")
        self._model = model_from_tensors("BertModel", config, tensors, source, add_pooling_layer=False).to(
            device
        )
        self._pool, self._averaged, self._device = pool, averaged, device
        self.width, self.layers = int(config.hidden_size), int(config.num_hidden_layers)
        self.limit = min(limit or config.max_position_embeddings, config.max_position_embeddings)
        self._tokens = TextTokens(_tokenizer(folder), self.limit, int(config.vocab_size), folder)
        self.handling = self._tokens.handling()

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports: float32, shape (n, width); what exceeds the token limit is cut off."""
        made = self._tokens(texts).to(self._device)
        hidden = self._model(
            input_ids=made.inputs["input_ids"], attention_mask=made.mask, output_hidden_states=True
        ).hidden_states
        vectors = torch.stack([hidden[layer] for layer in self._averaged]).mean(0)
        return TextFeatures(self._pool(vectors, made.mask).cpu().numpy(), made.cut)


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


def _tokenizer(folder: Path) -> Any:
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise InputError(
            f"{folder} holds no {' or '.join(_VOCABULARIES)}; copy the text model's vocabulary there."
        )
    try:
        return transformers("A BERT text tower").BertTokenizerFast.from_pretrained(
            folder, local_files_only=True
        )
    except Exception as error:  # transformers and tokenizers raise every kind on files they cannot use
        raise InputError(
            f"The tokenizer in {folder} cannot be loaded ({type(error).__name__}); copy its files again."
        ) from None
