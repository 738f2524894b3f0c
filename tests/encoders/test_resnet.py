"""ResNets out of state dicts: torchvision's names and shapes, and what they compute."""

from pathlib import Path

import pytest
import state_dict_models as tiny
import torch

from relinkage.encoders.state_dicts.resnet import ResNet, load_resnet
from relinkage.errors import InputError

SOURCE = Path("weights.pt")


def test_resnet_50_has_torchvisions_names_and_number_of_parameters():
    """25,557,032 parameters, 2,049,000 of them in the classifier, which is left out."""
    with torch.device("meta"):
        network = ResNet(64, (3, 4, 6, 3), (64, 128, 256, 512))
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert sum(parameter.numel() for parameter in network.parameters()) == 25_557_032 - 2_049_000
    assert shapes["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert shapes["layer4.2.conv2.weight"] == (512, 512, 3, 3)
    assert shapes["layer3.5.bn3.running_var"] == (1024,)
    assert "layer1.1.downsample.0.weight" not in shapes
    assert len(shapes) == 318  # torchvision's 320 without fc.weight and fc.bias
    assert network.channels == 2048


@pytest.mark.parametrize("size", [(64, 64), (75, 50)])
def test_its_feature_maps_are_those_of_the_tensors_alone(size):
    tensors = tiny.resnet_tensors()
    pixels = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    grid = load_resnet(tensors, SOURCE)(pixels)
    torch.testing.assert_close(grid, tiny.resnet_grid(tensors, pixels), atol=1e-5, rtol=0)
    assert grid.shape == (2, 20, -(-size[0] // 32), -(-size[1] // 32))


def test_any_number_of_blocks_and_widths_is_read_off_the_tensors():
    tensors = tiny.resnet_tensors(blocks=(1, 2, 3, 1), widths=(4, 4, 4, 4), stem=16)
    assert "layer1.0.downsample.0.weight" in tensors
    pixels = torch.rand(1, 3, 64, 64)
    grid = tiny.resnet_grid(tensors, pixels)
    # A first block whose input is already as wide as its output has no projection on its shortcut.
    with pytest.raises(InputError, match=r"more than torchvision's ResNet has \(layer1\.0\.downsample"):
        load_resnet(tensors, SOURCE)
    plain = {name: value for name, value in tensors.items() if not name.startswith("layer1.0.downsample")}
    assert load_resnet(plain, SOURCE)(pixels).shape == grid.shape


def test_half_precision_and_missing_counters_are_read():
    tensors = tiny.resnet_tensors()
    stored = {
        name: value.half() for name, value in tensors.items() if not name.endswith("num_batches_tracked")
    }
    network = load_resnet(stored, SOURCE)
    assert network.conv1.weight.dtype == torch.float32
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_another_network_is_refused_in_a_sentence():
    basic = {name: value for name, value in tiny.resnet_tensors().items() if "conv3" not in name}
    with pytest.raises(InputError, match="no ResNet of bottleneck blocks"):
        load_resnet(basic, SOURCE)
    with pytest.raises(InputError, match=r"weights\.pt lacks conv1\.weight of a ResNet-50"):
        load_resnet(
            {name: value for name, value in tiny.resnet_tensors().items() if name != "conv1.weight"}, SOURCE
        )
    odd = tiny.resnet_tensors() | {"layer2.0.conv2.weight": torch.ones(3, 3, 5, 5)}
    with pytest.raises(InputError, match="of other shapes than torchvision's"):
        load_resnet(odd, SOURCE)
