"""Projection heads: from each tower's features into one shared space of unit vectors."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
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
    """Write heads as safetensors; their shapes' description goes into the file's metadata."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in heads.state_dict().items()}
    metadata = {
        f"{side}.{name}": str(value)
        for side, spec in (("image", heads.image_spec), ("text", heads.text_spec))
        for name, value in asdict(spec).items()
    }
    with whole_file(path) as temporary:
        save_file(tensors, temporary, metadata)


def load_heads(path: Path) -> HeadPair:
    """Read heads that `save_heads` wrote, in evaluation mode.

    Raises:
        InputError: the file is missing, is no safetensors file, or holds other things than heads.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; name the heads that `relinkage align` wrote.")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        heads = HeadPair(_spec(metadata, "image"), _spec(metadata, "text"))
        heads.load_state_dict(tensors)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} cannot be read as projection heads ({type(error).__name__}).") from None
    return heads.eval()


def _spec(metadata: dict[str, str], side: str) -> HeadSpec:
    kind = metadata[f"{side}.kind"]
    if kind not in ("linear", "mlp"):
        raise ValueError(kind)
    return HeadSpec(
        kind=kind,  # type: ignore[arg-type]  # narrowed by the line above, which mypy does not follow
        features=int(metadata[f"{side}.features"]),
        embedding=int(metadata[f"{side}.embedding"]),
        bias=metadata[f"{side}.bias"] == "True",
        hidden=int(metadata[f"{side}.hidden"]),
        dropout=float(metadata[f"{side}.dropout"]),
    )
