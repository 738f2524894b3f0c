"""Projection heads: from each tower's features into one shared space of unit vectors."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from relinkage.encoders.dropped_gelu import DroppedGelu
from relinkage.encoders.grid_head import Norm, grid_head
from relinkage.encoders.trained.aligning import Kind
from relinkage.errors import InputError
from relinkage.files import whole_file

LoadedKind = Literal["grid", "bert-mlp"]
"""What comes with a published model."""

_WIDEST = 2**20
_LAYER_NORM_EPSILON = 1e-12
"""Of CXR-BERT's projection head (Boecking et al. 2022, arXiv 2204.09817)."""


@dataclass(frozen=True)
class HeadSpec:
    """The shape of one projection head.

    Attributes:
        kind: `linear` (one matrix), `mlp` (Linear-GELU-Dropout-Linear, arXiv 2601.05399), `grid` (BioViL's
            image head over a grid of features, see `grid_head`) or `bert-mlp` (CXR-BERT's text head,
            Linear-GELU-LayerNorm-Linear, arXiv 2204.09817; what LayerNorm scales and shifts by stands in the
            last layer, so that all parameters are those of linear layers).
        features: width of the features that go in.
        embedding: width of the shared space.
        bias: whether linear layers have a bias.
        hidden: width of the hidden layer of anything but `linear`.
        dropout: dropout of an `mlp` while it is trained.
        norm: what stands after the first layer of a `grid`; `none` for all other kinds.
    """

    kind: Kind | LoadedKind
    features: int
    embedding: int
    bias: bool = False
    hidden: int = 0
    dropout: float = 0.0
    norm: Norm = "none"

    def build(self) -> nn.Module:
        """Give a head with freshly initialised weights."""
        if self.kind == "linear":
            return nn.Linear(self.features, self.embedding, bias=self.bias)
        if self.kind == "grid":
            return grid_head(self.features, self.hidden, self.embedding, bias=self.bias, norm=self.norm)
        if self.kind == "bert-mlp":
            return nn.Sequential(
                nn.Linear(self.features, self.hidden, bias=self.bias),
                nn.GELU(),
                nn.LayerNorm(self.hidden, eps=_LAYER_NORM_EPSILON, elementwise_affine=False),
                nn.Linear(self.hidden, self.embedding, bias=self.bias),
            )
        return nn.Sequential(
            nn.Linear(self.features, self.hidden, bias=self.bias),
            DroppedGelu(self.dropout),
            nn.Identity(),  # dropout's place, by which the last layer's parameters are named in files
            nn.Linear(self.hidden, self.embedding, bias=self.bias),
        )


class HeadPair(nn.Module):
    """The alignment layer: an image head and a text head into one shared space."""

    def __init__(self, image: HeadSpec, text: HeadSpec) -> None:
        super().__init__()
        if image.embedding != text.embedding:
            raise ValueError(
                f"heads end in {image.embedding} and {text.embedding} dimensions; a shared space has one"
            )
        self.image_spec, self.text_spec = image, text
        self.image, self.text = image.build(), text.build()

    def embed_images(self, features: Tensor) -> Tensor:
        """Project image features to unit vectors (n, embedding).

        Args:
            features: float32, shape (n, image features); (n, positions, image features) for a `grid`.

        Raises:
            InputError: the head needs a grid and the features are pooled.
        """
        return nn.functional.normalize(self.image(features), dim=-1)

    def embed_texts(self, features: Tensor) -> Tensor:
        """Project text features (n, text features) to unit vectors (n, embedding)."""
        return nn.functional.normalize(self.text(features), dim=-1)


def save_heads(heads: HeadPair, path: Path) -> None:
    """Write heads as safetensors; their shapes' description goes into the file's metadata.

    Equal heads give equal bytes.
    """
    with whole_file(path) as temporary:
        temporary.write_bytes(heads_bytes(heads))


def heads_bytes(heads: HeadPair) -> bytes:
    """Give what `save_heads` writes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in heads.state_dict().items()}
    # One key only: safetensors writes several metadata keys in an order that changes from run to run.
    specs = json.dumps({"image": asdict(heads.image_spec), "text": asdict(heads.text_spec)})
    return save(tensors, {"heads": specs})


def load_heads(path: Path) -> HeadPair:
    """Read heads that `save_heads` wrote, in evaluation mode.

    Raises:
        InputError: the file is missing, is not a safetensors file, or holds other things than heads.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; name the heads that `relinkage align` wrote.")
    try:
        with safe_open(path, "pt") as file:
            specs = msgspec.json.decode((file.metadata() or {})["heads"], type=_Specs)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        _check_spec(specs.image)
        _check_spec(specs.text)
        with torch.device("meta"):  # where a shape that is told and not there takes no memory
            told = HeadPair(specs.image, specs.text).state_dict()
        if {name: tensor.shape for name, tensor in tensors.items()} != {
            name: tensor.shape for name, tensor in told.items()
        } or not all(tensor.is_floating_point() for tensor in tensors.values()):
            raise ValueError("the tensors are not of the shapes that are told")
        heads = HeadPair(specs.image, specs.text)
        heads.load_state_dict(tensors)
    except InputError:
        raise
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} cannot be read as projection heads ({type(error).__name__}).") from None
    return heads.eval()


class _Specs(msgspec.Struct):
    image: HeadSpec
    text: HeadSpec


def _check_spec(spec: HeadSpec) -> None:
    widths = (spec.features, spec.embedding, *([] if spec.kind == "linear" else [spec.hidden]))
    if not all(0 < width <= _WIDEST for width in widths) or not 0 <= spec.dropout < 1:
        raise ValueError("no projection head has these widths")
    if spec.norm != "none" and spec.kind != "grid":
        raise ValueError(f"a {spec.kind} head has no {spec.norm} normalisation")
