"""What becomes of the BatchNorm in a published head: kept as it is, or swapped for GroupNorm."""

import copy
from dataclasses import replace

import torch
from torch import nn

from relinkage.encoders.grid_head import FrozenNorm, Norm
from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.encoders.trained.manifest import NormChoice
from relinkage.errors import InputError


@torch.no_grad()
def with_norm(heads: HeadPair, norm: NormChoice) -> HeadPair:
    """Keep the BatchNorm of heads, folded into the layer before it, or swap it for GroupNorm.

    BatchNorm with frozen statistics is a fixed scale and shift a channel. It mixes no images, so training
    with differential privacy may keep it, and folding changes nothing that a head gives. The swap is what
    Opacus' validator does (`ModuleValidator.fix`): GroupNorm with at most 32 groups, γ = 1 and β = 0, all
    that BatchNorm had learned gone. It changes what the head gives before any training or noise, and so may
    bring linkage down by itself: measure it on its own before anything is credited to privacy.

    Args:
        heads: an image head and a text head; they are left as they are.
        norm: `keep` or `group`.

    Returns:
        New heads in evaluation mode. Heads without BatchNorm come back as they are under `keep`.

    Raises:
        InputError: `group` is asked for and there is no BatchNorm to swap.
    """
    if norm == "group" and "frozen" not in (heads.image_spec.norm, heads.text_spec.norm):
        raise InputError(
            "These heads have no BatchNorm to swap for GroupNorm; name a model whose published heads have "
            "one (BioViL's), or give --norm keep."
        )
    wanted: Norm = "none" if norm == "keep" else "group"
    changed = HeadPair(_spec(heads.image_spec, wanted), _spec(heads.text_spec, wanted))
    for new, old, spec in (
        (changed.image, heads.image, heads.image_spec),
        (changed.text, heads.text, heads.text_spec),
    ):
        if spec.norm == "frozen":
            _swap(new, old, folded=norm == "keep")
        else:
            new.load_state_dict(copy.deepcopy(old.state_dict()))
    return changed.eval()


def _spec(spec: HeadSpec, norm: Norm) -> HeadSpec:
    return replace(spec, norm=norm) if spec.norm == "frozen" else spec


def _swap(new: nn.Module, old: nn.Module, *, folded: bool) -> None:
    """Copy both linear layers; a folded first one takes BatchNorm's scale and shift in."""
    (first, last), (old_first, old_last) = _linear(new), _linear(old)
    last.load_state_dict(old_last.state_dict())
    first.weight.copy_(old_first.weight)
    if folded:
        frozen = next(module for module in old.children() if isinstance(module, FrozenNorm))
        first.weight.copy_(old_first.weight.double() * frozen.scale.double()[:, None])
        first.bias.copy_(frozen.shift)


def _linear(head: nn.Module) -> list[nn.Linear]:
    return [module for module in head.children() if isinstance(module, nn.Linear)]
