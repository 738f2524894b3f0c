"""CXR-CLIP: training checkpoints with their settings in, the features that the evaluation code takes out."""

import sys
import warnings
from contextlib import suppress
from types import ModuleType

import numpy as np
import pytest
import state_dict_models as tiny
import torch
from PIL import Image
from torch.nn import functional

from relinkage.encoders import load_encoder
from relinkage.encoders.state_dicts.checkpoint import read_training_checkpoint
from relinkage.encoders.state_dicts.cxr_clip import cxr_clip_pixels
from relinkage.errors import InputError

REPORTS = ["no effusion", "left pleural effusion .", "right", "no no no left right effusion"]
WIDTH = 5


def heads(images, texts=12):
    torch.manual_seed(6)
    return {
        "image_projection.projection.weight": torch.randn(WIDTH, images),
        "image_projection.projection.bias": torch.randn(WIDTH),
        "text_projection.projection.weight": torch.randn(WIDTH, texts),
        "text_projection.projection.bias": torch.randn(WIDTH),
        "logit_scale": torch.tensor(2.0),
    }


def settings(pooling="eos", tokens=256):
    return {"model": {"text_encoder": {"pooling": pooling}}, "base": {"text_max_length": tokens}}


def save(folder, image, bert, *, config=None, file="r50_m.tar", more=None):
    """Save a checkpoint as CXR-CLIP's trainer does, beside what Bio_ClinicalBERT has next to its weights."""
    tiny.save_text_settings(folder, tiny.bert_config())
    model = image | tiny.bert_tensors(bert, "text_encoder.text_encoder.") | (more or {})
    torch.save(
        {
            "model": model,
            "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 5e-5}]},
            "scheduler": {"last_epoch": 3},
            "config": settings() if config is None else config,
            "epoch": 15,
            "train_loss": 0.4,
        },
        folder / file,
    )
    return model


def with_resnet(folder, **choices):
    bert = tiny.tiny_bert()
    image = tiny.resnet_tensors("image_encoder.resnet.")
    return save(folder, image, bert, **({"more": heads(20)} | choices)), bert


def pictures(count=2):
    shades = np.random.default_rng(1).integers(0, 256, (count, 50, 70), dtype=np.uint8)
    return [Image.fromarray(values) for values in shades]


def embedded(features, model, side):
    weight, bias = (model[f"{side}_projection.projection.{part}"] for part in ("weight", "bias"))
    return functional.normalize(features @ weight.T + bias)


def test_with_a_resnet_images_are_the_mean_of_its_last_feature_maps(tmp_path):
    model, _ = with_resnet(tmp_path)
    encoder = load_encoder(f"cxr-clip:{tmp_path}")
    pixels = torch.stack([encoder.preprocess(picture) for picture in pictures()])
    pooled = tiny.resnet_grid(model, pixels, "image_encoder.resnet.").mean((2, 3))
    features = torch.from_numpy(encoder.encode_images(pixels))
    torch.testing.assert_close(features, pooled, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        encoder.heads.embed_images(features), embedded(pooled, model, "image"), atol=1e-5, rtol=0
    )


def test_with_a_swin_transformer_images_are_its_first_token(tmp_path):
    swin = tiny.tiny_swin()
    image = tiny.swin_tensors(swin, "image_encoder.image_encoder.", tmp_path / "elsewhere")
    model = save(tmp_path / "model", image, tiny.tiny_bert(), more=heads(8), file="swint_m.tar")
    encoder = load_encoder(f"cxr-clip:{tmp_path / 'model'}")
    pixels = torch.stack([encoder.preprocess(picture) for picture in pictures()])
    with torch.inference_mode():
        first = swin(pixel_values=pixels).last_hidden_state[:, 0]
    features = torch.from_numpy(encoder.encode_images(pixels))
    torch.testing.assert_close(features, first, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        encoder.heads.embed_images(features), embedded(first, model, "image"), atol=1e-5, rtol=0
    )
    assert "mean 0.5/0.5/0.5" in encoder.card.preprocessing
    assert "image: first token" in encoder.card.pooling


