"""CLIP models: features that stop before the projections, and heads that are those projections."""

import json
import shutil

import numpy as np
import pytest
import tiny_models
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

from relinkage.encoders import load_encoder
from relinkage.errors import InputError

REPORTS = ["effusion", "no finding", "the heart is enlarged, and much more", "left"]


@pytest.fixture(scope="module")
def encoder(clip_folder):
    return load_encoder(f"clip:{clip_folder}")


@pytest.fixture(scope="module")
def model(clip_folder):
    return CLIPModel.from_pretrained(clip_folder).eval()


def pixels_of(encoder, count=3):
    shades = np.random.default_rng(1).integers(0, 256, (count, 50, 40), dtype=np.uint8)
    return torch.stack([encoder.preprocess(Image.fromarray(image)) for image in shades])


def test_embeddings_are_the_models_own(encoder, model, clip_folder):
    pixels = pixels_of(encoder)
    tokens = AutoTokenizer.from_pretrained(clip_folder)(
        REPORTS, padding=True, truncation=True, max_length=tiny_models.TOKEN_LIMIT, return_tensors="pt"
    )
    with torch.inference_mode():
        output = model(pixel_values=pixels, **tokens)
        images = encoder.heads.embed_images(torch.from_numpy(encoder.encode_images(pixels)))
        texts = encoder.heads.embed_texts(torch.from_numpy(encoder.encode_texts(REPORTS).features))
    torch.testing.assert_close(images, output.image_embeds, atol=1e-5, rtol=0)
    torch.testing.assert_close(texts, output.text_embeds, atol=1e-5, rtol=0)


def test_features_are_what_the_projections_are_fed(encoder, model):
    fed = {}
    for side in ("visual_projection", "text_projection"):
        getattr(model, side).register_forward_hook(
            lambda _, given, __, side=side: fed.update({side: given[0]})
        )
    pixels = pixels_of(encoder)
    with torch.inference_mode():
        model(pixel_values=pixels, input_ids=torch.tensor([[512, 5, 6, 513]]))
    np.testing.assert_allclose(encoder.encode_images(pixels), fed["visual_projection"], atol=1e-6)
    assert encoder.encode_texts(["x"]).features.shape == fed["text_projection"].shape


@pytest.mark.parametrize("shape", [(50, 40), (33, 61), (32, 32), (200, 41)])
def test_pixels_are_those_of_the_reference_processor_value_by_value(encoder, clip_folder, shape):
    image = Image.fromarray(np.random.default_rng(2).integers(0, 256, (*shape, 3), dtype=np.uint8))
    processor = AutoImageProcessor.from_pretrained(clip_folder, backend="pil")
    theirs = processor(images=image, return_tensors="pt")["pixel_values"][0]
    assert torch.equal(encoder.preprocess(image), theirs)


def test_the_card_says_what_the_model_is(encoder):
    card = encoder.card
    assert card.id == "clip:tiny-clip"
    assert card.licence == "mit"
    assert card.revision.startswith("sha256:")
    assert (card.image_features, card.text_features, card.embedding) == (32, 24, 16)
    assert card.token_limit == tiny_models.TOKEN_LIMIT
    assert "shortest edge 32" in card.preprocessing
    assert encoder.heads.image_spec.kind == "linear"
    assert not encoder.heads.image_spec.bias


def test_texts_beyond_the_token_limit_are_flagged(encoder):
    """Every letter is a token here, and two tokens mark the beginning and the end."""
    room = tiny_models.TOKEN_LIMIT - 2
    encoded = encoder.encode_texts(["a" * room, "a" * (room + 1), "a" * room + " b"])
    assert encoded.truncated.tolist() == [False, True, True]
    np.testing.assert_allclose(encoded.features[0], encoded.features[2], atol=1e-5)


def test_the_company_of_other_texts_changes_nothing_that_matters(encoder):
    together = encoder.encode_texts(REPORTS).features
    alone = np.concatenate([encoder.encode_texts([text]).features for text in REPORTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_loading_and_encoding_say_nothing(clip_folder, capfd):
    load_encoder(f"clip:{clip_folder}").encode_texts(["a" * 500])
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def copy(clip_folder, tmp_path):
    return shutil.copytree(clip_folder, tmp_path / "copy")


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("config.json", "config.json does not exist"),
        ("model.safetensors", "cannot be loaded"),
        ("preprocessor_config.json", "lacks preprocessor_config.json"),
        ("tokenizer.json", "holds no tokenizer"),
    ],
)
def test_a_folder_that_lacks_a_part_is_refused_by_that_part(copy, lost, message):
    (copy / lost).unlink()
    with pytest.raises(InputError, match=message):
        load_encoder(f"clip:{copy}")


def test_weights_that_are_missing_are_not_drawn_at_random(copy):
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="lacks 1 of the model's weights"):
        load_encoder(f"clip:{copy}")


def test_a_pickle_in_place_of_weights_is_not_run(copy):
    import pickle

    marker = copy / "was run"
    (copy / "model.safetensors").unlink()

    class Payload:
        def __reduce__(self):
            return marker.touch, ()

    (copy / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(), protocol=2))
    with pytest.raises(InputError, match="cannot be loaded"):
        load_encoder(f"clip:{copy}")
    assert not marker.exists()


def test_a_models_own_code_is_not_run(copy):
    (copy / "code.py").write_text(f"open({str(copy / 'was run')!r}, 'w')\nclass Model: ...\n")
    edit(copy / "config.json", model_type="clip", auto_map={"AutoModel": "code.Model"})
    load_encoder(f"clip:{copy}")
    assert not (copy / "was run").exists()


def test_a_tokenizer_of_another_model_is_refused(copy):
    config = json.loads((copy / "config.json").read_text())
    edit(copy / "config.json", text_config=config["text_config"] | {"eos_token_id": 7})
    with pytest.raises(InputError, match="the model expects 7"):
        load_encoder(f"clip:{copy}")


def test_images_of_differing_shapes_are_refused(copy):
    edit(copy / "preprocessor_config.json", do_center_crop=False)
    with pytest.raises(InputError, match="differing shapes"):
        load_encoder(f"clip:{copy}")


def test_the_revision_follows_the_files(copy, clip_folder):
    same = load_encoder(f"clip:{copy}").card.revision
    assert same == load_encoder(f"clip:{clip_folder}").card.revision
    edit(copy / "preprocessor_config.json", image_mean=[0.5, 0.5, 0.5])
    assert load_encoder(f"clip:{copy}").card.revision != same
