"""Models of transformers from a configuration and tensors in memory; nothing is looked up, no code run."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from relinkage.errors import InputError

_NOT_NEEDED = re.compile(r"pooler\.|.*\.(position_ids|relative_position_index)$")
"""A pooler that is not asked for, and tables that earlier versions of transformers wrote and none needs."""


def transformers(what: str) -> Any:
    """Give the package transformers.

    Args:
        what: what needs it, for the message.

    Raises:
        InputError: it is not installed.
    """
    try:
        import transformers
    except ImportError:
        raise InputError(f"{what} needs transformers; run pip install 'relinkage[models]'.") from None
    return transformers


def model_from_tensors(
    kind: str, config: Any, tensors: Mapping[str, Tensor], source: Path, **choices: Any
) -> Any:
    """Build a model and give it weights, in float32, in evaluation mode.

    Names that earlier versions of transformers wrote are understood as transformers itself understands them.

    Args:
        kind: the class of transformers.
        config: its configuration.
        tensors: the weights by name; a pooler that the class is told to do without may be among them.
        source: the file that they are from, for error messages.
        choices: further arguments of the class.

    Raises:
        InputError: weights are missing or too many, or not of the shapes that the configuration calls for.
    """
    library = transformers(f"The model in {source}")
    logging = library.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model, loading = getattr(library, kind).from_pretrained(
            None,
            config=config,
            state_dict=dict(tensors),
            dtype=torch.float32,
            output_loading_info=True,
            **choices,
        )
    except Exception as error:  # transformers raises every kind on weights it cannot place
        raise InputError(
            f"The {kind} in {source} cannot be built ({type(error).__name__}); check that the weights and "
            "config.json belong to one model."
        ) from None
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
    missing = sorted(loading["missing_keys"])
    if missing:
        raise InputError(
            f"{source} lacks {len(missing)} weights of its {kind} ({missing[0]}, …); copy the file whole."
        )
    beyond = sorted(name for name in loading["unexpected_keys"] if not _NOT_NEEDED.match(name))
    if beyond:
        raise InputError(
            f"{source} holds more weights than the {kind} that is described has ({beyond[0]}, …); check that "
            "config.json belongs to it."
        )
    return model.eval().requires_grad_(False)
