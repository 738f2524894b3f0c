"""SigLIP models: the reference library's features and embeddings, and heads where a matrix is one."""

import json
import shutil

import numpy as np
import pytest
import tiny_siglip
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoTokenizer, SiglipModel

from relinkage.encoders import load_encoder
from relinkage.errors import InputError
from tiers import quick

pytestmark = pytest.mark.usefixtures("no_network")

REPORTS = ["No acute effusion.", "left", "the heart is enlarged, and much more of it all", "large, pleural"]


@pytest.fixture(scope="module", params=quick(1, ["siglip2", "siglip"]))
def folder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "tiny"
    getattr(tiny_siglip, f"save_{request.param}")(folder)
    return folder


@pytest.fixture(scope="module")
def encoder(folder):
    return load_encoder(f"siglip:{folder}")


def images(count=3):
    shades = np.random.default_rng(1).integers(0, 256, (count, 50, 40), dtype=np.uint8)
    return [Image.fromarray(image) for image in shades]


def test_embeddings_are_the_models_own(encoder, folder):
    model = SiglipModel.from_pretrained(folder).eval()
    pixels = torch.stack([encoder.preprocess(image) for image in images()])
    tokens = AutoTokenizer.from_pretrained(folder)(
        REPORTS,
        padding="max_length",
        truncation=True,
        max_length=tiny_siglip.TOKEN_LIMIT,
        return_tensors="pt",
    )
    with torch.inference_mode():
        output = model(pixel_values=pixels, **tokens)
        pooled = model.get_image_features(pixel_values=pixels).pooler_output.numpy()
        found = encoder.heads.embed_images(torch.from_numpy(encoder.encode_images(pixels)))
        texts = encoder.heads.embed_texts(torch.from_numpy(encoder.encode_texts(REPORTS).features))
    np.testing.assert_allclose(encoder.encode_images(pixels), pooled, atol=1e-6)
    torch.testing.assert_close(found, output.image_embeds, atol=1e-5, rtol=0)
    torch.testing.assert_close(texts, output.text_embeds, atol=1e-5, rtol=0)


def test_text_features_are_what_the_text_head_is_fed(encoder, folder):
    fed = []
    model = SiglipModel.from_pretrained(folder).eval()
    model.text_model.head.register_forward_hook(lambda _, given, __: fed.append(given[0]))
    tokens = AutoTokenizer.from_pretrained(folder)(
        REPORTS[1:2], padding="max_length", max_length=tiny_siglip.TOKEN_LIMIT, return_tensors="pt"
    )
    with torch.inference_mode():
        model.text_model(**tokens)
    np.testing.assert_allclose(encoder.encode_texts(REPORTS[1:2]).features, fed[0], atol=1e-6)


def test_pixels_are_those_of_the_reference_processor(encoder, folder):
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    for image in images():
        theirs = processor(images=image.convert("RGB"), return_tensors="pt")["pixel_values"][0]
        assert torch.equal(encoder.preprocess(image), theirs)


def test_pixels_are_those_of_the_published_recipe(encoder):
    """Bicubic to a square, whatever the shape was, then from [0, 255] to [-1, 1]."""
    image = images()[0]
    square = image.convert("RGB").resize((tiny_siglip.SIDE,) * 2, Image.Resampling.BICUBIC)
    expected = torch.from_numpy(np.asarray(square, np.float32) / 127.5 - 1).permute(2, 0, 1)
    torch.testing.assert_close(encoder.preprocess(image), expected, atol=1e-6, rtol=0)


def test_the_image_head_is_the_identity_and_the_text_head_has_a_bias(encoder):
    assert torch.equal(encoder.heads.image.weight, torch.eye(24))
    assert (encoder.heads.image_spec.kind, encoder.heads.image_spec.bias) == ("linear", False)
    text = encoder.heads.text_spec
    assert (text.kind, text.features, text.embedding, text.bias) == ("linear", 16, 24, True)
    assert encoder.heads.text.bias.abs().sum() > 0


def test_the_card_says_what_the_model_is(encoder):
    card = encoder.card
    assert card.id == "siglip:tiny"
    assert (card.image_features, card.text_features, card.embedding) == (24, 16, 24)
    assert card.token_limit == tiny_siglip.TOKEN_LIMIT
    assert "32×32" in card.preprocessing


def test_texts_beyond_the_token_limit_are_flagged(encoder, folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    short, long = "x" * 3, "x " * 40
    assert len(tokenizer(short)["input_ids"]) <= tiny_siglip.TOKEN_LIMIT < len(tokenizer(long)["input_ids"])
    assert encoder.encode_texts([short, long]).truncated.tolist() == [False, True]


def test_the_company_of_other_texts_changes_nothing(encoder):
    together = encoder.encode_texts(REPORTS).features
    alone = np.concatenate([encoder.encode_texts([text]).features for text in REPORTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_bare_folder_is_recognised_by_its_configuration(encoder, folder):
    assert load_encoder(str(folder)).card == encoder.card


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "siglip2"}, "NaFlex"),
        ({"model_type": "bert"}, "type bert, not siglip"),
    ],
)
def test_another_kind_of_model_is_refused(copy, changes, message):
    edit(copy / "config.json", **changes)
    with pytest.raises(InputError, match=message):
        load_encoder(f"siglip:{copy}")


def test_a_model_without_attention_pooling_is_refused(copy):
    vision = json.loads((copy / "config.json").read_text())["vision_config"]
    edit(copy / "config.json", vision_config=vision | {"vision_use_head": False})
    with pytest.raises(InputError, match="no attention pooling"):
        load_encoder(f"siglip:{copy}")


def test_without_sentencepiece_the_extra_is_named(copy, monkeypatch):
    """Another tokenizer would be found in its place, which keeps the punctuation that SigLIP's leaves out."""
    if not (copy / "spiece.model").exists():
        pytest.skip("this model's tokenizer is not sentencepiece's")
    monkeypatch.setattr("relinkage.encoders.siglip.installed", lambda name: name != "google.protobuf")
    with pytest.raises(InputError, match=r"pip install 'relinkage\[siglip\]'"):
        load_encoder(f"siglip:{copy}")
