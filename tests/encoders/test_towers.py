"""Towers from transformers folders: what is pooled, and that it is what the model gives."""

import numpy as np
import pytest
import tiny_models
import torch

from relinkage.encoders import load_encoder
from relinkage.errors import InputError

REPORTS = ["small left pleural effusion", "no effusion", "right"]


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-bert"
    tiny_models.save_bert(folder)
    return folder


def encoded(encoder, radiograph):
    pixels = encoder.preprocess(radiograph)[None]
    return pixels, encoder.encode_images(pixels)


def test_a_vision_models_pooled_output_is_its_features(tmp_path, bert_folder, radiograph):
    model = tiny_models.save_vit(tmp_path / "vit", pooler=True)
    encoder = load_encoder(f"towers:{tmp_path / 'vit'}+{bert_folder}")
    pixels, features = encoded(encoder, radiograph)
    with torch.inference_mode():
        np.testing.assert_allclose(features, model(pixel_values=pixels).pooler_output, atol=1e-6)
    assert "image: the model's pooled output" in encoder.card.pooling


def test_without_a_pooler_patch_tokens_are_averaged_and_the_class_token_is_not(
    tmp_path, bert_folder, radiograph
):
    model = tiny_models.save_vit(tmp_path / "vit", pooler=False)
    encoder = load_encoder(f"towers:{tmp_path / 'vit'}+{bert_folder}")
    pixels, features = encoded(encoder, radiograph)
    with torch.inference_mode():
        patches = model(pixel_values=pixels).last_hidden_state[:, 1:]
    assert patches.shape[1] == (tiny_models.SIDE // 8) ** 2
    np.testing.assert_allclose(features, patches.mean(1), atol=1e-6)
    assert "image: mean of patch tokens" in encoder.card.pooling


def test_a_convolutional_networks_pooled_map_is_flattened(tmp_path, radiograph):
    model = tiny_models.save_resnet(tmp_path / "resnet")
    encoder = load_encoder(f"towers:{tmp_path / 'resnet'}+tfidf")
    encoder.fit(REPORTS)
    pixels, features = encoded(encoder, radiograph)
    with torch.inference_mode():
        expected = model(pixel_values=pixels).last_hidden_state.mean((2, 3))
    assert encoder.card.image_features == 12
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_the_vision_half_of_a_clip_model_serves_as_a_tower(clip_folder, radiograph):
    whole = load_encoder(str(clip_folder))
    tower = load_encoder(f"towers:{clip_folder}+tfidf")
    pixels, features = encoded(tower, radiograph)
    np.testing.assert_allclose(features, whole.encode_images(pixels), atol=1e-6)


def test_a_text_models_features_are_the_mean_over_its_tokens(tmp_path, bert_folder):
    from transformers import AutoTokenizer, BertModel

    tiny_models.save_vit(tmp_path / "vit", pooler=True)
    encoder = load_encoder(f"towers:{tmp_path / 'vit'}+{bert_folder}")
    model, tokenizer = BertModel.from_pretrained(bert_folder), AutoTokenizer.from_pretrained(bert_folder)
    with torch.inference_mode():
        alone = [
            model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0) for text in REPORTS
        ]
    np.testing.assert_allclose(encoder.encode_texts(REPORTS).features, torch.stack(alone), atol=1e-5)
    assert "text: mean of token vectors" in encoder.card.pooling


def test_the_token_limit_is_the_lower_of_tokenizer_and_model(tmp_path, bert_folder):
    tiny_models.save_vit(tmp_path / "vit", pooler=True)
    encoder = load_encoder(f"towers:{tmp_path / 'vit'}+{bert_folder}")
    assert encoder.card.token_limit == 12
    assert encoder.encode_texts(["no " * 10, "no " * 11]).truncated.tolist() == [False, True]


def test_towers_share_no_space_and_say_whose_they_are(clip_folder, bert_folder):
    encoder = load_encoder(f"towers:{clip_folder}+{bert_folder}")
    assert encoder.heads is None
    card = encoder.card
    assert card.id == "towers:tiny-clip+tiny-bert"
    assert card.embedding is None
    assert card.licence == "image: mit; text: not stated"
    assert card.revision.count("sha256:") == 2


def test_a_tower_on_the_wrong_side_is_refused(clip_folder, bert_folder):
    with pytest.raises(InputError, match="tiny-bert holds no vision model"):
        load_encoder(f"towers:{bert_folder}+tfidf")
    with pytest.raises(InputError, match="tiny-clip holds no text encoder"):
        load_encoder(f"towers:{clip_folder}+{clip_folder}")
