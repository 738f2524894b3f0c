"""Models in the layout of open_clip without its library: towers, heads, texts and what is refused."""

import html
import json
import pickle
import shutil
import sys

import numpy as np
import pytest
import tiny_open_clip
import torch
from PIL import Image
from transformers import AutoTokenizer

from relinkage.encoders import load_encoder
from relinkage.errors import InputError
from tiers import quick

pytestmark = pytest.mark.usefixtures("no_network")

REPORTS = [
    "no effusion",
    "left pleural effusion",
    "large",
    "small left right no effusion pleural large small",
]


@pytest.fixture(scope="module", params=quick(1, ["timm", "open_clip"]))
def made(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "tiny"
    return folder, tiny_open_clip.save_open_clip(folder, image=request.param)


@pytest.fixture(scope="module")
def encoder(made):
    return load_encoder(f"open_clip:{made[0]}")


def pixels_of(encoder, count=3):
    shades = np.random.default_rng(1).integers(0, 256, (count, 50, 40), dtype=np.uint8)
    return torch.stack([encoder.preprocess(Image.fromarray(image)) for image in shades])


def tokens_of(folder, texts):
    return AutoTokenizer.from_pretrained(folder / "text")(
        texts,
        padding="max_length",
        truncation=True,
        max_length=tiny_open_clip.TOKEN_LIMIT,
        return_tensors="pt",
    )


def test_embeddings_are_those_of_the_towers_and_heads_that_were_saved(made, encoder):
    folder, saved = made
    pixels = pixels_of(encoder)
    with torch.inference_mode():
        images = encoder.heads.embed_images(torch.from_numpy(encoder.encode_images(pixels)))
        texts = encoder.heads.embed_texts(torch.from_numpy(encoder.encode_texts(REPORTS).features))
        torch.testing.assert_close(images, saved.embed_images(pixels), atol=1e-5, rtol=0)
        torch.testing.assert_close(texts, saved.embed_texts(tokens_of(folder, REPORTS)), atol=1e-5, rtol=0)


def test_features_are_those_before_the_heads(made, encoder):
    folder, saved = made
    pixels = pixels_of(encoder)
    with torch.inference_mode():
        images = saved.image_features(pixels).numpy()
        texts = saved.text(**tokens_of(folder, REPORTS)).last_hidden_state[:, 0].numpy()
    np.testing.assert_allclose(encoder.encode_images(pixels), images, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(REPORTS).features, texts, atol=1e-5)


def test_the_card_and_the_heads_say_what_the_model_is(encoder):
    card = encoder.card
    assert card.id == "open_clip:tiny"
    assert (card.image_features, card.text_features, card.embedding) == (32, 16, tiny_open_clip.EMBEDDING)
    assert card.token_limit == tiny_open_clip.TOKEN_LIMIT
    assert encoder.heads.image_spec.kind == "linear"
    assert (encoder.heads.text_spec.kind, encoder.heads.text_spec.hidden) == ("mlp", tiny_open_clip.HIDDEN)
    assert "built by relinkage" in card.pooling


def test_texts_beyond_the_token_limit_are_flagged(encoder):
    room = tiny_open_clip.TOKEN_LIMIT - 2
    words = ["no", "left", "right", "small", "large", "pleural", "effusion", "no", "left"]
    texts = [" ".join(words[:room]), " ".join(words[: room + 1])]
    assert encoder.encode_texts(texts).truncated.tolist() == [False, True]


def test_texts_are_cleaned_as_open_clip_cleans_them(encoder):
    plain = encoder.encode_texts(["small left effusion"]).features
    untidy = encoder.encode_texts([f"  small\n{html.escape(html.escape(' '))} left\u00a0 effusion "]).features
    np.testing.assert_allclose(untidy, plain, atol=1e-6)


def test_bare_folders_and_open_clips_own_prefixes_are_understood(made, encoder):
    for name in (str(made[0]), f"open_clip:local-dir:{made[0]}"):
        assert load_encoder(name).card == encoder.card


@pytest.fixture
def copy(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "copy")


def edit(folder, part, **changes):
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"][part] |= changes
    path.write_text(json.dumps(config))


def test_other_ways_to_pool_texts_are_followed(made, copy):
    """The mean over what is no padding, and BERT's class token where none is stated."""
    folder, saved = made
    tokens = tokens_of(folder, REPORTS)
    with torch.inference_mode():
        hidden = saved.text(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    edit(copy, "text_cfg", hf_pooler_type="mean_pooler")
    mean = load_encoder(f"open_clip:{copy}").encode_texts(REPORTS).features
    np.testing.assert_allclose(mean, (hidden * mask).sum(1) / mask.sum(1), atol=1e-5)
    edit(copy, "text_cfg", hf_pooler_type=None)
    first = load_encoder(f"open_clip:{copy}").encode_texts(REPORTS).features
    np.testing.assert_allclose(first, hidden[:, 0], atol=1e-5)


@pytest.mark.parametrize("place", ["sibling", "named"])
def test_the_text_towers_files_may_lie_elsewhere(copy, encoder, place):
    """Beside the model's folder, or where the configuration was edited to point at."""
    elsewhere = copy.parent / "tiny-bert"
    (copy / "text").rename(elsewhere)
    if place == "named":
        elsewhere = elsewhere.rename(copy.parent / "words")
        edit(copy, "text_cfg", hf_model_name=str(elsewhere), hf_tokenizer_name=str(elsewhere))
    found = load_encoder(f"open_clip:{copy}").encode_texts(REPORTS).features
    np.testing.assert_allclose(found, encoder.encode_texts(REPORTS).features, atol=1e-6)


def test_without_the_text_towers_files_the_message_says_what_to_copy_where(copy, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    shutil.rmtree(copy / "text")
    with pytest.raises(
        InputError, match=r"somebody/tiny-bert, .*copy config.json, .*vocab.txt .* to .*copy/text"
    ):
        load_encoder(f"open_clip:{copy}")


def test_the_vocabulary_in_the_models_own_folder_comes_first(copy, encoder):
    for file in (copy / "text").glob("tokenizer*"):
        file.rename(copy / file.name)
    found = load_encoder(f"open_clip:{copy}").encode_texts(REPORTS).features
    np.testing.assert_allclose(found, encoder.encode_texts(REPORTS).features, atol=1e-6)


def test_weights_of_torch_are_read_without_running_code(copy, encoder, tmp_path):
    weights = copy / "open_clip_pytorch_model.bin"
    from safetensors.torch import load_file

    torch.save(load_file(copy / "open_clip_model.safetensors"), weights)
    (copy / "open_clip_model.safetensors").unlink()
    pixels = pixels_of(encoder)
    found = load_encoder(f"open_clip:{copy}").encode_images(pixels)
    np.testing.assert_array_equal(found, encoder.encode_images(pixels))

    marker = tmp_path / "was run"

    class Payload:
        def __reduce__(self):
            return marker.touch, ()

    weights.write_bytes(pickle.dumps(Payload(), protocol=2))
    with pytest.raises(InputError, match="needs no code to be run"):
        load_encoder(f"open_clip:{copy}")
    assert not marker.exists()


def test_weights_that_are_missing_are_not_drawn_at_random(copy):
    from safetensors.torch import load_file, save_file

    file = copy / "open_clip_model.safetensors"
    weights = load_file(file)
    save_file(
        {name: part for name, part in weights.items() if "ln_post" not in name and "k.norm" not in name}, file
    )
    with pytest.raises(InputError, match="does not hold the towers"):
        load_encoder(f"open_clip:{copy}")
    file.unlink()
    with pytest.raises(InputError, match="holds no weights"):
        load_encoder(f"open_clip:{copy}")


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("text_cfg", {"tokenizer_kwargs": {"trust_remote_code": True}}, "own code would be run"),
        ("vision_cfg", {"timm_model_kwargs": {"checkpoint_path": "x.bin"}}, "load a file of its own"),
    ],
)
def test_a_configuration_that_reaches_out_is_refused(copy, part, changes, message):
    edit(copy, part, **changes)
    with pytest.raises(InputError, match=message):
        load_encoder(f"open_clip:{copy}")


def test_towers_that_only_the_library_builds_name_the_extra(copy, monkeypatch):
    edit(copy, "vision_cfg", timm_pool="map", attentional_pool=True)
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(InputError, match=r"only open_clip builds; run pip install 'relinkage\[open-clip\]'"):
        load_encoder(f"open_clip:{copy}")


def test_a_folder_of_another_kind_is_refused(tmp_path):
    (tmp_path / "open_clip_config.json").write_text('{"model_cfg": {"embed_dim": 4, "audio_cfg": {}}}')
    with pytest.raises(InputError, match="does not describe an image tower and a text tower"):
        load_encoder(f"open_clip:{tmp_path}")


def test_pixels_of_another_size_than_the_tower_takes_are_found_at_once(copy):
    edit(copy, "vision_cfg", image_size=64)
    with pytest.raises(InputError, match="do not fit each other"):
        load_encoder(f"open_clip:{copy}")


def test_the_revision_follows_the_text_towers_files_too(copy, encoder):
    assert load_encoder(f"open_clip:{copy}").card.revision == encoder.card.revision
    config = copy / "text/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"note": "edited"}))
    assert load_encoder(f"open_clip:{copy}").card.revision != encoder.card.revision
