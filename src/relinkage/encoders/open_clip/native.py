"""BiomedCLIP and its like without open_clip: a plain vision transformer beside a BERT of transformers.

open_clip needs timm and torchvision, which has to fit torch to the digit. Where a model is one of these
common kinds, torch and transformers are enough; the tests compare both ways.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from relinkage.encoders.checkpoints.weights import read_weights
from relinkage.encoders.huggingface import build_text_model, load_tokenizer
from relinkage.encoders.open_clip.folder import OpenClipFolder
from relinkage.encoders.open_clip.towers import OpenClipTowers, Tokens, own_heads
from relinkage.encoders.open_clip.vit import VisionTransformer, VitShape, open_clip_vit, timm_vit
from relinkage.encoders.tokens import TextTokens
from relinkage.errors import InputError

_TIMM_VIT = re.compile(r"vit_(tiny|small|base|large)_patch\d+_\d+")
_TIMM_HEADS = {"tiny": 3, "small": 6, "base": 12, "large": 16}
_TIMM_SIZES = {"img_size", "patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio"}
_TEXT_POOLERS = {
    "bert": ("cls_pooler", "cls_last_hidden_state_pooler", "mean_pooler"),
    "roberta": ("mean_pooler", "cls_last_hidden_state_pooler"),
    "xlm-roberta": ("mean_pooler", "cls_last_hidden_state_pooler"),
}
_WORDS = {
    "cls_pooler": "the pooler's output",
    "cls_last_hidden_state_pooler": "first token",
    "mean_pooler": "mean of token vectors",
}
_SIZES = {"layers", "width", "head_width", "mlp_ratio", "patch_size", "image_size", "patch_dropout"}
_TIMM = {"timm_model_name", "timm_model_pretrained", "timm_pool", "timm_proj", "timm_proj_bias", "timm_drop"}
_PLAIN = {
    "pool_type": "tok",
    "pos_embed_type": "learnable",
    "timm_drop_path": None,
    "attn_pooler_heads": 8,
    "attn_pooler_queries": 256,
}
"""What may be stated of an image tower of open_clip because it is the default."""
_TEXT = {"hf_model_name", "hf_tokenizer_name", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type"}
_PROJECTIONS = (None, "linear", "mlp")


def is_native(folder: OpenClipFolder) -> bool:
    """Whether the towers of a model can be built here."""
    vision, text = folder.vision_cfg, folder.text_cfg
    text_type = folder.text.model_type if folder.text and folder.tokenizer else ""
    if text_type not in _TEXT_POOLERS or text.get("hf_proj_type") not in _PROJECTIONS:
        return False
    if text.get("hf_pooler_type") not in (None, *_TEXT_POOLERS[text_type]) or _beyond(
        text, _TEXT | {"context_length"}
    ):
        return False
    if name := vision.get("timm_model_name"):
        own = _beyond(vision, _SIZES | _TIMM | {"timm_model_kwargs"}, _PLAIN)
        kwargs = vision.get("timm_model_kwargs") or {}
        pooled = vision.get("timm_pool", "avg") in ("", "token")
        headed = vision.get("timm_proj", "linear") in ("linear", "mlp")
        plain = pooled and headed and not own and kwargs.keys() <= _TIMM_SIZES
        return plain and _TIMM_VIT.fullmatch(str(name)) is not None
    return isinstance(vision.get("layers", 12), int) and not _beyond(vision, _SIZES | _TIMM, _PLAIN)


def _beyond(stated: Mapping[str, Any], known: set[str], plain: Mapping[str, Any] | None = None) -> bool:
    """Whether a configuration states anything beyond what is known, other than that it is not wanted."""
    return any(
        value not in (None, False, 0, {}) and value != (plain or {}).get(name)
        for name, value in stated.items()
        if name not in known
    )


def native_towers(folder: OpenClipFolder) -> OpenClipTowers:
    """Build the towers of a model for which `is_native` holds.

    Raises:
        InputError: the weights cannot be read without running code, or are not those of the configuration.
    """
    tensors = read_weights(folder.weights)
    heads, _ = own_heads(tensors, folder.embedding, folder.model.path)
    try:
        image, text = _image_tower(folder, tensors), _text_tower(folder, tensors)
    except InputError:
        raise
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        raise InputError(
            f"{folder.weights} does not hold the towers that open_clip_config.json describes "
            f"({type(error).__name__}); copy the model's files again."
        ) from None
    limit = int(folder.text_cfg.get("context_length", 77))
    tokens = _tokens(folder, text, limit)

    def tokenize(texts: Sequence[str]) -> Tokens:
        made = tokens([clean(report) for report in texts])
        return made.inputs["input_ids"], made.cut

    pooling = f"text: {_WORDS[text.pooler]}"
    return OpenClipTowers(image, text, tokenize, heads, limit, "relinkage", pooling, tokens.handling())


def _under(tensors: Mapping[str, Tensor], prefix: str, leave: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """Give the tensors whose names begin with a prefix, which is taken off."""
    cut = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    return {name: tensor for name, tensor in cut.items() if name not in leave}


def _image_tower(folder: OpenClipFolder, tensors: Mapping[str, Tensor]) -> VisionTransformer:
    vision = folder.vision_cfg
    if name := vision.get("timm_model_name"):
        size = str(name).split("_")[1]
        heads = (vision.get("timm_model_kwargs") or {}).get("num_heads", _TIMM_HEADS[size])
        return timm_vit(_under(tensors, "visual.trunk."), VitShape(int(heads), epsilon=1e-6))
    heads = int(vision.get("width", 768)) // int(vision.get("head_width", 64))
    quick = bool(folder.model.config["model_cfg"].get("quick_gelu"))
    return open_clip_vit(_under(tensors, "visual.", ("proj",)), VitShape(heads, 1e-5, quick))


class PooledText(nn.Module):
    """A text model and how one vector is taken from it (`hf_model.py`)."""

    model: Any

    def __init__(self, model: nn.Module, padding: int, pooler: str) -> None:
        super().__init__()
        self.model, self.padding, self.pooler = model, padding, pooler

    def forward(self, tokens: Tensor) -> Tensor:
        """Give text features (n, width) of token numbers (n, tokens)."""
        mask = tokens != self.padding
        output = self.model(input_ids=tokens, attention_mask=mask.long())
        hidden = output.last_hidden_state
        if self.pooler == "mean_pooler":
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            return (hidden * weights).sum(1) / weights.sum(1)
        if self.pooler == "cls_pooler" and output.pooler_output is not None:
            return output.pooler_output
        return hidden[:, 0]


def _text_tower(folder: OpenClipFolder, tensors: Mapping[str, Tensor]) -> PooledText:
    assert folder.text is not None
    stated = folder.text_cfg.get("hf_pooler_type")
    model = build_text_model(folder.text, pooler=stated == "cls_pooler")
    model.load_state_dict(_under(tensors, "text.transformer.", ("embeddings.position_ids",)))
    default = "cls_pooler" if model.config.model_type == "bert" else "mean_pooler"
    return PooledText(model.eval().requires_grad_(False), model.config.pad_token_id, stated or default)


def _tokens(folder: OpenClipFolder, text: PooledText, limit: int) -> TextTokens:
    """The tokenizer, padded as open_clip does: to the limit, on its own side.

    Where padding comes after the text and is masked, fewer of it give the same, and faster.
    """
    assert folder.tokenizer is not None
    tokenizer = load_tokenizer(folder.tokenizer)
    unseen = tokenizer.padding_side == "right" and tokenizer.pad_token_id == text.padding
    words = text.model.get_input_embeddings().num_embeddings
    return TextTokens(tokenizer, limit, words, folder.tokenizer.path, padded_to_limit=not unseen)


def clean(text: str) -> str:
    """Clean a text as open_clip's tokenizers do: mend its encoding, resolve HTML, close up white space.

    Raises:
        InputError: ftfy is not installed.
    """
    try:
        import ftfy
    except ImportError:
        raise InputError("This model needs ftfy; run pip install 'relinkage[models]'.") from None
    return " ".join(html.unescape(html.unescape(ftfy.fix_text(text))).split())