@pytest.mark.parametrize(
    ("pooling", "take"),
    [("eos", lambda last: last[-1]), ("bos", lambda last: last[0]), ("mean", lambda last: last.mean(0))],
)
def test_text_is_pooled_as_the_checkpoints_settings_say(tmp_path, pooling, take):
    model, bert = with_resnet(tmp_path, config=settings(pooling))
    encoder = load_encoder(f"cxr-clip:{tmp_path}")
    alone = torch.stack([take(tiny.hidden_states(bert, text)[-1]) for text in REPORTS])
    features = torch.from_numpy(encoder.encode_texts(REPORTS).features)
    torch.testing.assert_close(features, alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        encoder.heads.embed_texts(features), embedded(alone, model, "text"), atol=1e-5, rtol=0
    )


def test_text_is_cut_where_training_cut_it(tmp_path):
    with_resnet(tmp_path, config=settings(tokens=6))
    encoder = load_encoder(f"cxr-clip:{tmp_path}")
    assert encoder.card.token_limit == 6
    encoded = encoder.encode_texts(["no no no no", "no no no no left"])
    assert encoded.truncated.tolist() == [False, True]
    np.testing.assert_allclose(encoded.features[0], encoded.features[1], atol=1e-5)


def test_weights_saved_without_settings_are_taken_for_published_ones(tmp_path):
    model, bert = with_resnet(tmp_path)
    (tmp_path / "r50_m.tar").unlink()
    torch.save(model, tmp_path / "weights.pt")
    encoder = load_encoder(f"cxr-clip:{tmp_path}")
    alone = torch.stack([tiny.hidden_states(bert, text)[-1][-1] for text in REPORTS])
    np.testing.assert_allclose(encoder.encode_texts(REPORTS).features, alone, atol=1e-5)


@pytest.fixture
def omegaconf(monkeypatch):
    """Classes by the names under which OmegaConf pickles a list of settings, which is not installed here."""
    made = {}
    names = {"listconfig": ["ListConfig"], "base": ["ContainerMetadata"], "nodes": ["AnyNode"]}
    monkeypatch.setitem(sys.modules, "omegaconf", ModuleType("omegaconf"))
    for part, classes in names.items():
        module = ModuleType(f"omegaconf.{part}")
        for name in classes:
            made[name] = type(name, (), {"__module__": module.__name__})
            setattr(module, name, made[name])
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


def test_lists_that_omegaconf_left_among_the_settings_are_no_obstacle(tmp_path, omegaconf, monkeypatch):
    """The published settings hold one: `scale: [0.8, 1.1]` of the training transform."""
    scale, node = omegaconf["ListConfig"](), omegaconf["AnyNode"]()
    node.__dict__.update(_val=0.8, _parent=scale)
    scale.__dict__.update(_content=[node], _metadata=omegaconf["ContainerMetadata"](), _kind=list)
    with_resnet(tmp_path, config=settings("bos") | {"transform": {"train": {"scale": scale}}})
    for name in list(sys.modules):
        if name.startswith("omegaconf"):
            monkeypatch.delitem(sys.modules, name)
    assert "text: [CLS] token" in load_encoder(f"cxr-clip:{tmp_path}").card.pooling
    assert "omegaconf" not in sys.modules


def test_anything_else_that_needs_code_is_refused(tmp_path):
    with_resnet(tmp_path, config=settings() | {"run": print})
    with pytest.raises(InputError, match="needs no code to be run"):
        load_encoder(f"cxr-clip:{tmp_path}")


