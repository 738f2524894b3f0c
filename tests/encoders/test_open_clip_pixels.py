"""Pixels of open_clip models by hand; test_open_clip_library compares them with open_clip's own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from relinkage.encoders.open_clip.pixels import OpenClipPixels, read_pixels
from relinkage.errors import InputError

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


def shades(height, width):
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8))


def normalised(image):
    values = np.asarray(image, np.float32).transpose(2, 0, 1) / np.float32(255)
    return (values - np.float32(MEAN)[:, None, None]) / np.float32(STD)[:, None, None]


def test_shortest_resizes_the_shorter_side_and_cuts_the_middle_out():
    made = OpenClipPixels((20, 20), MEAN, STD)(shades(40, 63))
    resized = shades(40, 63).resize((31, 20), Image.Resampling.BICUBIC)  # 63 · 20 / 40 = 31.5, cut to 31
    np.testing.assert_allclose(
        made, normalised(resized.crop((6, 0, 26, 20))), atol=1e-6
    )  # 5.5 rounds to even


def test_longest_resizes_the_longer_side_and_pads():
    made = OpenClipPixels((20, 20), MEAN, STD, "bilinear", "longest", fill_color=9)(shades(40, 62))
    square = Image.new("RGB", (20, 20), (9, 9, 9))
    square.paste(shades(40, 62).resize((20, 13), Image.Resampling.BILINEAR), (0, 3))
    np.testing.assert_allclose(made, normalised(square), atol=1e-6)


def test_squash_forgets_the_shape():
    made = OpenClipPixels((20, 24), MEAN, STD, resize_mode="squash")(shades(40, 62))
    np.testing.assert_allclose(
        made, normalised(shades(40, 62).resize((24, 20), Image.Resampling.BICUBIC)), atol=1e-6
    )


@given(
    height=st.integers(16, 90),
    width=st.integers(16, 90),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    mode=st.sampled_from(["shortest", "longest", "squash"]),
)
def test_whatever_the_shape_the_size_is_the_towers(height, width, size, mode):
    pixels = OpenClipPixels(size, resize_mode=mode)(shades(height, width).convert("L"))
    assert pixels.shape == (3, *size)
    assert pixels.dtype == torch.float32


def test_the_towers_size_wins_and_what_is_not_stated_is_clips():
    config = {"model_cfg": {"vision_cfg": {"image_size": 32}}, "preprocess_cfg": {"size": 224, "mean": None}}
    assert read_pixels(config, "here") == OpenClipPixels((32, 32))
    assert OpenClipPixels().mean == (0.48145466, 0.4578275, 0.40821073)


@pytest.mark.parametrize(
    "stated",
    [{"resize_mode": "fold"}, {"interpolation": "nearest"}, {"mean": [1, 2]}, {"std": 0}, {"mode": "L"}],
)
def test_what_open_clip_does_not_know_is_refused(stated):
    with pytest.raises(InputError, match="here has a preprocess_cfg that cannot be followed"):
        read_pixels({"model_cfg": {"vision_cfg": {}}, "preprocess_cfg": stated}, "here")
