"""MobileNetV2 from a folder: a list of convolutions in one safetensors file, run with torch alone.

The file's tensors are `c00.weight`, `c00.bias`, `c01.weight`, … with batch normalisation folded in; its
metadata hold `ops`, a JSON list of `["conv" | "dw", stride, kernel, relu6]` and `["add"]`. An `add` closes an
inverted residual block (Sandler et al. 2018, arXiv 1801.04381) with its skip connection. The last
convolution is the classifier, which features leave out.
"""

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn import functional

from relinkage.encoders.settings import Square
from relinkage.encoders.towers import TowerCard
from relinkage.errors import InputError
from relinkage.files import fingerprint


def mobilenet_file(folder: Path) -> Path | None:
    """Give the network's file where `folder` has this layout: one safetensors file with `ops`, no config."""
    files = list(folder.glob("*.safetensors"))
    if len(files) != 1 or (folder / "config.json").exists():
        return None
    try:
        with safe_open(files[0], "pt") as file:
            return files[0] if "ops" in (file.metadata() or {}) else None
    except (SafetensorError, OSError):
        return None


class MobileNetTower:
    """A frozen MobileNetV2: 3-channel squares in [-1, 1] to the spatial mean of the last feature map."""

    def __init__(
        self, folder: Path, device: torch.device, *, size: int = 224, square: Square = "pad"
    ) -> None:
        """Read the network.

        Args:
            folder: a folder for which `mobilenet_file` gives a file.
            device: where the network runs.
            size: side of the square that goes in, in pixels.
            square: `pad` with black on both sides of the shorter edge, or `stretch`.

        Raises:
            InputError: the file does not hold the tensors that its list of operations asks for.
        """
        path = mobilenet_file(folder)
        if path is None:
            raise InputError(f"{folder} holds no safetensors file with a list of operations.")
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata()
                self._ops = json.loads(metadata["ops"])
                layers = sum(op[0] != "add" for op in self._ops) - 1
                self._weights = [
                    (
                        # On a CPU channels last take two thirds of the time.
                        file.get_tensor(f"c{i:02d}.weight").to(device, memory_format=torch.channels_last),
                        file.get_tensor(f"c{i:02d}.bias").to(device),
                    )
                    for i in range(layers)
                ]
            self._device, self._size, self._square = device, size, square
            width = self.encode(torch.zeros(1, 3, 32, 32)).shape[1]
        except (SafetensorError, OSError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path} cannot be read as a MobileNetV2 ({type(error).__name__}).") from None
        shape = "padded to a centred square with black" if square == "pad" else "stretched to a square"
        self._card = TowerCard(
            name=folder.resolve().name,
            revision=fingerprint(path.read_bytes()),
            licence=metadata.get("license", "not stated"),
            features=width,
            pooling="spatial mean of the last feature map",
            preprocessing=f"RGB, {shape}, bicubic to {size}×{size}, scaled to [-1, 1]",
        )

    @property
    def card(self) -> TowerCard:
        """What the network is."""
        return self._card

    def preprocess(self, image: Image.Image) -> Tensor:
        """Make a square of float32 in [-1, 1], shape (3, size, size)."""
        image = image.convert("RGB")
        if self._square == "pad":
            side = max(image.size)
            canvas = Image.new("RGB", (side, side))
            canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
            image = canvas
        image = image.resize((self._size, self._size), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.asarray(image, np.float32) / 127.5 - 1).permute(2, 0, 1)

    @torch.inference_mode()
    def encode(self, pixels: Tensor) -> NDArray[np.float32]:
        """Encode squares (n, 3, side, side) in [-1, 1]: float32, shape (n, features)."""
        x = skip = pixels.to(self._device, memory_format=torch.channels_last)
        weights = iter(self._weights)
        for op, following in zip(self._ops[:-1], self._ops[1:], strict=True):
            if op[0] == "add":
                x = skip = x + skip
                continue
            kind, stride, kernel, relu6 = op
            weight, bias = next(weights)
            x = functional.conv2d(
                _pad_same(x, kernel, stride), weight, bias, stride, groups=len(weight) if kind == "dw" else 1
            )
            if relu6:
                x = x.clamp(0, 6)
            elif following[0] != "add":
                skip = x  # a linear convolution ends a block: what comes next starts from here
        return x.mean((2, 3)).cpu().numpy()


def _pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad as TensorFlow's SAME does: ceil(side / stride) comes out, an odd pixel goes right or below."""
    padding = []
    for side in (x.shape[-1], x.shape[-2]):
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        padding += [total // 2, total - total // 2]
    return functional.pad(x, padding)
