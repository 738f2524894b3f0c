"""Texts as a model's own tokenizer makes them, padded so that a text depends on nothing but itself."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from relinkage.encoders.card import TextHandling
from relinkage.errors import InputError

_TRIED = 50
"""Words of a vocabulary that say whether case matters."""
_MARKS = "▁Ġ#"
"""What vocabularies write before a word or a piece of one."""
_COMMON = ("the", "heart", "is", "normal", "no", "right", "pleural", "effusion")


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens of some texts.

    Attributes:
        inputs: what the tokenizer gives, int64, shape (texts, tokens), by the names that the model takes.
        cut: bool, shape (texts,): the text was longer than the limit.
    """

    inputs: dict[str, Tensor]
    cut: NDArray[np.bool_]

    @property
    def mask(self) -> Tensor:
        """int64, shape (texts, tokens): 1 on tokens, 0 on padding."""
        return self.inputs["attention_mask"]

    def to(self, device: torch.device) -> "Tokens":
        """Return the same on another device."""
        return Tokens({name: tensor.to(device) for name, tensor in self.inputs.items()}, self.cut)


class TextTokens:
    """A model's tokenizer, and how its texts are cut and padded."""

    def __init__(
        self, tokenizer: Any, limit: int | None, words: int, source: Path, *, padding: int | None = None,
        padded_to_limit: bool = False, lower: bool = False,
    ) -> None:  # fmt: skip
        """Take a tokenizer of transformers.

        Padding follows the text and is masked, whatever side the tokenizer itself pads on: a text's tokens
        then stand at the same positions as when it is alone.

        Args:
            tokenizer: the tokenizer.
            limit: tokens after which text is cut off; None for no limit.
            words: rows of the model's table of words.
            source: the tokenizer's folder, for error messages.
            padding: number of the token to pad with; None for the tokenizer's own.
            padded_to_limit: leave padding to the tokenizer, always up to the limit: for models that were
                trained on padding which they see, or which stands on another side.
            lower: put texts in lower case first.

        Raises:
            InputError: the tokenizer has words that the model lacks, which would stop it on some text.
        """
        self.limit = limit
        self._tokenizer, self._padded_to_limit, self._lower = tokenizer, padded_to_limit, lower
        own = tokenizer.pad_token_id
        beyond = max((n for n in tokenizer.get_vocab().values() if n != own), default=0)
        if beyond >= words:
            raise InputError(
                f"{source}: the tokenizer has {beyond + 1} words and the model {words}; copy the "
                "tokenizer files that belong to the model."
            )
        self._padding = own if padding is None else padding
        if self._padding is None or self._padding >= words:
            self._padding = 0

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Make tokens of texts, cut at the limit."""
        given = [text.lower() if self._lower else text for text in texts]
        whole = self._tokenizer(given, truncation=False, verbose=False)["input_ids"]
        cut = np.array([self.limit is not None and len(row) > self.limit for row in whole], np.bool_)
        options = {"truncation": self.limit is not None, "max_length": self.limit}
        if self._padded_to_limit:
            made = self._tokenizer(given, padding="max_length", return_tensors="pt", **options)
            return Tokens(dict(made), cut)
        made = self._tokenizer(given, padding=False, return_attention_mask=True, **options)
        fill = {"input_ids": self._padding}
        return Tokens({name: _padded(rows, fill.get(name, 0)) for name, rows in made.items()}, cut)

    def handling(self, *differs: str) -> TextHandling:
        """Say what happens to texts.

        Args:
            differs: what else is done otherwise than the model's files have it, a sentence each.
        """
        tokenizer = self._tokenizer
        folded = self._lower or folds_case(tokenizer)
        side = tokenizer.padding_side
        masked = "attention_mask" in tokenizer.model_input_names
        if side != "right" and not self._padded_to_limit:
            differs = (
                f"Texts are padded on the right, though the tokenizer pads on the {side}: the features of a "
                "text are those that it has alone.",
                *differs,
            )
        return TextHandling(
            case="folded" if folded else "kept",
            padding=(
                f"{side}, to the limit, {'masked' if masked else 'seen by the model'}"
                if self._padded_to_limit
                else "right, masked"
            ),
            cut=None if self.limit is None else ("start" if tokenizer.truncation_side == "left" else "end"),
            differs=differs,
        )


def folds_case(tokenizer: Any) -> bool:
    """Whether a tokenizer of transformers takes capitals as small letters, tried on its own words."""
    plain = {word.lstrip(_MARKS).removesuffix("</w>") for word in tokenizer.get_vocab()}
    words = sorted(word for word in plain if word.isascii() and word.isalpha() and word.islower())
    return same_in_capitals(
        lambda text: tokenizer(text, verbose=False)["input_ids"],
        words[:: len(words) // _TRIED + 1] or _COMMON,
    )


def same_in_capitals(tokenize: Callable[[str], Any], words: Iterable[str] = _COMMON) -> bool:
    """Whether words in small letters and in capitals become the same tokens.

    Args:
        tokenize: from a text to its tokens.
        words: words in small letters, which the tokenizer knows.
    """
    return all(
        tokenize(word) == tokenize(other) for word in words for other in (word.upper(), word.capitalize())
    )


def _padded(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
    """Put numbers of texts into one table; one column at least, for models take no empty text."""
    tensors = [torch.tensor(row, dtype=torch.int64) for row in rows]
    table = pad_sequence(tensors, batch_first=True, padding_value=fill)
    return table if table.shape[1] else table.new_full((len(rows), 1), fill)
