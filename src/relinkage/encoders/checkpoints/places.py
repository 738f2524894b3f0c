"""Where a checkpoint keeps its projection heads, and heads read from there or put there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.encoders.trained.aligning import Kind
from relinkage.errors import InputError

Shapes = Mapping[str, tuple[int, ...]]
Names = tuple[tuple[str, ...], ...]

TRANSFORMERS_IMAGE: Names = (("visual_projection.weight",),)
TRANSFORMERS_TEXT: Names = (("text_projection.weight",),)
OPEN_CLIP_IMAGE: Names = (
    ("visual.proj",),
    ("visual.head.proj.weight",),
    ("visual.head.mlp.fc1.weight", "visual.head.mlp.fc2.weight"),
)
"""open_clip's own vision transformer, then timm's towers (`transformer.py`, `timm_model.py`)."""
OPEN_CLIP_TEXT: Names = (
    ("text_projection",),
    ("text.text_projection",),
    ("text_projection.weight",),
    ("text.text_projection.weight",),
    ("text.proj.weight",),
    ("text.proj.0.weight", "text.proj.2.weight"),
)
"""open_clip's own text transformer, then Hugging Face's towers (`transformer.py`, `hf_model.py`)."""


@dataclass(frozen=True)
class Layer:
    """A linear layer of a head in a checkpoint.

    Attributes:
        weight: name of its matrix.
        bias: name of its bias, None where it has none.
        features: width that goes in.
        outputs: width that comes out.
    """

    weight: str
    bias: str | None
    features: int
    outputs: int

    @property
    def transposed(self) -> bool:
        """Whether the matrix stands right of the features; open_clip keeps such ones as bare parameters."""
        return not self.weight.endswith(".weight")


@dataclass(frozen=True)
class Place:
    """A head in a checkpoint.

    Attributes:
        side: `image` or `text`.
        layers: its one linear layer, or two with GELU between them.
    """

    side: str
    layers: tuple[Layer, ...]

    @property
    def kind(self) -> Kind:
        """The kind of head that belongs here."""
        return "linear" if len(self.layers) == 1 else "mlp"

    @property
    def embedding(self) -> int:
        """Width of the shared space."""
        return self.layers[-1].outputs


def find_place(side: str, shapes: Shapes, known: Names, source: Path) -> Place:
    """Find a head among a checkpoint's tensors.

    Args:
        side: `image` or `text`.
        shapes: the shapes of all tensors by name.
        known: the names that a head of this layout can have.
        source: the model, for the error message.

    Raises:
        InputError: there is none, as in a model whose pooling is its own projection.
    """
    for names in known:
        if all(len(shapes.get(name, ())) == 2 for name in names):
            return Place(side, tuple(_layer(name, shapes) for name in names))
    first = ", ".join(names[0] for names in known)
    raise InputError(
        f"{source} has no {side} projection of a name that is known ({first}), so its heads can be neither "
        "read nor replaced."
    )


def _layer(name: str, shapes: Shapes) -> Layer:
    bias = name.removesuffix("weight") + "bias"
    rows, columns = shapes[name]
    if name.endswith(".weight"):
        return Layer(name, bias if bias in shapes else None, columns, rows)
    return Layer(name, None, rows, columns)


@torch.no_grad()
def read_heads_at(places: tuple[Place, Place], tensors: Mapping[str, Tensor]) -> HeadPair:
    """Read heads out of a checkpoint, float32, in evaluation mode.

    Args:
        places: where the image head and the text head are.
        tensors: the checkpoint's tensors by name.
    """
    heads = HeadPair(_spec(places[0]), _spec(places[1]))
    for place, head in zip(places, (heads.image, heads.text), strict=True):
        for layer, linear in zip(place.layers, _linear(head), strict=True):
            matrix = tensors[layer.weight]
            linear.weight.copy_(matrix.T if layer.transposed else matrix)
            if linear.bias is not None:
                linear.bias.copy_(tensors[layer.bias] if layer.bias else torch.zeros(layer.outputs))
    return heads.eval().requires_grad_(False)


def check_fit(heads: HeadPair, places: tuple[Place, Place], source: Path) -> None:
    """Check that heads can stand where the model's own are; another width of the shared space is allowed.

    Raises:
        InputError: another kind of head, other features or hidden width, or a bias that has no place.
    """
    for place, spec in zip(places, (heads.image_spec, heads.text_spec), strict=True):
        own, misfit = _spec(place), ""
        if spec.kind != own.kind:
            misfit = f"is of the kind {spec.kind} and the model's is {own.kind}"
        elif spec.features != own.features:
            misfit = f"takes {spec.features} features and the model gives {own.features}"
        elif spec.hidden != own.hidden:
            misfit = f"is {spec.hidden} wide inside and the model's is {own.hidden}"
        elif spec.bias and not all(layer.bias for layer in place.layers):
            misfit = "has a bias and the model's has none"
        if misfit:
            raise InputError(
                f"The {place.side} head {misfit}, so it cannot be put into the architecture of {source}; "
                "start `relinkage harden` from the model's own heads, which fit."
            )


def tensors_of(heads: HeadPair, places: tuple[Place, Place]) -> dict[str, Tensor]:
    """Give heads as the checkpoint's tensors, float32, by name; a bias that heads lack is zero."""
    made = {}
    for place, head in zip(places, (heads.image, heads.text), strict=True):
        for layer, linear in zip(place.layers, _linear(head), strict=True):
            weight = linear.weight.detach().float().cpu()
            made[layer.weight] = (weight.T if layer.transposed else weight).contiguous()
            if layer.bias is not None:
                bias = linear.bias
                made[layer.bias] = torch.zeros(len(weight)) if bias is None else bias.detach().float().cpu()
    return made


def _spec(place: Place) -> HeadSpec:
    return HeadSpec(
        place.kind,
        features=place.layers[0].features,
        embedding=place.embedding,
        bias=any(layer.bias for layer in place.layers),
        hidden=place.layers[0].outputs if len(place.layers) == 2 else 0,
    )


def _linear(head: nn.Module) -> list[nn.Linear]:
    layers = [head] if isinstance(head, nn.Linear) else list(head.children())
    return [layer for layer in layers if isinstance(layer, nn.Linear)]
