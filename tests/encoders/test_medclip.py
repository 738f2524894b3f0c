"""MedCLIP: its published state dict in, the embeddings that its own model gives one report at a time out."""

import re

import numpy as np
import pytest
import state_dict_models as tiny
import torch
from PIL import Image
from torch.nn import functional

from relinkage.encoders import load_encoder
from relinkage.encoders.state_dicts.medclip import medclip_pixels
from relinkage.errors import InputError

REPORTS = ["no effusion", "left pleural effusion .", "right", "no no no left right effusion"]
WIDTH = 5
MEAN, DEVIATION = 0.5862785803043838, 0.27950088968644304


def save(folder, image, bert):
    tiny.save_text_settings(folder, tiny.bert_config())
    torch.manual_seed(7)
    tensors = (
        image
        | tiny.bert_tensors(bert, "text_model.model.")
        | {"text_model.projection_head.weight": torch.randn(WIDTH, 12), "logit_scale": torch.tensor(2.6)}
    )
    torch.save(tensors, folder / "pytorch_model.bin")
    return tensors


def with_resnet(folder, bert=None):
    head = {"vision_model.model.fc.weight": torch.randn(WIDTH, 20)}
    return save(folder, tiny.resnet_tensors("vision_model.model.") | head, bert or tiny.tiny_bert())


def pixels_of(encoder):
    shades = np.random.default_rng(1).integers(0, 256, (2, 50, 70), dtype=np.uint8)
    return torch.stack([encoder.preprocess(Image.fromarray(values)) for values in shades])


def embedded(features, weight):
    return functional.normalize(features @ weight.T)


def test_with_a_resnet_the_classifiers_place_is_taken_by_the_head(tmp_path):
    tensors = with_resnet(tmp_path)
    encoder = load_encoder(f"medclip:{tmp_path}")
    pixels = pixels_of(encoder)
    pooled = tiny.resnet_grid(tensors, pixels, "vision_model.model.").mean((2, 3))
    features = torch.from_numpy(encoder.encode_images(pixels))
    torch.testing.assert_close(features, pooled, atol=1e-5, rtol=0)
    expected = embedded(pooled, tensors["vision_model.model.fc.weight"])
    torch.testing.assert_close(encoder.heads.embed_images(features), expected, atol=1e-5, rtol=0)


def test_with_a_swin_transformer_its_pooled_output_is_projected(tmp_path):
    swin = tiny.tiny_swin()
    image = tiny.swin_tensors(swin, "vision_model.model.", tmp_path / "elsewhere")
    head = {"vision_model.projection_head.weight": torch.randn(WIDTH, 8)}
    tensors = save(tmp_path / "model", image | head, tiny.tiny_bert())
    encoder = load_encoder(f"medclip:{tmp_path / 'model'}")
    pixels = pixels_of(encoder)
    with torch.inference_mode():
        pooled = swin(pixel_values=pixels).pooler_output
    features = torch.from_numpy(encoder.encode_images(pixels))
    torch.testing.assert_close(features, pooled, atol=1e-5, rtol=0)
    expected = embedded(pooled, tensors["vision_model.projection_head.weight"])
    torch.testing.assert_close(encoder.heads.embed_images(features), expected, atol=1e-5, rtol=0)


def test_text_is_the_mean_of_layers_one_two_and_last_over_the_tokens_of_each_report_alone(tmp_path):
    bert = tiny.tiny_bert()
    tensors = with_resnet(tmp_path, bert)
    encoder = load_encoder(f"medclip:{tmp_path}")
    alone = []
    for text in REPORTS:
        states = tiny.hidden_states(bert, text)
        assert len(states) == 4
        alone.append(((states[1] + states[2] + states[3]) / 3).mean(0))
    features = torch.from_numpy(encoder.encode_texts(REPORTS).features)
    torch.testing.assert_close(features, torch.stack(alone), atol=1e-5, rtol=0)
    expected = embedded(torch.stack(alone), tensors["text_model.projection_head.weight"])
    torch.testing.assert_close(encoder.heads.embed_texts(features), expected, atol=1e-5, rtol=0)


