"""What a text model's folder says of pooling, length and case where it is laid out for sentence-transformers.

`modules.json` names the steps after the model, each with a folder of its own; `1_Pooling/config.json` says
how one vector is taken from a text's tokens, and `sentence_bert_config.json` how texts are cut
(`sentence_transformers/models/Pooling.py` and `Transformer.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor
from torch.nn.functional import normalize

from relinkage.encoders.pooling import (
    Pool,
    first_token,
    largest,
    last_token,
    mean_token,
    mean_token_by_place,
    mean_token_by_root,
)
from relinkage.errors import InputError
from relinkage.files import read_json

MODULES, POOLING, SETTINGS = "modules.json", "1_Pooling/config.json", "sentence_bert_config.json"
_PROMPTS = "config_sentence_transformers.json"


@dataclass(frozen=True)
class _Mode:
    """A way to pool: its name, the switch that older files have for it, what it does, and that in words."""

    name: str
    switch: str
    pool: Pool
    words: str


_MODES = (
    _Mode("cls", "pooling_mode_cls_token", first_token, "first token"),
    _Mode("max", "pooling_mode_max_tokens", largest, "largest value over tokens"),
    _Mode("mean", "pooling_mode_mean_tokens", mean_token, "mean of token vectors"),
    _Mode(
        "mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", mean_token_by_root,
        "sum of token vectors by the root of their number",
    ),
    _Mode(
        "weightedmean", "pooling_mode_weightedmean_tokens", mean_token_by_place,
        "mean of token vectors weighted by place",
    ),
    _Mode("lasttoken", "pooling_mode_lasttoken", last_token, "last token"),
)  # fmt: skip
"""In the order in which sentence-transformers joins them."""


class _Step(msgspec.Struct):
    """A line of `modules.json`."""

    type: str
    path: str = ""

    @property
    def kind(self) -> str:
        return self.type.rpartition(".")[2]


@dataclass(frozen=True)
class SentenceLayout:
    """How the folder's own library makes one vector of a text.

    Attributes:
        modes: the ways to pool, whose vectors are joined.
        unit: whether vectors are scaled to length one.
        limit: tokens after which text is cut off, None where it is not stated.
        lower: whether texts are put in lower case before they are cut into tokens.
        differs: what of it is not done here, a sentence each.
    """

    modes: tuple[_Mode, ...]
    unit: bool
    limit: int | None
    lower: bool
    differs: tuple[str, ...]

    def pool(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Take one vector (n, width) from those of the tokens, as in `relinkage.encoders.pooling`."""
        pooled = torch.cat([mode.pool(vectors, mask) for mode in self.modes], 1)
        return normalize(pooled, dim=1) if self.unit else pooled

    def describe(self) -> str:
        """Say in one line how a vector is taken from a text."""
        stated = " and ".join(mode.words for mode in self.modes)
        return f"{stated}{', unit length' * self.unit} (as the model's folder states)"


def read_sentence_layout(folder: Path) -> SentenceLayout | None:
    """Read how a folder makes one vector of a text; None where it does not say.

    Raises:
        InputError: a file is missing or damaged, or states a way to pool that is not known.
    """
    steps = _steps(folder)
    if steps is None:
        return None
    pooling = [step for step in steps if step.kind == "Pooling"]
    if len(pooling) != 1:
        raise InputError(
            f"{folder / MODULES} names {len(pooling)} steps of the kind Pooling, not one; name a text model "
            "that is pooled once, or remove the file for the mean of token vectors."
        )
    file = folder / pooling[0].path / "config.json"
    if not file.is_file():
        raise InputError(
            f"{folder / MODULES} says that {file.parent.name}/config.json states how texts are pooled, and "
            "it is not there; copy it too, or add --download to a hub id."
        )
    stated = read_json(file, "how a text model is pooled")
    settings: dict[str, Any] = {}
    if (folder / SETTINGS).is_file():
        settings = read_json(folder / SETTINGS, "a text model's settings")
    limit = settings.get("max_seq_length")
    return SentenceLayout(
        modes=_modes(stated, file),
        unit=any(step.kind == "Normalize" for step in steps),
        limit=limit if isinstance(limit, int) and limit > 0 else None,
        lower=settings.get("do_lower_case") is True,
        differs=tuple(_left_out(folder, steps)),
    )


def _steps(folder: Path) -> list[_Step] | None:
    file = folder / MODULES
    if not file.is_file():
        if (folder / POOLING).is_file():
            return [_Step("Pooling", Path(POOLING).parent.name)]
        return None
    try:
        steps = msgspec.json.decode(file.read_bytes(), type=list[_Step])
    except (OSError, msgspec.MsgspecError, RecursionError):
        steps = None
    if steps is None or any(step.path != Path(step.path).name for step in steps):
        raise InputError(f"{file} does not say what follows the text model; copy the file again.")
    return steps


def _modes(stated: dict[str, Any], file: Path) -> tuple[_Mode, ...]:
    named = stated.get("pooling_mode")
    if named is None:
        # The library takes the mean where a file does not speak of it.
        found = [mode for mode in _MODES if stated.get(mode.switch, mode.name == "mean") is True]
        known = not any(
            value is True and name.startswith("pooling_mode_") and name not in {m.switch for m in _MODES}
            for name, value in stated.items()
        )
    else:
        names = [named] if isinstance(named, str) else list(named) if isinstance(named, list) else [None]
        found = [mode for mode in _MODES if mode.name in names]
        known = len(found) == len(names)
    if not found or not known:
        raise InputError(
            f"{file} states a way to pool that relinkage does not know; give one of "
            f"{', '.join(mode.name for mode in _MODES)}."
        )
    return tuple(found)


def _left_out(folder: Path, steps: Sequence[_Step]) -> list[str]:
    others = [step.kind for step in steps if step.kind not in ("Transformer", "Pooling", "Normalize")]
    left_out = []
    if others:
        left_out.append(
            f"The text model's own steps {', '.join(others)} ({MODULES}) are left out: features are those "
            "before them, with its pooling."
        )
    if (folder / _PROMPTS).is_file():
        stated = read_json(folder / _PROMPTS, "a text model's prompts")
        if stated.get("default_prompt_name") and stated.get("prompts"):
            left_out.append(f"The text model's default prompt ({_PROMPTS}) is not put before texts.")
    return left_out
