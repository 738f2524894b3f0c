"""A DINOv2 backbone such as RAD-DINO (arXiv 2401.10815) beside a BERT: two unimodal models as towers."""

import json

import numpy as np
import pytest
import tiny_models
import torch
from PIL import Image
from transformers import (
    BertModel,
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
)

from relinkage.encoders import load_encoder

SIDE, MEAN, DEVIATION = 28, 0.5307, 0.2583
REPORTS = ["no small left effusion", "right"]


def save_dino(folder, config, kind):
    torch.manual_seed(8)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = kind(config(**shape, image_size=SIDE, patch_size=14)).eval()
    model.save_pretrained(folder)
    processor = {
        "image_processor_type": "BitImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": SIDE},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": SIDE, "width": SIDE},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [MEAN] * 3,
        "image_std": [DEVIATION] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return model


@pytest.mark.parametrize(
    ("config", "kind"),
    [(Dinov2Config, Dinov2Model), (Dinov2WithRegistersConfig, Dinov2WithRegistersModel)],
)
def test_a_dinov2_tower_gives_its_class_token_and_a_bert_tower_the_mean_of_its_tokens(tmp_path, config, kind):
    model = save_dino(tmp_path / "rad-dino", config, kind)
    bert = tiny_models.save_bert(tmp_path / "bert")
    encoder = load_encoder(f"towers:{tmp_path / 'rad-dino'}+{tmp_path / 'bert'}")
    values = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    pixels = encoder.preprocess(Image.fromarray(values))[None]
    expected = (values.astype(np.float64) / 255 - MEAN) / DEVIATION
    np.testing.assert_allclose(pixels[0], np.repeat(expected[None], 3, 0), atol=1e-5)
    with torch.inference_mode():
        last = model(pixel_values=pixels).last_hidden_state
    np.testing.assert_allclose(encoder.encode_images(pixels), last[:, 0], atol=1e-5)
    assert isinstance(bert, BertModel)
    assert encoder.encode_texts(REPORTS).features.shape == (2, 16)
    assert (encoder.card.image_features, encoder.card.embedding) == (16, None)
    assert "image: the model's pooled output" in encoder.card.pooling