def test_a_vocabulary_without_settings_is_read_in_small_letters_as_bio_clinical_berts_is(tmp_path):
    with_resnet(tmp_path)
    encoder = load_encoder(f"medclip:{tmp_path}")
    small, large = encoder.encode_texts(["no effusion", "No EFFUSION"]).features
    np.testing.assert_allclose(small, large, atol=1e-6)


@pytest.mark.parametrize("shape", [(50, 70), (300, 261), (224, 224), (90, 231, 3)])
def test_pixels_are_value_by_value_those_of_the_feature_extractor(shape):
    values = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    gray = np.asarray(Image.fromarray(values).convert("L"))
    side = max(224, *gray.shape)
    square = np.zeros((side, side), np.uint8)
    top, left = int((side - gray.shape[0]) / 2), int((side - gray.shape[1]) / 2)
    square[top : top + gray.shape[0], left : left + gray.shape[1]] = gray
    resized = np.asarray(Image.fromarray(square).resize((224, 224), Image.Resampling.BICUBIC), np.float32)
    expected = (resized / np.float32(255) - np.float32(MEAN)) / np.float32(DEVIATION)
    made = medclip_pixels(Image.fromarray(values)).numpy()
    np.testing.assert_array_equal(made, np.repeat(expected[None], 3, 0))


def test_the_card_says_what_the_model_is(tmp_path):
    with_resnet(tmp_path / "medclip-resnet")
    card = load_encoder(f"medclip:{tmp_path / 'medclip-resnet'}").card
    assert card.id == "medclip:medclip-resnet"
    assert (card.image_features, card.text_features, card.embedding) == (20, 12, WIDTH)
    assert card.token_limit == tiny.POSITIONS
    assert "layers 1, 2 and the last" in card.pooling
    assert card.revision.startswith("sha256:")


def test_what_is_not_medclip_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"not a folder; name .* medclip: The pytorch_model\.bin"):
        load_encoder("medclip:nowhere")
    with pytest.raises(InputError, match=r"pytorch_model\.bin does not exist"):
        load_encoder(f"medclip:{tmp_path}")
    save(tmp_path, {"vision_model.model.cls_token": torch.ones(3)}, tiny.tiny_bert())
    with pytest.raises(InputError, match="neither a ResNet-50 nor a Swin transformer"):
        load_encoder(f"medclip:{tmp_path}")
    save(tmp_path, tiny.resnet_tensors("vision_model.model."), tiny.tiny_bert())
    with pytest.raises(InputError, match=r"no matrix vision_model\.model\.fc\.weight for 20 features"):
        load_encoder(f"medclip:{tmp_path}")


def test_a_swin_transformer_that_is_not_whole_is_refused_in_a_sentence(tmp_path):
    image = tiny.swin_tensors(tiny.tiny_swin(), "vision_model.model.", tmp_path / "elsewhere")
    del image["vision_model.model.encoder.layers.1.blocks.0.output.dense.bias"]
    save(tmp_path / "model", image, tiny.tiny_bert())
    with pytest.raises(InputError, match="lacks 1 weights of its SwinModel"):
        load_encoder(f"medclip:{tmp_path / 'model'}")
    tables = [name for name in image if name.endswith("relative_position_bias_table")]
    save(tmp_path / "model", {k: v for k, v in image.items() if k not in tables}, tiny.tiny_bert())
    with pytest.raises(InputError, match="holds no Swin transformer"):
        load_encoder(f"medclip:{tmp_path / 'model'}")


def test_a_bert_of_one_layer_is_refused_in_a_sentence(tmp_path):
    with_resnet(tmp_path)
    tensors = torch.load(tmp_path / "pytorch_model.bin")
    first = {name: value for name, value in tensors.items() if not re.search(r"encoder\.layer\.[12]", name)}
    torch.save(first, tmp_path / "pytorch_model.bin")
    tiny.save_text_settings(tmp_path, tiny.bert_config(layers=1))
    with pytest.raises(InputError, match="a BERT of one layer"):
        load_encoder(f"medclip:{tmp_path}")
