"""Folders of numbered arrays: read in the order of the numbers, whole or not at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.embeddings import arrays, open_array, read_array
from relinkage.embeddings.stored import Stored
from relinkage.errors import InputError


def write(folder, parts, name="img_emb_{}.npy", start=0):
    folder.mkdir(exist_ok=True)
    for number, part in enumerate(parts, start):
        np.save(folder / name.format(number), part)
    return folder


@given(st.lists(st.integers(1, 4), min_size=1, max_size=13), st.integers(0, 1), st.booleans())
def test_parts_follow_each_other_by_number(tmp_path_factory, rows, start, padded):
    rng = np.random.default_rng(len(rows))
    parts = [rng.normal(size=(count, 3)).astype(np.float16) for count in rows]
    folder = tmp_path_factory.mktemp("parts")
    write(folder, parts, "img_emb_{:04d}.npy" if padded else "img_emb_{}.npy", start)
    (folder / "stats.json").write_text("{}")
    assert np.array_equal(read_array(folder), np.concatenate(parts))


def test_large_parts_stay_on_disk(tmp_path, monkeypatch):
    parts = [np.arange(6.0).reshape(2, 3) + number for number in range(12)]
    monkeypatch.setattr(arrays, "LARGE", 1)
    opened = open_array(write(tmp_path / "parts", parts))
    assert isinstance(opened, Stored)
    assert np.array_equal(opened[:], np.concatenate(parts))
    assert np.array_equal(opened[np.array([23, 4])], np.concatenate(parts)[[23, 4]])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "is a folder; name an array file"),
        (["a.npy"], "is a folder; name an array file"),
        (["a0.npy", "b1.npy"], "is a folder; name an array file"),
        (["a0.npy", "a1.npy", "about.npy"], "is a folder; name an array file"),
        (["a0.npy", "a2.npy"], "lacks the part 1"),
        (["a2.npy", "a3.npy"], "lacks the part 1"),
        (["a0.npy", "a9999999999999999999.npy"], "lacks the part 1"),
        (["a1.npy", "a01.npy"], "has a part twice"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path, names, message):
    for name in names:
        np.save(tmp_path / name, np.ones((2, 2)))
    with pytest.raises(InputError, match=message):
        read_array(tmp_path)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (np.ones((2, 3)), "of one array are alike"),
        (np.ones((2, 2), np.float32), "of one array are alike"),
        (np.ones((2, 2), int), "1.npy is not a matrix of floating-point numbers"),
        (np.ones(2), "1.npy is not a matrix of floating-point numbers"),
    ],
)
def test_parts_that_differ_are_refused(tmp_path, second, message):
    with pytest.raises(InputError, match=message):
        read_array(write(tmp_path / "parts", [np.ones((2, 2)), second]))


def test_damaged_parts_are_refused(tmp_path):
    write(tmp_path / "parts", [np.ones((2, 2))])
    (tmp_path / "parts" / "img_emb_1.npy").write_text("a letter")
    with pytest.raises(InputError, match="cannot be read as a folder array"):
        read_array(tmp_path / "parts")
