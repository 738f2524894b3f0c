"""The grayscale pipeline of DICOM: every formula against numbers worked out by hand and against pydicom."""

import math

import numpy as np
import pytest
from dicom_files import data_set
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from relinkage.images.grayscale import Display, LookUp, Window, shown


def gray(values, display):
    return shown(np.array([values]), display)[0].tolist()


def by_definition(x, center, width, function):
    """PS3.3 C.11.2.1.2.1, C.11.2.1.3.2 and C.11.2.1.3.1, with an output from 0 to 1."""
    if function == "SIGMOID":
        return 1 / (1 + math.exp(-4 * (x - center) / width))
    if function == "LINEAR_EXACT":
        if x <= center - width / 2:
            return 0.0
        return 1.0 if x > center + width / 2 else (x - center) / width + 0.5
    if x <= center - 0.5 - (width - 1) / 2:
        return 0.0
    if x > center - 0.5 + (width - 1) / 2:
        return 1.0
    return (x - (center - 0.5)) / (width - 1) + 0.5


def test_a_linear_window_of_width_eleven_reaches_from_half_below_to_half_below():
    window = Display(voi=Window(100, 11))
    # 94.5 is the darkest and 104.5 the brightest value: 97 lies a quarter of the way.
    assert gray([90, 94, 97, 102, 105, 200], window) == [0, 0, 64, 191, 255, 255]


def test_an_exact_linear_window_is_centred_on_its_centre():
    window = Display(voi=Window(100, 10, "LINEAR_EXACT"))
    assert gray([95, 97, 100, 103, 105], window) == [0, 51, 128, 204, 255]


def test_a_sigmoid_never_quite_ends():
    # 255 / (1 + exp(-4 (x - 100) / 10))
    assert gray([90, 95, 100, 105, 110], Display(voi=Window(100, 10, "SIGMOID"))) == [5, 30, 128, 225, 250]


def test_a_window_as_wide_as_one_value_is_a_threshold():
    assert gray([9, 10, 11], Display(voi=Window(10.5, 1))) == [0, 0, 255]


@given(
    st.integers(-3000, 3000),
    st.floats(1, 5000),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    st.lists(st.integers(-4000, 4000), min_size=1, max_size=9),
)
def test_windows_agree_with_their_definition(center, width, function, values):
    light = Window(center, width, function)(np.array(values))
    for value, one in zip(values, light, strict=True):
        exponent = abs(4 * (value - center) / width)
        if exponent < 700 and not (function == "LINEAR" and width == 1):
            assert one == pytest.approx(by_definition(value, center, width, function), abs=1e-12)


@given(st.integers(0, 4095), st.integers(40, 4096), st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]))
def test_windows_agree_with_pydicom(center, width, function):
    values = np.arange(0, 4096, 37, dtype=np.uint16).reshape(1, -1)
    data = data_set(
        values, bits=12, WindowCenter=center, WindowWidth=width, VOILUTFunction=function, RescaleSlope=1,
        RescaleIntercept=0,
    )  # fmt: skip
    # pydicom ends at the highest value of the stored bits where a window is given.
    theirs = apply_voi_lut(apply_modality_lut(values, data), data) / 4095 * 255
    ours = shown(values, Display(voi=Window(center, width, function)))
    assert np.abs(ours - theirs).max() <= 0.5 + 1e-9


def test_rescaling_comes_before_the_window():
    display = Display(slope=2.0, intercept=-1000.0, voi=Window(0, 1000, "LINEAR_EXACT"))
    # 250 → -500 → black, 500 → 0 → middle, 625 → 250 → three quarters, 750 → 500 → white
    assert gray([250, 500, 625, 750], display) == [0, 128, 191, 255]


def test_a_table_holds_its_first_entry_below_and_its_last_above():
    assert LookUp(10, np.array([5.0, 6.0, 9.0]), 8)(np.array([-7, 10, 11, 12, 400])).tolist() == [
        5,
        5,
        6,
        9,
        9,
    ]


def test_a_table_of_interest_is_white_at_all_its_bits():
    display = Display(voi=LookUp(0, np.array([0.0, 51.0, 255.0, 128.0]), 8))
    assert gray([0, 1, 2, 3], display) == [0, 51, 255, 128]


def test_a_table_that_states_too_many_bits_is_not_left_dark():
    display = Display(voi=LookUp(0, np.array([0.0, 1023.0]), 16))
    assert gray([0, 1], display) == [0, 255]


def test_a_modality_table_comes_before_the_window():
    display = Display(
        modality=LookUp(1, np.array([100.0, 0.0, 50.0]), 16), voi=Window(50, 100, "LINEAR_EXACT")
    )
    assert gray([0, 1, 2, 3, 9], display) == [255, 255, 0, 128, 128]


def test_without_window_or_table_the_darkest_value_is_black_and_the_brightest_white():
    assert gray([-50, 0, 50], Display()) == [0, 128, 255]
    assert gray([7, 7, 7], Display()) == [0, 0, 0]


def test_inverted_means_that_high_values_are_dark():
    assert gray([0, 51, 255], Display(inverted=True)) == [255, 204, 0]


def test_padding_is_black_and_counts_neither_as_darkest_nor_as_brightest():
    assert gray([-2000, 100, 150, 200], Display(padding=(-2000, -2000))) == [0, 0, 128, 255]
    assert gray([-2000, 100, 200], Display(padding=(-3000, -1000), inverted=True)) == [0, 255, 0]
    assert gray([3, 3], Display(padding=(3, 3))) == [0, 0]


def test_values_far_apart_are_shown_like_close_ones():
    far = np.array([0, 1 << 30, 1 << 31])
    assert gray(far, Display()) == [0, 128, 255]
    assert gray(far, Display(padding=(1 << 31, 1 << 31))) == [0, 255, 0]


@given(st.lists(st.integers(-5000, 5000), min_size=1, max_size=30), st.integers(1, 100), st.booleans())
def test_brighter_stored_values_are_never_shown_darker_unless_inverted(values, slope, inverted):
    out = np.array(gray(sorted(values), Display(slope=float(slope), inverted=inverted))).astype(int)
    assert (np.diff(out) * (-1 if inverted else 1) >= 0).all()
