"""BioViL's heads: as published, over a grid of features, and with the BatchNorm kept or swapped."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from published import BertHead, biovil_image_head, save_biovil
from torch import nn

from relinkage.encoders import HeadPair, HeadSpec, load_heads, save_heads
from relinkage.encoders.checkpoints import biovil_heads, is_biovil
from relinkage.encoders.grid_head import GridGroupNorm
from relinkage.encoders.norms import with_norm
from relinkage.errors import InputError


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder as published, and the two heads as their papers describe them."""
    torch.manual_seed(0)
    image, text = biovil_image_head(), BertHead()
    folder = tmp_path_factory.mktemp("biovil")
    save_biovil(folder, image, text)
    return folder, image, text


def grids(images=3, channels=12, side=5):
    return torch.randn(images, channels, side, side, generator=torch.Generator().manual_seed(1))


def flat(grid):
    """(n, channels, height, width) as this package has it: (n, positions, channels)."""
    return grid.flatten(2).transpose(1, 2)


def by_definition(image, grid):
    return nn.functional.normalize(image(grid).mean((2, 3)), dim=-1)


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_both_heads_give_what_the_published_ones_give(published):
    folder, image, text = published
    assert is_biovil(folder)
    heads, cls = biovil_heads(folder), torch.randn(4, 10)
    with torch.inference_mode():
        close(heads.embed_images(flat(grids())), by_definition(image, grids()))
        close(heads.embed_texts(cls), nn.functional.normalize(text(cls), dim=-1))


def test_the_published_widths_are_read_off_the_weights(tmp_path):
    image, text = biovil_image_head(512, 128), BertHead(768, 128)
    save_biovil(tmp_path, image, text)
    heads = biovil_heads(tmp_path)
    assert (heads.image_spec.features, heads.text_spec.features, heads.image_spec.embedding) == (
        512,
        768,
        128,
    )
    published = sum(parameter.numel() for head in (image, text) for parameter in head.parameters())
    assert published == 197_504
    with torch.inference_mode():
        grid = grids(2, 512, 14)
        close(heads.embed_images(flat(grid)), by_definition(image, grid))


@pytest.mark.parametrize("prefix", ["model.", "image_model.backbone.", "module."])
@pytest.mark.parametrize("text_file", ["pytorch_model.bin", "model.safetensors"])
def test_names_may_carry_a_prefix(published, tmp_path, prefix, text_file):
    folder, image, text = published
    save_biovil(tmp_path, image, text, image_prefix=prefix, text_prefix="bert.", text_file=text_file)
    found, same = biovil_heads(tmp_path), biovil_heads(folder)
    for name, value in found.state_dict().items():
        assert torch.equal(value, same.state_dict()[name])


def test_loaded_heads_come_back_from_their_file(published, tmp_path):
    heads = biovil_heads(published[0])
    for norm in ("frozen", "none", "group"):
        pair = heads if norm == "frozen" else with_norm(heads, "keep" if norm == "none" else "group")
        save_heads(pair, tmp_path / "heads.safetensors")
        read = load_heads(tmp_path / "heads.safetensors")
        assert read.image_spec.norm == norm
        assert torch.equal(read.embed_images(flat(grids())), pair.embed_images(flat(grids())))
        assert torch.equal(read.embed_texts(torch.ones(2, 10)), pair.embed_texts(torch.ones(2, 10)))


def test_every_parameter_is_a_linear_layers(published):
    """So gradients can be clipped layer by layer, and statistics are never trained."""
    heads = biovil_heads(published[0])
    linear = [module for module in heads.modules() if isinstance(module, nn.Linear)]
    assert {id(p) for p in heads.parameters()} == {id(p) for layer in linear for p in layer.parameters()}


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_keeping_batch_norm_folds_it_and_changes_nothing(seed):
    torch.manual_seed(seed)
    pair = HeadPair(
        HeadSpec("grid", 12, 8, bias=True, hidden=8, norm="frozen"), HeadSpec("linear", 10, 8)
    ).eval()
    pair.image[2].scale.normal_()
    pair.image[2].shift.normal_()
    kept = with_norm(pair, "keep")
    assert kept.image_spec.norm == "none"
    with torch.inference_mode():
        close(kept.embed_images(flat(grids())), pair.embed_images(flat(grids())))
        assert torch.equal(kept.embed_texts(torch.ones(1, 10)), pair.embed_texts(torch.ones(1, 10)))


