"""Heads in published checkpoints: found by name, read as they are, and replaced in the right orientation."""

import json
import shutil

import pytest
import torch
from published import save_open_clip
from safetensors.torch import load_file, save_file
from torch.nn.functional import gelu, normalize

from relinkage.encoders import HeadPair, HeadSpec, load_encoder
from relinkage.encoders.checkpoints import copy_rest, layouts_of
from relinkage.errors import InputError

IMAGES, TEXTS = torch.randn(4, 12), torch.randn(3, 10)
HIDDEN = (10 + 6) // 2


def mlp(features, first, second):
    return gelu(features @ first.T) @ second.T


IMAGE_HEADS = {
    "a bare matrix": ({"visual.proj": torch.randn(12, 6)}, lambda x, w: x @ w["visual.proj"]),
    "timm's linear layer": (
        {"visual.head.proj.weight": torch.randn(6, 12)},
        lambda x, w: x @ w["visual.head.proj.weight"].T,
    ),
    "timm's linear layer with a bias": (
        {"visual.head.proj.weight": torch.randn(6, 12), "visual.head.proj.bias": torch.randn(6)},
        lambda x, w: x @ w["visual.head.proj.weight"].T + w["visual.head.proj.bias"],
    ),
    "timm's mlp": (
        {
            "visual.head.mlp.fc1.weight": torch.randn(12, 12),
            "visual.head.mlp.fc1.bias": torch.randn(12),
            "visual.head.mlp.fc2.weight": torch.randn(6, 12),
        },
        lambda x, w: (
            gelu(x @ w["visual.head.mlp.fc1.weight"].T + w["visual.head.mlp.fc1.bias"])
            @ w["visual.head.mlp.fc2.weight"].T
        ),
    ),
}
TEXT_HEADS = {
    "a bare matrix": ({"text_projection": torch.randn(10, 6)}, lambda x, w: x @ w["text_projection"]),
    "a tower's bare matrix": (
        {"text.text_projection": torch.randn(10, 6)},
        lambda x, w: x @ w["text.text_projection"],
    ),
    "a linear layer with a bias": (
        {"text_projection.weight": torch.randn(6, 10), "text_projection.bias": torch.randn(6)},
        lambda x, w: x @ w["text_projection.weight"].T + w["text_projection.bias"],
    ),
    "a linear layer of a Hugging Face tower": (
        {"text.proj.weight": torch.randn(6, 10)},
        lambda x, w: x @ w["text.proj.weight"].T,
    ),
    "an mlp of a Hugging Face tower, as BiomedCLIP's": (
        {"text.proj.0.weight": torch.randn(HIDDEN, 10), "text.proj.2.weight": torch.randn(6, HIDDEN)},
        lambda x, w: mlp(x, w["text.proj.0.weight"], w["text.proj.2.weight"]),
    ),
}


def same_direction(embeddings, outputs):
    torch.testing.assert_close(embeddings, normalize(outputs, dim=-1), atol=1e-5, rtol=0)


def fresh(layout):
    """Heads of the shape of the model's own, with other weights."""
    own = layout.heads()
    torch.manual_seed(5)
    return HeadPair(own.image_spec, own.text_spec).eval().requires_grad_(False)


@pytest.mark.parametrize("image", IMAGE_HEADS)
@pytest.mark.parametrize("text", TEXT_HEADS)
def test_open_clip_heads_are_read_and_replaced_under_their_names(tmp_path, image, text):
    (image_weights, by_image), (text_weights, by_text) = IMAGE_HEADS[image], TEXT_HEADS[text]
    save_open_clip(tmp_path / "model", image_weights | text_weights)
    (layout,) = layouts_of(tmp_path / "model")
    own = layout.heads()
    same_direction(own.embed_images(IMAGES), by_image(IMAGES, image_weights))
    same_direction(own.embed_texts(TEXTS), by_text(TEXTS, text_weights))

    heads = fresh(layout)
    if image == "timm's mlp":  # its last layer has no bias, so heads with one do not fit
        with pytest.raises(InputError, match="image head has a bias and the model's has none"):
            layout.check(heads)
        return
    layout.check(heads)
    (tmp_path / "out").mkdir()
    layout.write(heads, tmp_path / "out")
    before = load_file(tmp_path / "model/open_clip_model.safetensors")
    after = load_file(tmp_path / "out/open_clip_model.safetensors")
    assert {name: value.shape for name, value in after.items()} == {k: v.shape for k, v in before.items()}
    same_direction(heads.embed_images(IMAGES), by_image(IMAGES, after))
    same_direction(heads.embed_texts(TEXTS), by_text(TEXTS, after))
    untouched = before.keys() - image_weights.keys() - text_weights.keys()
    assert all(torch.equal(after[name], before[name]) for name in untouched)


