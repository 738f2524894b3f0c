"""ResNets of bottleneck blocks with torchvision's names, built from the tensors that a checkpoint holds."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from relinkage.errors import InputError

_EXPANSION = 4
_STAGES = (1, 2, 3, 4)


class Bottleneck(nn.Module):
    """A residual block: 1×1, 3×3 with the stride, 1×1 (He et al. 2016, arXiv 1512.03385, fig. 5)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = _EXPANSION * width
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = (
            nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
            if stride > 1 or channels != out
            else nn.Identity()
        )

    def forward(self, grid: Tensor) -> Tensor:
        """Give the block's feature maps, shape (n, 4 · width, height / stride, width / stride)."""
        out = self.bn1(self.conv1(grid)).relu()
        out = self.bn2(self.conv2(out)).relu()
        return (self.bn3(self.conv3(out)) + self.downsample(grid)).relu()


class ResNet(nn.Module):
    """A ResNet up to its last feature maps: a stem and four stages, 32 times smaller than the image.

    ResNet-50 has a stem of 64 channels, blocks (3, 4, 6, 3) and widths (64, 128, 256, 512).
    """

    def __init__(self, stem: int, blocks: tuple[int, ...], widths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        channels = stem
        for stage, count, width in zip(_STAGES, blocks, widths, strict=True):
            made = []
            for block in range(count):
                made.append(Bottleneck(channels, width, 2 if stage > 1 and block == 0 else 1))
                channels = _EXPANSION * width
            self.add_module(f"layer{stage}", nn.Sequential(*made))
        self.channels = channels

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode images (n, 3, height, width): shape (n, channels, ⌈height / 32⌉, ⌈width / 32⌉)."""
        grid = self.bn1(self.conv1(pixels)).relu()
        grid = nn.functional.max_pool2d(grid, 3, 2, padding=1)
        for stage in _STAGES:
            grid = self.get_submodule(f"layer{stage}")(grid)
        return grid


def load_resnet(tensors: Mapping[str, Tensor], source: Path) -> ResNet:
    """Build the ResNet whose weights a checkpoint holds, in evaluation mode; a classifier `fc` is left out.

    Args:
        tensors: by torchvision's names (`conv1.weight`, `layer1.0.bn2.running_var`, …).
        source: the checkpoint, for the error message.

    Raises:
        InputError: they are not those of a bottleneck ResNet, or some are missing or of another shape.
    """
    blocks = tuple(
        len({name.split(".")[1] for name in tensors if re.match(rf"layer{stage}\.\d+\.conv3\.weight$", name)})
        for stage in _STAGES
    )
    try:
        widths = tuple(len(tensors[f"layer{stage}.0.conv1.weight"]) for stage in _STAGES)
        stem = len(tensors["conv1.weight"])
    except KeyError as error:
        raise InputError(f"{source} lacks {error.args[0]} of a ResNet-50; copy the file whole.") from None
    except TypeError:  # a tensor without dimensions has no length
        blocks = (0,)
    if not all(blocks):
        raise InputError(f"{source} holds no ResNet of bottleneck blocks; name a model with a ResNet-50.")
    with torch.device("meta"):  # real weights take their place, so none need be drawn
        network = ResNet(stem, blocks, widths)
    wanted = network.state_dict()
    held = {name: tensor.float() for name, tensor in tensors.items() if name in wanted}
    counters = {name: torch.tensor(0) for name in wanted if name.endswith(".num_batches_tracked")}
    lacking = sorted(wanted.keys() - held.keys() - counters.keys())
    if lacking:
        raise InputError(
            f"{source} lacks {len(lacking)} weights of its ResNet ({lacking[0]}, …); copy the file whole."
        )
    beyond = sorted(name for name in tensors.keys() - wanted.keys() if not name.startswith("fc."))
    if beyond:
        raise InputError(
            f"{source} holds a network with more than torchvision's ResNet has ({beyond[0]}, …); name the "
            "published file."
        )
    try:
        network.load_state_dict({**held, **counters}, assign=True)
    except RuntimeError:
        raise InputError(
            f"{source} holds a ResNet of other shapes than torchvision's; name the published file."
        ) from None
    return network.eval().requires_grad_(False)
