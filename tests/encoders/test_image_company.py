"""An image's features depend on nothing but itself, whatever stands beside it in a batch."""

import numpy as np
import pytest
import state_dict_models
import tiny_models
import torch
from PIL import Image
from tiny_texts import clip, open_clip, siglip

from relinkage.encoders import load_encoder


def resnet(folder):
    tiny_models.save_resnet(folder)
    return (load_encoder(f"towers:{folder}+tfidf"),)


def vit(folder):
    tiny_models.save_vit(folder, pooler=False)
    return (load_encoder(f"towers:{folder}+tfidf"),)


def biovil(folder):
    folder.mkdir()
    state_dict_models.save_biovil(folder, several_images=True)
    return (load_encoder(f"biovil-t:{folder}"),)


def phantom(folder):
    return (load_encoder("phantom:report"),)


@pytest.mark.parametrize("build", [clip, siglip, open_clip, resnet, vit, biovil, phantom])
def test_features_are_those_of_the_image_alone(tmp_path, build):
    encoder = build(tmp_path / "model")[0]
    random = np.random.default_rng(1)
    shades = [random.integers(0, top, (50, 40), dtype=np.uint8) for top in (256, 9, 256, 2)]
    pixels = torch.stack([encoder.preprocess(Image.fromarray(image)) for image in shades])
    together = encoder.encode_images(pixels)
    alone = np.concatenate([encoder.encode_images(one[None]) for one in pixels])
    scale = np.abs(alone).max()
    np.testing.assert_allclose(together / scale, alone / scale, atol=1e-5)
