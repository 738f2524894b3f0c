"""Rows that stay on disk are the rows of the array, however they are asked for."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from relinkage.embeddings import open_array, read_array
from relinkage.embeddings.stored import Chosen, Piece, Stored, choose, fingerprint_of_rows, is_stored
from relinkage.errors import InputError
from relinkage.files import fingerprint

VECTORS = np.random.default_rng(0).normal(size=(50, 3))


@pytest.fixture(autouse=True)
def _all_arrays_are_large(monkeypatch):
    monkeypatch.setattr("relinkage.embeddings.arrays.LARGE", 1)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """The rows of VECTORS in three files, at odd places."""
    folder, made = tmp_path_factory.mktemp("pieces"), []
    for number, (start, stop) in enumerate(((0, 7), (7, 8), (8, 50))):
        file = folder / str(number)
        file.write_bytes(b"x" * number + VECTORS[start:stop].tobytes() + b"behind")
        made.append(Piece(file, number, stop - start))
    return Stored(tuple(made), 3, "<f8")


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.integers(0, 49), max_size=80), start=st.integers(0, 60), stop=st.integers(0, 60))
def test_any_rows_in_any_order_come_as_numpy_gives_them(pieces, rows, start, stop):
    rows = np.array(rows, np.int64)
    assert np.array_equal(pieces[start:stop], VECTORS[start:stop])
    assert np.array_equal(pieces[rows], VECTORS[rows])
    some = choose(choose(pieces, rows), slice(start, stop))
    assert isinstance(some, Chosen)
    assert np.array_equal(some[0 : len(some)], VECTORS[rows][start:stop])
    again = choose(choose(pieces, slice(2, 40)), rows[rows < 38])
    assert np.array_equal(again[:], VECTORS[2:40][rows[rows < 38]])


def test_rows_far_apart_are_read_one_by_one_and_near_ones_together(pieces, monkeypatch):
    reads = []
    read = Stored._read
    monkeypatch.setattr(
        Stored, "_read", lambda self, start, into: (reads.append(len(into)), read(self, start, into))
    )
    assert np.array_equal(pieces[np.array([4, 0, 2])], VECTORS[[4, 0, 2]])
    monkeypatch.setattr("relinkage.embeddings.stored._GAP", 24 * 10)
    assert np.array_equal(pieces[np.array([49, 0, 1])], VECTORS[[49, 0, 1]])
    assert reads == [5, 2, 1]


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8"])
def test_every_float_of_an_npy_file_is_read_in_native_order(tmp_path, kind):
    np.save(tmp_path / "a.npy", VECTORS.astype(kind))
    opened = open_array(tmp_path / "a.npy")
    assert is_stored(opened)
    assert opened.shape == (50, 3)
    assert opened.dtype == opened[0:2].dtype == np.dtype(kind).newbyteorder("=")
    assert np.array_equal(opened[:], VECTORS.astype(kind))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_float_of_a_safetensors_file_is_read_as_it_is_read_whole(tmp_path, kind):
    path = tmp_path / "a.safetensors"
    save_file({"b": torch.from_numpy(VECTORS).to(kind), "a": torch.ones(5, 5), "c": torch.ones(3)}, path)
    opened, read = open_array(f"{path}:b"), read_array(f"{path}:b")
    assert is_stored(opened)
    assert opened.dtype == read.dtype
    assert np.array_equal(opened[3:20], read[3:20])


def test_what_does_not_lie_row_by_row_is_read_whole(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(VECTORS))
    np.savez(tmp_path / "a.npz", VECTORS)
    for name in ("a.npy", "a.npz"):
        opened = open_array(tmp_path / name)
        assert not is_stored(opened)
        assert np.array_equal(opened, VECTORS)


@pytest.mark.parametrize(
    "array", [np.ones(3), np.ones((0, 3)), np.ones((3, 2), int), np.ones((3, 2), np.longdouble)]
)
def test_what_is_no_matrix_of_floats_is_refused_in_the_same_words(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError) as expected:
        read_array(tmp_path / "a.npy")
    with pytest.raises(InputError) as error:
        open_array(tmp_path / "a.npy")
    assert str(error.value) == str(expected.value)


@pytest.mark.parametrize("keep", [0, 40, 150, -1])
@pytest.mark.parametrize("suffix", ["npy", "safetensors"])
def test_a_file_that_is_cut_off_is_refused(tmp_path, suffix, keep):
    path = tmp_path / f"a.{suffix}"
    np.save(path, VECTORS) if suffix == "npy" else save_file({"x": torch.from_numpy(VECTORS)}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="cannot be read as a"):
        open_array(path)


def test_a_file_that_changes_under_the_work_is_named(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, VECTORS)
    opened = open_array(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match=r"a\.npy became shorter while it was read; leave it as it is"):
        opened[40:]
    path.unlink()
    with pytest.raises(InputError, match=r"a\.npy cannot be read any more .*; leave it in place"):
        opened[:2]


def test_a_fingerprint_is_that_of_the_numbers_wherever_they_lie(tmp_path, pieces):
    assert fingerprint_of_rows(pieces) == fingerprint_of_rows(VECTORS) == fingerprint(VECTORS.tobytes())


def test_what_is_sent_elsewhere_is_the_place_and_not_the_rows(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((10000, 8)))
    sent = pickle.dumps(choose(open_array(tmp_path / "a.npy"), slice(5, 9000)))
    assert len(sent) < 1000
    assert np.array_equal(pickle.loads(sent)[:3], np.ones((3, 8)))


def test_places_are_whole_paths_so_that_others_find_them(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", VECTORS)
    monkeypatch.chdir(tmp_path)
    assert open_array("a.npy").pieces[0].file == Path(tmp_path / "a.npy").resolve()


def test_a_memory_map_of_numpy_is_left_on_disk(tmp_path):
    np.save(tmp_path / "a.npy", VECTORS)
    assert is_stored(np.load(tmp_path / "a.npy", mmap_mode="r"))
    assert not is_stored(VECTORS)