def test_the_swap_gives_what_a_fresh_group_norm_gives_and_not_what_the_model_gave(published):
    folder, image, _ = published
    heads = biovil_heads(folder)
    swapped = nn.Sequential(image[0], nn.GroupNorm(8, 8), image[2], image[3])
    with torch.inference_mode():
        given = with_norm(heads, "group").embed_images(flat(grids()))
        close(given, by_definition(swapped, grids()))
        assert (given - by_definition(image, grids())).abs().max() > 0.05
        assert (
            with_norm(heads, "group")
            .embed_texts(torch.ones(1, 10))
            .equal(heads.embed_texts(torch.ones(1, 10)))
        )


def test_the_swap_makes_at_most_32_groups():
    assert GridGroupNorm(128).groups == 32
    torch.manual_seed(0)
    grid = torch.randn(2, 7, 128)
    wanted = nn.GroupNorm(32, 128)(grid.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(GridGroupNorm(128)(grid), wanted)
    with pytest.raises(InputError, match="cannot split 40 channels into 32 equal groups"):
        GridGroupNorm(40)


def test_heads_are_left_as_they_are(published):
    heads = biovil_heads(published[0])
    before = {name: value.clone() for name, value in heads.state_dict().items()}
    with_norm(heads, "group").image[-1].weight.data.zero_()
    with_norm(heads, "keep").image[1].weight.data.zero_()
    assert all(torch.equal(value, before[name]) for name, value in heads.state_dict().items())


def test_there_must_be_a_batch_norm_to_swap(published):
    linear = HeadPair(HeadSpec("linear", 3, 2), HeadSpec("linear", 3, 2)).eval()
    assert torch.equal(with_norm(linear, "keep").image.weight, linear.image.weight)
    for pair in (linear, with_norm(biovil_heads(published[0]), "keep")):
        with pytest.raises(InputError, match="no BatchNorm to swap"):
            with_norm(pair, "group")


def test_pooled_features_are_refused_in_one_sentence(published):
    with pytest.raises(InputError, match=r"needs the grid of image features and these are pooled.*; give"):
        biovil_heads(published[0]).embed_images(torch.ones(3, 12))


def test_what_is_not_biovil_is_refused_by_what_it_lacks(published, tmp_path):
    _, image, text = published
    assert not is_biovil(tmp_path)
    with pytest.raises(InputError, match="holds 0 files"):
        biovil_heads(tmp_path)
    save_biovil(tmp_path, image, text)
    (tmp_path / "pytorch_model.bin").unlink()
    with pytest.raises(InputError, match="lacks the text model's weights"):
        biovil_heads(tmp_path)
    torch.save({"bert.weight": torch.ones(2)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pytorch_model\.bin holds 0 heads named cls_projection_head"):
        biovil_heads(tmp_path)
    save_biovil(tmp_path, nn.Sequential(*image[:1]), text)
    with pytest.raises(InputError, match=r"lacks projector\.model\.1\.weight"):
        biovil_heads(tmp_path)
    save_biovil(tmp_path, nn.Sequential(nn.Conv2d(12, 8, 3, bias=False), *image[1:]), text)
    with pytest.raises(InputError, match="heads of other shapes than BioViL's"):
        biovil_heads(tmp_path)


def test_a_checkpoint_that_would_run_code_is_not_read(published, tmp_path):
    save_biovil(tmp_path, *published[1:])
    marker = tmp_path / "was run"

    class Payload:
        def __reduce__(self):
            return marker.touch, ()

    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(), protocol=2))
    with pytest.raises(InputError, match="cannot be read as weights"):
        biovil_heads(tmp_path)
    assert not marker.exists()
