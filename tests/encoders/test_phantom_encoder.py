"""A phantom encoder treats every image and every report alike, whatever stands beside it."""

from functools import cache
from importlib import resources

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from relinkage.cohorts.phantom import CITY, draw_patient
from relinkage.encoders.phantom import TOKEN_LIMITS, load_phantom_encoder, tokenise
from relinkage.encoders.protocol import Encoder
from relinkage.errors import InputError
from relinkage.files import fingerprint
from tiers import quick

loaded = cache(load_phantom_encoder)


@pytest.fixture(scope="module", params=quick(1, TOKEN_LIMITS))
def encoder(request):
    return loaded(request.param)


@pytest.fixture(scope="module")
def studies():
    return [study for number in range(25) for study in draw_patient(number, seed=11, site=CITY).studies]


def test_it_is_an_encoder_that_says_what_it_is(encoder):
    typed: Encoder = encoder
    card = typed.card
    assert card.id.removeprefix("phantom:") in TOKEN_LIMITS
    assert card.embedding == 128
    assert "phantom patients" in card.seen or "no radiograph" in card.seen


def test_the_revision_is_the_digest_of_the_weights(encoder):
    file = resources.files("relinkage.encoders") / "weights"
    weights = file / f"{encoder.card.id.replace(':', '-')}.safetensors"
    assert encoder.card.revision == fingerprint(weights.read_bytes())


def test_features_have_the_shapes_and_types_that_the_card_states(encoder, studies):
    pixels = torch.stack([encoder.preprocess(Image.fromarray(study.images[0])) for study in studies[:3]])
    images = encoder.encode_images(pixels)
    texts = encoder.encode_texts([study.report.text for study in studies[:3]])
    assert (images.shape, images.dtype) == ((3, encoder.card.image_features), np.float32)
    assert (texts.features.shape, texts.features.dtype) == ((3, encoder.card.text_features), np.float32)
    with torch.no_grad():
        embedded = encoder.heads.embed_images(torch.from_numpy(images))
    assert embedded.shape == (3, encoder.card.embedding)


def test_an_image_has_the_same_features_alone_and_in_any_batch(encoder, studies):
    pixels = torch.stack([encoder.preprocess(Image.fromarray(study.images[0])) for study in studies])
    together = encoder.encode_images(pixels)
    for size in (1, 7, 16, 19):
        parts = [encoder.encode_images(pixels[start : start + size]) for start in range(0, len(pixels), size)]
        assert np.array_equal(np.concatenate(parts), together)
    assert np.array_equal(encoder.encode_images(pixels.flip(0))[::-1], together)


def test_a_text_has_the_same_features_alone_and_in_any_batch(encoder, studies):
    texts = [study.report.text for study in studies]
    together = encoder.encode_texts(texts).features
    alone = np.concatenate([encoder.encode_texts([text]).features for text in texts])
    assert np.array_equal(alone, together)
    assert np.array_equal(encoder.encode_texts(texts[::-1]).features[::-1], together)


def test_the_number_of_threads_does_not_change_features(encoder, studies):
    pixels = torch.stack([encoder.preprocess(Image.fromarray(study.images[0])) for study in studies[:20]])
    threads = torch.get_num_threads()
    features = []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            features.append(encoder.encode_images(pixels))
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(*features)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
@pytest.mark.parametrize("size", [(1, 1), (128, 128), (300, 200)])
def test_images_of_any_size_and_mode_are_taken(encoder, mode, size):
    pixels = encoder.preprocess(Image.new(mode, size))
    assert (pixels.dtype, pixels.shape) == (torch.uint8, (1, 128, 128))
    assert np.isfinite(encoder.encode_images(pixels[None])).all()


def test_a_phantom_image_is_not_resampled(encoder, studies):
    image = studies[0].images[0]
    assert np.array_equal(encoder.preprocess(Image.fromarray(image))[0].numpy(), image)


@given(text=st.text(max_size=300))
@settings(max_examples=40, deadline=None)
def test_any_text_has_finite_features(text):
    assert np.isfinite(loaded("report").encode_texts([text]).features).all()


def test_nothing_to_encode_gives_no_features(encoder):
    assert encoder.encode_texts([]).features.shape == (0, encoder.card.text_features)
    assert encoder.encode_images(torch.empty(0, 1, 128, 128, dtype=torch.uint8)).shape[0] == 0


def test_text_beyond_the_token_limit_is_cut_off_and_flagged(encoder):
    limit = encoder.card.token_limit
    fits, long = " ".join(["clear"] * (limit - 1)), " ".join(["clear"] * (limit - 1) + ["effusion"])
    encoded = encoder.encode_texts([fits, long])
    assert encoded.truncated.tolist() == [False, True]
    assert np.array_equal(*encoded.features)


@given(words=st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), max_size=40), limit=st.integers(1, 50))
def test_tokens_are_a_start_and_one_for_each_word(words, limit):
    tokens, cut = tokenise("  ".join(words).upper(), limit)
    assert len(tokens) == min(len(words) + 1, limit)
    assert cut == (len(words) + 1 > limit)
    assert tokens[1:] == [tokenise(word, 2)[0][1] for word in words[: limit - 1]]
    assert min(tokens) >= 1


def test_words_are_told_from_punctuation():
    assert tokenise("No effusion.", 10) == tokenise("no  effusion .", 10)
    assert tokenise("No effusion.", 10) != tokenise("No effusion", 10)


def test_an_unknown_name_is_an_input_error():
    with pytest.raises(InputError, match="general, label, report"):
        load_phantom_encoder("special")


def test_the_weights_are_small():
    folder = resources.files("relinkage.encoders") / "weights"
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 3_000_000
