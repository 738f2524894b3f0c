"""MobileNetV2 from its folder: the numbers of the reference that lies beside the weights."""

import importlib.util
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from relinkage.encoders.mobilenet import MobileNetTower, mobilenet_file
from relinkage.errors import InputError

CPU = torch.device("cpu")


def tiny(folder, ops=None):
    """A stem, an inverted residual block with its skip, one that halves, a last layer and a classifier."""
    torch.manual_seed(0)
    shapes = [(4, 3, 3, 3), (8, 4, 1, 1), (8, 1, 3, 3), (4, 8, 1, 1)]
    shapes += [(8, 4, 1, 1), (8, 1, 3, 3), (6, 8, 1, 1), (10, 6, 1, 1), (2, 10, 1, 1)]
    weights = [torch.randn(shape) * 0.4 for shape in shapes]
    tensors = {f"c{i:02d}.weight": weight for i, weight in enumerate(weights)}
    tensors |= {f"c{i:02d}.bias": torch.randn(len(weight)) * 0.1 for i, weight in enumerate(weights)}
    block = [["conv", 1, 1, True], ["dw", 1, 3, True], ["conv", 1, 1, False], ["add"]]
    halving = [["conv", 1, 1, True], ["dw", 2, 3, True], ["conv", 1, 1, False]]
    ops = ops or [["conv", 2, 3, False], *block, *halving, ["conv", 1, 1, True], ["conv", 1, 1, False]]
    folder.mkdir()
    save_file(tensors, folder / "net.safetensors", {"ops": json.dumps(ops), "license": "Apache-2.0"})
    return tensors


def test_a_small_network_is_computed_as_written_out_by_hand(tmp_path):
    tensors = tiny(tmp_path / "net")

    def layer(x, i, stride=1, groups=1, relu6=True):
        if x.shape[1] == 3 or groups > 1:  # for these even sides SAME pads right and below first
            x = nn.functional.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        y = nn.functional.conv2d(
            x, tensors[f"c{i:02d}.weight"], tensors[f"c{i:02d}.bias"], stride, 0, 1, groups
        )
        return nn.functional.relu6(y) if relu6 else y

    pixels = torch.rand(3, 3, 32, 32) * 2 - 1
    stem = layer(pixels, 0, stride=2, relu6=False)
    block = stem + layer(layer(layer(stem, 1), 2, groups=8), 3, relu6=False)
    half = layer(layer(layer(block, 4), 5, stride=2, groups=8), 6, relu6=False)
    expected = layer(half, 7).mean((2, 3))
    tower = MobileNetTower(tmp_path / "net", CPU)
    np.testing.assert_allclose(tower.encode(pixels), expected.numpy(), atol=1e-5)
    assert tower.card.features == 10
    assert tower.card.licence == "Apache-2.0"


@pytest.mark.slow
def test_the_real_network_gives_the_references_features(mobilenet_folder, radiograph, tmp_path):
    spec = importlib.util.spec_from_file_location("reference", mobilenet_folder / "load.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    radiograph.save(tmp_path / "image.png")
    network = reference.FrozenMobileNetV2(mobilenet_file(mobilenet_folder)).eval()
    for square in ("pad", "stretch"):
        tower = MobileNetTower(mobilenet_folder, CPU, size=96, square=square)
        pixels = tower.preprocess(radiograph)
        assert torch.equal(pixels, reference.preprocess(tmp_path / "image.png", size=96, square=square))
        np.testing.assert_allclose(tower.encode(pixels[None]), network(pixels[None]), atol=1e-4)


def test_padding_keeps_proportions_and_stretching_fills_the_square(tmp_path):
    tiny(tmp_path / "net")
    white = Image.new("L", (64, 32), 255)
    padded = MobileNetTower(tmp_path / "net", CPU, size=32).preprocess(white)
    assert padded.shape == (3, 32, 32)
    assert (padded[:, 0] == -1).all()
    assert (padded[:, 16] == 1).all()
    assert (MobileNetTower(tmp_path / "net", CPU, size=32, square="stretch").preprocess(white) == 1).all()


def test_only_a_folder_of_this_layout_is_recognised(tmp_path, clip_folder):
    tiny(tmp_path / "net")
    assert mobilenet_file(tmp_path / "net") == tmp_path / "net/net.safetensors"
    assert mobilenet_file(clip_folder) is None
    assert mobilenet_file(tmp_path) is None


def test_operations_without_their_tensors_are_refused(tmp_path):
    tiny(tmp_path / "net", ops=[["conv", 2, 3, False]] + [["conv", 1, 1, True]] * 12)
    with pytest.raises(InputError, match=r"net\.safetensors cannot be read as a MobileNetV2"):
        MobileNetTower(tmp_path / "net", CPU)
