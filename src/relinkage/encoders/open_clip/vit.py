"""Vision transformers of open_clip (`transformer.py`) and timm (`vision_transformer.py`).

Both are that of Dosovitskiy et al. 2021 (arXiv 2010.11929): patches, a class token, learned positions, and
blocks that normalise before they attend. They differ in names, in constants, and in the norm before the
blocks, which CLIP has.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class VitShape:
    """What the weights do not say.

    Attributes:
        heads: of attention.
        epsilon: of all layer norms.
        quick_gelu: x · σ(1.702 x) in place of GELU, as OpenAI trained CLIP.
    """

    heads: int
    epsilon: float
    quick_gelu: bool = False


class QuickGelu(nn.Module):
    """x · σ(1.702 x) (Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2)."""

    def forward(self, values: Tensor) -> Tensor:
        """Give the activation, in the shape that came in."""
        return values * torch.sigmoid(1.702 * values)


class Block(nn.Module):
    """Attention, then two linear layers, each on normalised input and added to it."""

    def __init__(self, width: int, hidden: int, bias: bool, shape: VitShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.norm1 = nn.LayerNorm(width, eps=shape.epsilon)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=bias), nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=shape.epsilon)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.activation = QuickGelu() if shape.quick_gelu else nn.GELU()

    def forward(self, tokens: Tensor) -> Tensor:
        """Give the tokens (n, positions, width) after the block."""
        n, positions, width = tokens.shape
        parts = self.qkv(self.norm1(tokens)).view(n, positions, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.out(seen.transpose(1, 2).reshape(n, positions, width))
        return tokens + self.fc2(self.activation(self.fc1(self.norm2(tokens))))


class VisionTransformer(nn.Module):
    """Pixels to the normalised class token."""

    def __init__(self, tensors: Mapping[str, Tensor], shape: VitShape) -> None:
        """Build the tower that the weights are for.

        Args:
            tensors: weights by the names of this module, as `open_clip_vit` and `timm_vit` give them.
            shape: what they do not say.

        Raises:
            KeyError, RuntimeError: tensors are missing, left over or do not fit.
        """
        super().__init__()
        width, channels, height, _ = tensors["patch.weight"].shape
        hidden = len(tensors["blocks.0.fc1.weight"])
        depth = sum(name.endswith(".norm1.weight") for name in tensors)
        self.patch = nn.Conv2d(channels, width, height, stride=height, bias="patch.bias" in tensors)
        self.token = nn.Parameter(torch.empty(width))
        self.positions = nn.Parameter(torch.empty_like(tensors["positions"]))
        self.before = nn.LayerNorm(width, eps=shape.epsilon) if "before.weight" in tensors else nn.Identity()
        bias = "blocks.0.qkv.bias" in tensors
        self.blocks = nn.Sequential(*(Block(width, hidden, bias, shape) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=shape.epsilon)
        self.load_state_dict(dict(tensors))

    def forward(self, pixels: Tensor) -> Tensor:
        """Give features (n, width) of pixels (n, 3, height, width)."""
        patches = self.patch(pixels).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(patches), 1, -1), patches], 1) + self.positions
        return self.norm(self.blocks(self.before(tokens))[:, 0])


_OPEN_CLIP = (
    (r"conv1\.", "patch."),
    (r"class_embedding$", "token"),
    (r"positional_embedding$", "positions"),
    (r"ln_pre\.", "before."),
    (r"ln_post\.", "norm."),
    (r"transformer\.resblocks\.(\d+)\.ln_(\d)\.", r"blocks.\1.norm\2."),
    (r"transformer\.resblocks\.(\d+)\.attn\.in_proj_", r"blocks.\1.qkv."),
    (r"transformer\.resblocks\.(\d+)\.attn\.out_proj\.", r"blocks.\1.out."),
    (r"transformer\.resblocks\.(\d+)\.mlp\.c_fc\.", r"blocks.\1.fc1."),
    (r"transformer\.resblocks\.(\d+)\.mlp\.c_proj\.", r"blocks.\1.fc2."),
)
_TIMM = (
    (r"patch_embed\.proj\.", "patch."),
    (r"cls_token$", "token"),
    (r"pos_embed$", "positions"),
    (r"norm\.", "norm."),
    (r"blocks\.(\d+)\.norm(\d)\.", r"blocks.\1.norm\2."),
    (r"blocks\.(\d+)\.attn\.qkv\.", r"blocks.\1.qkv."),
    (r"blocks\.(\d+)\.attn\.proj\.", r"blocks.\1.out."),
    (r"blocks\.(\d+)\.mlp\.fc(\d)\.", r"blocks.\1.fc\2."),
)


def open_clip_vit(tensors: Mapping[str, Tensor], shape: VitShape) -> VisionTransformer:
    """Build the tower from open_clip's names, `visual.` taken off.

    Raises:
        KeyError, RuntimeError: as in `VisionTransformer`.
    """
    return VisionTransformer(_renamed(tensors, _OPEN_CLIP), shape)


def timm_vit(tensors: Mapping[str, Tensor], shape: VitShape) -> VisionTransformer:
    """Build the tower from timm's names, `visual.trunk.` taken off.

    Raises:
        KeyError, RuntimeError: as in `VisionTransformer`.
    """
    return VisionTransformer(_renamed(tensors, _TIMM), shape)


def _renamed(tensors: Mapping[str, Tensor], names: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    """Give the tensors new names, float32; one whose name is not known keeps it, and will not fit."""
    made = {}
    for name, tensor in tensors.items():
        new = next((re.sub(f"^{old}", new, name) for old, new in names if re.match(old, name)), name)
        tensor = tensor.float()
        made[new] = tensor.flatten() if new == "token" else tensor[0] if tensor.ndim == 3 else tensor
    return made
