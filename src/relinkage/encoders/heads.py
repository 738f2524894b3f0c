"""Projection heads: from each tower's features into one shared space of unit vectors."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from relinkage.errors import InputError
from relinkage.files import whole_file

Kind = Literal["linear", "mlp"]


@dataclass(frozen=True)
class HeadSpec:
    """The shape of one projection head.

    Attributes:
        kind: `linear` (one matrix) or `mlp` (Linear-GELU-Dropout-Linear, arXiv 2601.05399).
        features: width of the features that go in.
        embedding: width of the shared space.
        bias: whether linear layers have a bias.
        hidden: width of the hidden layer of an `mlp`.
        dropout: dropout of an `mlp` while it is trained.
    """

    kind: Kind
    features: int
    embedding: int
    bias: bool = False
    hidden: int = 0
    dropout: float = 0.0

    def build(self) -> nn.Module:
        """Give a head with freshly initialised weights."""
        if self.kind == "linear":
            return nn.Linear(self.features, self.embedding, bias=self.bias)
        return nn.Sequential(
            nn.Linear(self.features, self.hidden, bias=self.bias),
            nn.GELU(),
            nn.Dropout(self.dropout),
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
        """Project image features (n, image features) to unit vectors (n, embedding)."""
        return nn.functional.normalize(self.image(features), dim=-1)

    def embed_texts(self, features: Tensor) -> Tensor:
        """Project text features (n, text features) to unit vectors (n, embedding)."""
        return nn.functional.normalize(self.text(features), dim=-1)


def save_heads(heads: HeadPair, path: Path) -> None:
    """Write heads as safetensors; their shapes' description goes into the file's metadata.

    Equal heads give equal bytes.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in heads.state_dict().items()}
    # One key only: safetensors writes several metadata keys in an order that changes from run to run.
    specs = json.dumps({"image": asdict(heads.image_spec), "text": asdict(heads.text_spec)})
    with whole_file(path) as temporary:
        temporary.write_bytes(save(tensors, {"heads": specs}))


def load_heads(path: Path) -> HeadPair:
    """Read heads that `save_heads` wrote, in evaluation mode.

    Raises:
        InputError: the file is missing, is no safetensors file, or holds other things than heads.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; name the heads that `relinkage align` wrote.")
    try:
        with safe_open(path, "pt") as file:
            specs = json.loads((file.metadata() or {})["heads"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        heads = HeadPair(_spec(specs["image"]), _spec(specs["text"]))
        heads.load_state_dict(tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} cannot be read as projection heads ({type(error).__name__}).") from None
    return heads.eval()


def _spec(fields: dict[str, Any]) -> HeadSpec:
    spec = HeadSpec(**fields)
    if spec.kind not in ("linear", "mlp") or min(spec.features, spec.embedding, spec.hidden) < 0:
        raise ValueError(f"no projection head: {fields}")
    return spec