LINEAR = {"visual.proj": torch.randn(12, 6), "text_projection": torch.randn(10, 6)}


def test_heads_without_a_bias_go_where_there_is_one_as_zeros(tmp_path):
    weights = IMAGE_HEADS["timm's linear layer with a bias"][0] | TEXT_HEADS["a bare matrix"][0]
    save_open_clip(tmp_path / "model", weights)
    (layout,) = layouts_of(tmp_path / "model")
    heads = HeadPair(HeadSpec("linear", 12, 6), HeadSpec("linear", 10, 6))
    layout.check(heads)
    layout.write(heads, tmp_path)
    assert not load_file(tmp_path / "open_clip_model.safetensors")["visual.head.proj.bias"].any()


def test_another_width_is_stated_where_the_architecture_allows_it(tmp_path):
    save_open_clip(tmp_path / "model", LINEAR)
    (layout,) = layouts_of(tmp_path / "model")
    heads = HeadPair(HeadSpec("linear", 12, 3), HeadSpec("linear", 10, 3))
    layout.check(heads)
    layout.write(heads, tmp_path)
    config = json.loads((tmp_path / "open_clip_config.json").read_text())
    assert config["model_cfg"]["embed_dim"] == 3
    assert load_file(tmp_path / "open_clip_model.safetensors")["visual.proj"].shape == (12, 3)


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ({"text.proj.0.weight": torch.ones(8, 10), "text.proj.2.weight": torch.ones(6, 8)}, {}),
        ({"text_projection": torch.ones(10, 6)}, {"multimodal_cfg": {}}),
        ({"text_projection": torch.ones(10, 6)}, {"vision_cfg": {"attentional_pool": True}}),
        ({"text_projection": torch.ones(10, 6)}, {"vision_cfg": {"timm_pool": "abs_attn"}}),
    ],
)
def test_another_width_is_refused_where_other_parts_depend_on_it(tmp_path, text, config):
    save_open_clip(tmp_path, {"visual.proj": torch.ones(12, 6)} | text, **config)
    (layout,) = layouts_of(tmp_path)
    spec = layout.heads().text_spec
    narrow = HeadSpec(spec.kind, 10, 3, hidden=spec.hidden)
    with pytest.raises(InputError, match=r"end in 3 dimensions and other parts of .* need 6"):
        layout.check(HeadPair(HeadSpec("linear", 12, 3), narrow))


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (HeadSpec("linear", 11, 6), "image head takes 11 features and the model gives 12"),
        (HeadSpec("linear", 12, 6, bias=True), "image head has a bias and the model's has none"),
        (HeadSpec("mlp", 12, 6, hidden=9), "image head is of the kind mlp and the model's is linear"),
        (
            HeadSpec("grid", 12, 6, bias=True, hidden=8),
            "image head is of the kind grid and the model's is lin",
        ),
    ],
)
def test_heads_that_the_architecture_has_no_place_for_are_refused(tmp_path, image, says):
    save_open_clip(tmp_path, LINEAR)
    with pytest.raises(InputError, match=says):
        layouts_of(tmp_path)[0].check(HeadPair(image, HeadSpec("linear", 10, 6)))


def test_a_hidden_layer_of_another_width_is_refused(tmp_path):
    mlps = TEXT_HEADS["an mlp of a Hugging Face tower, as BiomedCLIP's"][0]
    save_open_clip(tmp_path, {"visual.proj": torch.ones(12, 6)} | mlps)
    wide = HeadPair(HeadSpec("linear", 12, 6), HeadSpec("mlp", 10, 6, hidden=9))
    with pytest.raises(InputError, match="text head is 9 wide inside and the model's is 8"):
        layouts_of(tmp_path)[0].check(wide)


def test_a_pickled_checkpoint_of_a_parallel_training_is_read(tmp_path):
    parallel = {f"module.{name}": value for name, value in LINEAR.items()}
    torch.save({"epoch": 3, "state_dict": parallel}, tmp_path / "weights.bin")
    from relinkage.encoders.checkpoints.weights import read_weights

    assert read_weights(tmp_path / "weights.bin").keys() == LINEAR.keys()


