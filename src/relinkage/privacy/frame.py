"""The coordinates that heads are trained in: of a public scale, and inside the labels' span if asked for."""

import copy
import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from relinkage.encoders.heads import HeadPair


@dataclass(frozen=True, eq=False)
class Frame:
    """Heads as they are trained, and how they go back to where they are used.

    Attributes:
        heads: what is trained.
        start: the public heads that the training starts from.
        scales: what image and text features are multiplied by before they reach `heads`.
        basis: orthonormal columns, shape (d, rank), in whose coordinates `heads` end; None for all of the
            space.
        keep: whether the image embedding outside of the basis stays what `start` makes of it.
    """

    heads: HeadPair
    start: HeadPair
    scales: tuple[float, float]
    basis: Tensor | None
    keep: bool

    def afresh(self) -> "Frame":
        """Return the same frame with heads of its own, to be trained while these stay as they are."""
        return replace(self, heads=copy.deepcopy(self.heads))

    @torch.no_grad()
    def release(self) -> HeadPair:
        """Give heads that take features as they are and end in the whole space. It costs no privacy.

        Inside the basis, what stands beside the rest of an image embedding gets its norm at the start back,
        so that the two keep their proportion.
        """
        trained = copy.deepcopy(self.heads)
        for head, scale in zip((trained.image, trained.text), self.scales, strict=True):
            if isinstance(head, nn.Linear):
                head.weight.mul_(scale)
        if self.basis is None:
            return trained.eval()
        whole = copy.deepcopy(self.start)
        for head, inside in ((whole.image, trained.image), (whole.text, trained.text)):
            factor = 1.0
            rest = torch.zeros_like(_last(head).weight), torch.zeros(len(_last(head).weight))
            if self.keep and head is whole.image:
                outside = torch.eye(len(self.basis)) - self.basis @ self.basis.T
                rest = outside @ _last(head).weight, outside @ _bias(_last(head))
                before, after = (self.basis.T @ _last(head).weight).norm(), _last(inside).weight.norm()
                factor = float(before / after)
            if not isinstance(head, nn.Linear):
                head[:-1].load_state_dict(inside[:-1].state_dict())  # type: ignore[index]
            _last(head).weight.copy_(rest[0] + factor * self.basis @ _last(inside).weight)
            if _last(head).bias is not None:
                _last(head).bias.copy_(rest[1] + factor * self.basis @ _bias(_last(inside)))
        return whole.eval()


@torch.no_grad()
def frame(start: HeadPair, basis: Tensor | None = None, *, keep: bool = False) -> Frame:
    """Prepare heads for training.

    A linear head is scaled so that its norm is the root of its width, its features inversely: so a learning
    rate and a clipping norm mean the same for every model, and no private feature has to be looked at.

    Args:
        start: public heads to start from; they are left as they are.
        basis: orthonormal columns, shape (d, rank), to stay inside; None for the whole space.
        keep: whether the image embedding outside of the basis stays what `start` makes of it; for linear
            heads.
    """
    heads = copy.deepcopy(start) if basis is None else _narrowed(start, basis)
    scales = []
    for head in (heads.image, heads.text):
        scale = 1.0
        if isinstance(head, nn.Linear):
            scale = float(head.weight.norm()) / math.sqrt(len(head.weight)) or 1.0
            head.weight.div_(scale)
        scales.append(scale)
    return Frame(heads.eval(), start, (scales[0], scales[1]), basis, keep)


def _narrowed(start: HeadPair, basis: Tensor) -> HeadPair:
    """Give heads that end in the coordinates of a basis."""
    rank = basis.shape[1]
    narrow = HeadPair(replace(start.image_spec, embedding=rank), replace(start.text_spec, embedding=rank))
    for head, whole in ((narrow.image, start.image), (narrow.text, start.text)):
        if not isinstance(head, nn.Linear):
            head[:-1].load_state_dict(whole[:-1].state_dict())  # type: ignore[index]
        _last(head).weight.copy_(basis.T @ _last(whole).weight)
        if _last(head).bias is not None:
            _last(head).bias.copy_(basis.T @ _last(whole).bias)
    return narrow


def _last(head: nn.Module) -> nn.Linear:
    return head if isinstance(head, nn.Linear) else head[-1]  # type: ignore[index]


def _bias(layer: nn.Linear) -> Tensor:
    return layer.bias if layer.bias is not None else torch.zeros(len(layer.weight))