@pytest.mark.parametrize("shape", [(50, 70, 3), (224, 227), (224, 224), (500, 227)])
def test_pixels_are_value_by_value_those_of_the_evaluation_transform(shape):
    values = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    picture = Image.fromarray(values).convert("RGB")
    height, width = shape[:2]
    size = (224, int(224 * height / width)) if width <= height else (int(224 * width / height), 224)
    resized = np.asarray(picture.resize(size, Image.Resampling.BILINEAR), np.float32) / np.float32(255)
    top, left = (round((side - 224) / 2.0) for side in resized.shape[:2])
    cut = resized[top : top + 224, left : left + 224].transpose(2, 0, 1)
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    expected = (cut - mean[:, None, None]) / deviation[:, None, None]
    made = cxr_clip_pixels(Image.fromarray(values), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    np.testing.assert_array_equal(made.numpy(), expected)


def test_the_card_says_what_the_model_is(tmp_path):
    with_resnet(tmp_path / "r50")
    card = load_encoder(f"cxr-clip:{tmp_path / 'r50'}").card
    assert (card.id, card.licence) == ("cxr-clip:r50", "CC-BY-NC-4.0")
    assert (card.image_features, card.text_features, card.embedding) == (20, 12, WIDTH)
    assert card.image_positions is None
    assert card.token_limit == tiny.POSITIONS
    assert "mean 0.485/0.456/0.406" in card.preprocessing


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"more": {}}, "holds no matrix image_projection.projection.weight for 20 features"),
        ({"more": heads(21)}, "holds no matrix image_projection.projection.weight for 20 features"),
        ({"more": heads(20) | {"image_projection.fc.weight": torch.ones(5, 5)}}, "MLP heads with a residual"),
        ({"config": settings("max")}, "takes text in a way that relinkage does not know"),
        ({"config": settings(tokens=2)}, "takes text in a way that relinkage does not know"),
        ({"more": heads(20) | {"text_projection.projection.bias": torch.ones(4)}}, "of other shapes"),
    ],
)
def test_another_kind_of_cxr_clip_is_refused_in_a_sentence(tmp_path, choices, sentence):
    with_resnet(tmp_path, **choices)
    with pytest.raises(InputError, match=sentence):
        load_encoder(f"cxr-clip:{tmp_path}")


def test_another_image_encoder_is_refused_in_a_sentence(tmp_path):
    vit = {"image_encoder.image_encoder.embeddings.cls_token": torch.ones(1, 1, 4)}
    save(tmp_path, vit, tiny.tiny_bert(), more=heads(4))
    with pytest.raises(InputError, match="neither a ResNet-50 nor a Swin transformer"):
        load_encoder(f"cxr-clip:{tmp_path}")


def test_one_checkpoint_is_wanted_and_a_folder(tmp_path):
    with pytest.raises(InputError, match="holds 0 checkpoints"):
        load_encoder(f"cxr-clip:{tmp_path}")
    (tmp_path / "a.tar").touch()
    (tmp_path / "b.pt").touch()
    with pytest.raises(InputError, match="holds 2 checkpoints"):
        load_encoder(f"cxr-clip:{tmp_path}")
    with pytest.raises(
        InputError, match=r"nowhere is not a folder; .* beside Bio_ClinicalBERT's config.json"
    ):
        load_encoder("cxr-clip:nowhere")
    (tmp_path / "b.pt").unlink()
    with pytest.raises(InputError, match="cannot be read as weights"):
        load_encoder(f"cxr-clip:{tmp_path}")


def test_a_damaged_checkpoint_is_one_sentence_and_never_a_traceback(tmp_path):
    with_resnet(tmp_path)
    file = tmp_path / "r50_m.tar"
    whole, random = file.read_bytes(), np.random.default_rng(3)
    for case in range(60):
        damaged = bytearray(whole[: random.integers(len(whole))] if case % 3 == 0 else whole)
        if case % 3:
            damaged[random.integers(2000)] = random.integers(256)
        file.write_bytes(damaged)
        with warnings.catch_warnings(), suppress(InputError):
            warnings.simplefilter("ignore", UserWarning)  # torch's, of a pickle protocol that is none
            read_training_checkpoint(file)