def test_clip_heads_read_from_the_file_are_those_of_the_loaded_encoder(clip_folder):
    (layout,) = layouts_of(clip_folder)
    loaded = load_encoder(f"clip:{clip_folder}").heads
    for name, value in layout.heads().state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])


def test_what_holds_no_projection_or_no_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        layouts_of(tmp_path / "absent")
    with pytest.raises(InputError, match=r"holds no CLIP model of transformers .* and none of open_clip"):
        layouts_of(tmp_path)
    save_open_clip(
        tmp_path, {"text_projection": torch.ones(10, 6), "visual.attnpool.c_proj.weight": torch.ones(6, 6)}
    )
    with pytest.raises(InputError, match=r"has no image projection .*visual\.proj"):
        layouts_of(tmp_path)
    (tmp_path / "open_clip_model.safetensors").write_text("no tensors")
    with pytest.raises(InputError, match=r"open_clip_model\.safetensors cannot be read as weights"):
        layouts_of(tmp_path)
    (tmp_path / "open_clip_config.json").write_text("{}")
    with pytest.raises(InputError, match="has no model_cfg"):
        layouts_of(tmp_path)


def test_weights_that_are_not_rewritten_stay_behind(tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    (source / "onnx").mkdir(parents=True)
    (source / ".cache").mkdir()
    out.mkdir()
    (out / "config.json").write_text("new")
    for name in ("config.json", "vocab.txt", "tf_model.h5", "onnx/model.onnx", "onnx/README.md", ".cache/x"):
        (source / name).write_text("old")
    (source / "merges.txt").symlink_to(source / "vocab.txt")
    assert sorted(copy_rest(source, out)) == ["onnx/model.onnx", "tf_model.h5"]
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert written == ["config.json", "merges.txt", "onnx/README.md", "vocab.txt"]
    assert (out / "config.json").read_text() == "new"
    assert not (out / "merges.txt").is_symlink()


@pytest.mark.parametrize("wrapped", ["module. in safetensors", "module. in .bin", "state_dict"])
def test_weights_that_training_wrapped_are_loaded_all_the_same(clip_folder, tmp_path, wrapped):
    copy = shutil.copytree(clip_folder, tmp_path / "copy")
    named = {f"module.{name}": value for name, value in load_file(copy / "model.safetensors").items()}
    if wrapped == "module. in safetensors":
        save_file(named, copy / "model.safetensors", {"format": "pt"})
    else:
        (copy / "model.safetensors").unlink()
        torch.save(
            {"state_dict": named, "epoch": 3} if wrapped == "state_dict" else named,
            copy / "pytorch_model.bin",
        )
    whole, made = (load_encoder(str(folder)) for folder in (clip_folder, copy))
    assert (made.encode_texts(["no effusion"]).features == whole.encode_texts(["no effusion"]).features).all()
    (layout,) = layouts_of(copy)
    for name, value in layout.heads().state_dict().items():
        assert torch.equal(value, whole.heads.state_dict()[name])


def test_a_model_in_several_files_of_torch_is_read_and_written(clip_folder, tmp_path):
    """`pytorch_model.bin.index.json` and its files, as older releases of transformers wrote large models."""
    source, out = shutil.copytree(clip_folder, tmp_path / "source"), tmp_path / "out"
    tensors = load_file(source / "model.safetensors")
    (source / "model.safetensors").unlink()
    parts = {f"pytorch_model-0000{n + 1}-of-00002.bin": sorted(tensors)[n::2] for n in range(2)}
    for file, names in parts.items():
        torch.save({name: tensors[name] for name in names}, source / file)
    index = {"metadata": {}, "weight_map": {name: file for file, names in parts.items() for name in names}}
    (source / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    encoder = load_encoder(str(source))
    (layout,) = layouts_of(source)
    for name, value in layout.heads().state_dict().items():
        assert torch.equal(value, encoder.heads.state_dict()[name])
    heads = HeadPair(encoder.heads.image_spec, encoder.heads.text_spec)
    layout.check(heads)
    out.mkdir()
    layout.write(heads, out)
    copy_rest(source, out)
    written = load_encoder(str(out))
    for name, value in heads.state_dict().items():
        assert torch.equal(value, written.heads.state_dict()[name])
    assert (written.encode_texts(["left"]).features == encoder.encode_texts(["left"]).features).all()
