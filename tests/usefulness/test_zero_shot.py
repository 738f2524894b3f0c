"""Zero-shot scores are cosines with what names a label less those with what denies it."""

import numpy as np
import pytest
import torch
from planted_labels import WIDTH, PlantedEncoder, rotation, turned

from relinkage.encoders import TextFeatures, load_encoder
from relinkage.errors import InputError
from relinkage.usefulness import Prompt
from relinkage.usefulness.zero_shot import PromptFeatures, encode_prompts, zero_shot_scores


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_scores_equal_a_loop_over_images_labels_and_prompts():
    random = np.random.default_rng(0)
    features = random.normal(size=(5, WIDTH)).astype(np.float32)
    positive = np.array([True, True, False, True, False])
    prompts = PromptFeatures(features, np.array([0, 0, 0, 1, 1]), positive, np.zeros(5, np.bool_))
    heads = turned(rotation())
    images = unit(random.normal(size=(6, WIDTH))).astype(np.float32)
    embedded = unit(features @ heads.text.weight.numpy().T)
    expected = np.empty((6, 2))
    for row, image in enumerate(images):
        expected[row, 0] = image @ unit((embedded[0] + embedded[1]) / 2) - image @ embedded[2]
        expected[row, 1] = image @ embedded[3] - image @ embedded[4]
    np.testing.assert_allclose(zero_shot_scores(images, prompts, heads), expected, atol=1e-6)


def test_scores_order_images_as_the_softmax_over_both_cosines_does():
    random = np.random.default_rng(1)
    prompts = encode_prompts(
        PlantedEncoder(), ["Edema"], {"Edema": Prompt(positive=("edema.",), negative=("no edema.",))}
    )
    images = unit(random.normal(size=(50, WIDTH))).astype(np.float32)
    score = zero_shot_scores(images, prompts, turned(np.eye(WIDTH)))[:, 0]
    cosines = images @ unit(prompts.features).T
    likely = np.exp(cosines[:, 0] / 0.07) / np.exp(cosines / 0.07).sum(axis=1)
    assert (np.argsort(score) == np.argsort(likely)).all()


def test_prompts_go_through_the_text_tower_in_order_of_labels():
    said = {
        "Fracture": Prompt(positive=("fracture.",), negative=("no fracture.",)),
        "Edema": Prompt(positive=("edema.",), negative=("no edema.",)),
    }
    made = encode_prompts(PlantedEncoder(), ["Edema", "Fracture"], said)
    assert made.label.tolist() == [0, 0, 1, 1]
    assert made.positive.tolist() == [True, False, True, False]
    assert made.features[:, :2].tolist() == [[1, 0], [-1, 0], [0, 1], [0, -1]]


@pytest.mark.parametrize("turn", [False, True])
def test_turning_both_sides_changes_nothing_and_turning_one_does(turn):
    encoder = load_encoder("phantom:report")
    prompts = encode_prompts(
        encoder, ["Edema"], {"Edema": Prompt(positive=("Severe edema.",), negative=("No edema.",))}
    )
    random = np.random.default_rng(0)
    images = torch.from_numpy(random.normal(size=(20, 160)).astype(np.float32))
    heads = encoder.heads
    before = zero_shot_scores(heads.embed_images(images).detach().numpy(), prompts, heads)
    matrix = torch.from_numpy(np.linalg.qr(random.normal(size=(128, 128)))[0]).float()
    moved = load_encoder("phantom:report").heads
    with torch.no_grad():
        moved.text.weight.copy_(matrix @ moved.text.weight)
        if turn:
            moved.image.weight.copy_(matrix @ moved.image.weight)
    after = zero_shot_scores(moved.embed_images(images).detach().numpy(), prompts, moved)
    assert np.allclose(before, after, atol=1e-5) == turn


def test_prompts_beyond_the_token_limit_are_flagged():
    encoder = load_encoder("phantom:general")
    said = {"Edema": Prompt(positive=("edema " * 200,), negative=("no edema.",))}
    assert encode_prompts(encoder, ["Edema"], said).cut.tolist() == [True, False]


def test_a_text_tower_that_gives_no_numbers_is_refused():
    encoder = PlantedEncoder()
    encode = encoder.encode_texts
    encoder.encode_texts = lambda texts: TextFeatures(
        encode(texts).features * np.float32(np.nan), np.zeros(len(texts), np.bool_)
    )
    with pytest.raises(InputError, match="gives NaN or infinity"):
        encode_prompts(encoder, ["Edema"], {"Edema": Prompt(positive=("edema.",), negative=("no edema.",))})
