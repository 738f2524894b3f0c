"""Models that open_clip saved: what it gives is what relinkage gives, with its library and without.

open_clip needs torchvision, which fits only the torch it was built for; where it does not import, as beside a
torch without CUDA, these tests are skipped.
"""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_models
import tiny_open_clip
import tiny_texts
import torch
from PIL import Image
from safetensors.torch import save_file

from relinkage.encoders import load_encoder
from relinkage.encoders.open_clip import assemble
from relinkage.encoders.open_clip.folder import find_open_clip
from relinkage.encoders.open_clip.pixels import OpenClipPixels
from relinkage.errors import InputError

try:
    import open_clip
except (ImportError, RuntimeError) as error:
    pytest.skip(f"open_clip does not import here: {error}", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("no_network")

REPORTS = [
    "no effusion",
    "Left  pleural&amp; effusion",
    "",
    "small left right no effusion pleural large " * 20,
]
WORDS = {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
VIT = {"layers": 2, "width": 32, "head_width": 8, "patch_size": 8, "image_size": 32}
HF = {
    "hf_model_name": "text",
    "hf_tokenizer_name": "text",
    "hf_proj_type": "mlp",
    "hf_pooler_type": "cls_last_hidden_state_pooler",
    "context_length": 12,
}
TIMM = {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "", "timm_proj": "linear", "image_size": 224}
MODELS = {
    "BiomedCLIP": {"vision_cfg": TIMM, "text_cfg": HF},
    "BiomedCLIP with an MLP": {
        "vision_cfg": TIMM | {"timm_proj": "mlp"},
        "text_cfg": HF | {"hf_proj_type": "linear", "hf_pooler_type": "mean_pooler"},
    },
    "open_clip beside BERT": {"vision_cfg": VIT, "text_cfg": HF | {"hf_pooler_type": "cls_pooler"}},
    "OpenAI beside BERT": {
        "quick_gelu": True,
        "vision_cfg": VIT,
        "text_cfg": HF,
    },
    "BERT without pooler": {"vision_cfg": VIT, "text_cfg": HF | {"hf_pooler_type": None}},
    "CLIP": {"vision_cfg": VIT, "text_cfg": WORDS},
    "custom text": {"vision_cfg": VIT, "text_cfg": WORDS | {"proj_bias": True}, "custom_text": True},
    "ResNet": {
        "vision_cfg": {
            "layers": [1, 1, 1, 1],
            "width": 8,
            "image_size": 32,
            "patch_size": None,
            "head_width": 64,
        },
        "text_cfg": WORDS,
    },
    "SigLIP": {
        "vision_cfg": TIMM | {"timm_pool": "map", "timm_proj": "none"},
        "text_cfg": WORDS | {"no_causal_mask": True, "pool_type": "last", "proj_bias": True},
        "custom_text": True,
        "init_logit_bias": -10,
    },
}
WITHOUT = (
    "BiomedCLIP",
    "BiomedCLIP with an MLP",
    "open_clip beside BERT",
    "OpenAI beside BERT",
    "BERT without pooler",
)


@pytest.fixture(scope="module", params=MODELS)
def made(request, tmp_path_factory):
    """A model that open_clip built and saved, and what it gives for three images and some reports."""
    folder = tmp_path_factory.mktemp("open_clip") / "tiny"
    tiny_models.save_bert(folder / "text")
    (folder / "text/model.safetensors").unlink()
    embedding = 192 if request.param == "SigLIP" else 12
    stated = {
        "model_cfg": {"embed_dim": embedding, **MODELS[request.param]},
        "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4], "interpolation": "bilinear"},
    }
    config = json.loads(json.dumps(stated["model_cfg"]))
    if "hf_model_name" in config["text_cfg"]:
        config["text_cfg"] |= {"hf_model_name": str(folder / "text"), "hf_model_pretrained": False}
    kind = (
        open_clip.CustomTextCLIP
        if config.pop("custom_text", "hf_model_name" in config["text_cfg"])
        else open_clip.CLIP
    )
    torch.manual_seed(7)
    model = kind(**config).eval()
    for name, weight in model.named_parameters():
        if "bias" in name and weight.ndim == 1:
            torch.nn.init.normal_(weight, std=0.5)
    save_file(
        {name: part.contiguous() for name, part in model.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )
    (folder / "open_clip_config.json").write_text(json.dumps(stated))
    transform = open_clip.image_transform(
        stated["model_cfg"]["vision_cfg"]["image_size"],
        is_train=False,
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.4),
        interpolation="bilinear",
    )
    shades = np.random.default_rng(1).integers(0, 256, (3, 50, 40), dtype=np.uint8)
    images = [Image.fromarray(image) for image in shades]
    if "hf_model_name" in config["text_cfg"]:
        tokenizer = open_clip.tokenizer.HFTokenizer(str(folder / "text"), context_length=12)
    else:
        tokenizer = open_clip.SimpleTokenizer(context_length=12)
    with torch.inference_mode():
        return SimpleNamespace(
            name=request.param,
            folder=folder,
            images=images,
            pixels=torch.stack([transform(image) for image in images]),
            image=model.encode_image(torch.stack([transform(image) for image in images]), normalize=True),
            text=model.encode_text(tokenizer(REPORTS), normalize=True),
        )


def check(encoder, made):
    pixels = torch.stack([encoder.preprocess(image) for image in made.images])
    assert torch.equal(pixels, made.pixels)
    with torch.inference_mode():
        images = encoder.heads.embed_images(torch.from_numpy(encoder.encode_images(pixels)))
        texts = encoder.encode_texts(REPORTS)
        embedded = encoder.heads.embed_texts(torch.from_numpy(texts.features))
    torch.testing.assert_close(images, made.image, atol=1e-5, rtol=0)
    torch.testing.assert_close(embedded, made.text, atol=1e-5, rtol=0)
    assert texts.truncated.tolist() == [False, False, False, True]


def test_the_library_cut_before_its_heads_gives_its_own_embeddings(made):
    folder = find_open_clip(str(made.folder), download=False)
    check(assemble(folder, torch.device("cpu"), library=True), made)


def test_what_is_loaded_by_name_gives_the_librarys_embeddings_with_it_or_without(made):
    encoder = load_encoder(f"open_clip:{made.folder}")
    check(encoder, made)
    assert encoder.card.pooling.endswith("relinkage" if made.name in WITHOUT else "open_clip")


def test_a_tower_without_a_projection_has_the_identity_as_its_head(made):
    encoder = load_encoder(f"open_clip:{made.folder}")
    identity = encoder.heads.image_spec.kind == "linear" and torch.equal(
        encoder.heads.image.weight, torch.eye(encoder.card.embedding)
    )
    assert identity == (made.name in ("ResNet", "SigLIP"))


def test_weights_that_do_not_fit_are_refused(made):
    config = made.folder / "open_clip_config.json"
    before = config.read_text()
    try:
        config.write_text(
            before.replace('"embed_dim": 12', '"embed_dim": 10').replace('"depth": 2', '"depth": 3')
        )
        if config.read_text() == before:
            pytest.skip("nothing of this model's configuration was changed")
        with pytest.raises(InputError, match=r"cannot build|share no space"):
            assemble(find_open_clip(str(made.folder), download=False), torch.device("cpu"), library=True)
    finally:
        config.write_text(before)


@pytest.mark.parametrize("size", [32, (24, 40)])
@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("shape", [(45, 60), (61, 33), (20, 21), (200, 31)])
def test_pixels_are_the_librarys_value_by_value(size, mode, interpolation, shape):
    shades = np.random.default_rng(2).integers(0, 256, (*shape, 3), dtype=np.uint8)
    image = Image.fromarray(shades)
    theirs = open_clip.image_transform(
        size, is_train=False, interpolation=interpolation, resize_mode=mode, fill_color=7
    )
    if mode == "shortest" and size != 32:
        interpolation = "bicubic"  # open_clip forgets it there
    height, width = (size, size) if isinstance(size, int) else size
    ours = OpenClipPixels((height, width), interpolation=interpolation, resize_mode=mode, fill_color=7)
    assert torch.equal(ours(image), theirs(image))
    gray = image.convert("L")
    assert torch.equal(ours(gray), theirs(gray))


def test_the_models_that_the_other_tests_are_made_of_are_the_librarys_too(tmp_path):
    """tiny_open_clip puts transformers' towers under open_clip's names; open_clip must read them alike."""
    saved = tiny_open_clip.save_open_clip(tmp_path, image="open_clip")
    folder = find_open_clip(str(tmp_path), download=False)
    encoder = assemble(folder, torch.device("cpu"), library=True)
    pixels = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        images = encoder.heads.embed_images(torch.from_numpy(encoder.encode_images(pixels)))
        torch.testing.assert_close(images, saved.embed_images(pixels), atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("pooler", ["cls_last_hidden_state_pooler", "mean_pooler"])
@pytest.mark.parametrize("pad", ["[PAD]", "[SEP]"])
def test_texts_are_padded_as_the_library_pads_them_whoever_builds_the_towers(tmp_path, side, pooler, pad):
    """Alone, in a batch and beside longer texts; short ones are not called cut, whatever side is padded."""
    own, _ = tiny_texts.open_clip(tmp_path / "model", side=side, pooler=pooler, pad=pad)
    folder = find_open_clip(str(tmp_path / "model"), download=False)
    theirs = assemble(folder, torch.device("cpu"), library=True)
    texts = ["no effusion", "left", "", "small left pleural effusion", "no small left pleural effusion " * 4]
    expected = theirs.encode_texts(texts)
    assert expected.truncated.tolist() == [False, False, False, False, True]
    for encoder in (own, theirs):
        made = encoder.encode_texts(texts)
        assert made.truncated.tolist() == expected.truncated.tolist()
        alone = np.concatenate([encoder.encode_texts([text]).features for text in texts])
        np.testing.assert_allclose(made.features, expected.features, atol=1e-5)
        np.testing.assert_allclose(alone, expected.features, atol=1e-5)
