"""An encoder put together from functions: it hands on what they give, and asks for no gradients."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from embeddings.manifests import sketched_card
from relinkage.encoders import HeadPair, HeadSpec
from relinkage.encoders.assembled import AssembledEncoder
from relinkage.encoders.protocol import TextFeatures

CARD = sketched_card(id="toy", image_features=3, text_features=2, embedding=4, token_limit=5)


def lengths(texts):
    return TextFeatures(np.array([[len(text), 1] for text in texts], np.float32), np.array([False, True]))


@pytest.fixture
def toy():
    images = nn.Linear(4, 3)
    heads = HeadPair(HeadSpec("linear", features=3, embedding=4), HeadSpec("linear", features=2, embedding=4))
    made = AssembledEncoder(CARD, heads, lambda image: torch.tensor(image.size), images, lengths)
    return made, images, heads


def test_its_parts_answer_for_it(toy):
    encoder, images, heads = toy
    assert (encoder.card, encoder.heads) == (CARD, heads)
    assert encoder.preprocess(Image.new("L", (3, 4))).tolist() == [3, 4]
    pixels = torch.rand(2, 4)
    np.testing.assert_array_equal(encoder.encode_images(pixels), images(pixels).detach().numpy())
    texts = encoder.encode_texts(["one", "three"])
    assert texts.features.tolist() == [[3, 1], [5, 1]]
    assert texts.truncated.tolist() == [False, True]


def test_a_grid_of_features_stays_a_grid(toy):
    encoder, _, _ = toy
    assert encoder.encode_images(torch.rand(2, 7, 4)).shape == (2, 7, 3)


def test_its_towers_never_keep_what_a_gradient_would_need(toy):
    _, images, heads = toy
    modes = []

    def watched(given):
        modes.append(torch.is_inference_mode_enabled())
        return images(given)

    def read(texts):
        modes.append(torch.is_inference_mode_enabled())
        return lengths(texts)

    encoder = AssembledEncoder(CARD, heads, lambda image: image, watched, read)
    encoder.encode_images(torch.rand(1, 4))
    encoder.encode_texts(["one", "two"])
    assert modes == [True, True]
    assert not torch.is_inference_mode_enabled()
