"""Arrays that other tools wrote: as they are where they are vectors, refused in one sentence where not."""

import pickle

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from relinkage.embeddings import arrays, open_array, read_array
from relinkage.embeddings.stored import Stored
from relinkage.errors import InputError

FLOATS = [np.float16, np.float32, np.float64]
VECTORS = np.random.default_rng(0).normal(size=(5, 3))


def lists(array, kind=pl.List):
    inner = {np.dtype(np.float32): pl.Float32, np.dtype(np.float64): pl.Float64}[array.dtype]
    return pl.Series(
        "v", array.tolist(), dtype=kind(inner) if kind is pl.List else kind(inner, array.shape[1])
    )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors"])
def test_values_and_dtype_come_as_stored(tmp_path, dtype, suffix):
    array, path = VECTORS.astype(dtype), tmp_path / f"a.{suffix}"
    {"npy": np.save, "npz": np.savez, "safetensors": lambda p, a: save_file({"x": a}, p)}[suffix](path, array)
    read = read_array(path)
    assert read.dtype == dtype
    assert np.array_equal(read, array)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parquet_holds_a_list_column_or_a_column_per_dimension(tmp_path, dtype):
    array = VECTORS.astype(dtype)
    ids = pl.Series("id", [f"r{row}" for row in range(5)])
    pl.DataFrame([ids, lists(array)]).write_parquet(tmp_path / "list.parquet")
    pl.DataFrame([ids, lists(array, pl.Array)]).write_parquet(tmp_path / "array.parquet")
    pl.DataFrame(array, schema=["a", "b", "c"]).write_parquet(tmp_path / "columns.parquet")
    for name in ("list", "array", "columns"):
        read = read_array(tmp_path / f"{name}.parquet")
        assert read.dtype == dtype
        assert np.array_equal(read, array)


def test_bfloat16_becomes_float32(tmp_path):
    tensor = torch.from_numpy(VECTORS).to(torch.bfloat16)
    save_torch({"x": tensor}, tmp_path / "a.safetensors")
    read = read_array(tmp_path / "a.safetensors")
    assert read.dtype == np.float32
    assert np.array_equal(read, tensor.float().numpy())


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"])
def test_float8_becomes_float32(tmp_path, kind):
    tensor = torch.from_numpy(VECTORS).to(getattr(torch, kind))
    save_torch({"x": tensor}, tmp_path / "a.safetensors")
    read = read_array(tmp_path / "a.safetensors")
    assert read.dtype == np.float32
    assert np.array_equal(read, tensor.float().numpy())


def test_types_that_hold_no_vectors_are_named(tmp_path):
    scales = torch.ones(2, 2, dtype=torch.uint8).view(torch.float8_e8m0fnu)
    save_torch({"x": scales}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="holds F8_E8M0 values; give float16, float32 or float64"):
        read_array(tmp_path / "a.safetensors")


@pytest.mark.parametrize("save", [np.save, np.savez])
def test_bfloat16_that_numpy_wrote_as_two_bytes_becomes_float32(tmp_path, save):
    tensor = torch.from_numpy(VECTORS).to(torch.bfloat16)
    path = tmp_path / ("a.npy" if save is np.save else "a.npz")
    save(path, tensor.view(torch.int16).numpy().view("V2"))
    read = read_array(path)
    assert read.dtype == np.float32
    assert np.array_equal(read, tensor.float().numpy())


def test_large_bfloat16_of_numpy_stays_on_disk(tmp_path, monkeypatch):
    tensor = torch.from_numpy(VECTORS).to(torch.bfloat16)
    np.save(tmp_path / "a.npy", tensor.view(torch.int16).numpy().view("V2"))
    monkeypatch.setattr(arrays, "LARGE", 1)
    opened = open_array(tmp_path / "a.npy")
    assert isinstance(opened, Stored)
    assert np.array_equal(opened[:], tensor.float().numpy())


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_tensor_of_torch_comes_as_it_is(tmp_path, kind):
    tensor = torch.from_numpy(VECTORS).to(kind)
    torch.save(tensor.clone().requires_grad_(), tmp_path / "a.pt")
    torch.save({"images": tensor, "epoch": 3}, tmp_path / "b.pth")
    for name in ("a.pt", "b.pth", "b.pth:images"):
        read = read_array(tmp_path / name)
        assert read.dtype == (np.float32 if kind == torch.bfloat16 else tensor.numpy().dtype)
        assert np.array_equal(read, tensor.to(torch.float64).numpy())


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ([1.0, 2.0], "holds neither a tensor nor named tensors"),
        ({"epoch": 3}, r"holds 0 arrays \(none\)"),
        ({"a": torch.ones(2, 2), "b": torch.ones(2, 2)}, r"holds 2 arrays \(2 others\)"),
        (torch.ones(2, 2, dtype=torch.int64), "holds int64 values"),
        (torch.ones(2, 2).to_sparse(), "cannot be read as a .pt array"),
    ],
)
def test_other_files_of_torch_are_refused(tmp_path, held, message):
    torch.save(held, tmp_path / "a.pt")
    with pytest.raises(InputError, match=message):
        read_array(tmp_path / "a.pt")


def test_a_middle_dimension_of_one_is_left_away(tmp_path):
    np.save(tmp_path / "a.npy", VECTORS[:, None])
    pl.DataFrame({"v": [[row.tolist()] for row in VECTORS]}).write_parquet(tmp_path / "a.parquet")
    for name in ("a.npy", "a.parquet"):
        assert np.array_equal(read_array(tmp_path / name), VECTORS)


def test_one_array_of_several_is_picked_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", images=VECTORS, reports=VECTORS + 1)
    save_file({"images": VECTORS, "reports": VECTORS + 1}, tmp_path / "a.safetensors")
    table = [lists(VECTORS).alias("images"), lists(VECTORS + 1).alias("reports")]
    pl.DataFrame(table).write_parquet(tmp_path / "a.parquet")
    for suffix in ("npz", "safetensors", "parquet"):
        path = tmp_path / f"a.{suffix}"
        assert np.array_equal(read_array(f"{path}:reports"), VECTORS + 1)
        with pytest.raises(
            InputError, match=rf"holds 2 arrays \(images, reports\); name one as .*a.{suffix}:NAME"
        ):
            read_array(path)
        with pytest.raises(InputError, match=r"no array texts \(it holds: images, reports\)"):
            read_array(f"{path}:texts")


def test_byte_order_and_memory_layout_are_made_native(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(VECTORS.astype(">f4")))
    read = read_array(tmp_path / "a.npy")
    assert read.dtype == np.float32
    assert read.dtype.isnative
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, VECTORS.astype(np.float32))


def test_nan_is_left_for_the_audit_to_report(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[np.nan, 1.0]]))
    assert np.isnan(read_array(tmp_path / "a.npy")[0, 0])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(4), r"has 1 dimensions, shape \(4,\)"),
        (np.ones((2, 2, 2)), "has 3 dimensions"),
        (np.ones((0, 4)), "is empty"),
        (np.ones((4, 0)), "is empty"),
        (np.ones((2, 2), int), "holds int64 values; give float16, float32 or float64"),
        (np.ones((2, 2), bool), "holds bool values"),
        (np.ones((2, 2), complex), "holds complex128 values"),
        (np.array([["a", "b"]]), "holds <U1 values"),
        (np.array([[{}, None]], dtype=object), "may hold no pickled objects"),
    ],
)
def test_what_is_no_matrix_of_floats_is_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        read_array(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"row": [1, 2], "a": [0.5, 0.25]}, r"columns that are not dimensions \(row\)"),
        ({"a": [0.5, None]}, "1 empty cells"),
        ({"v": [[0.5], None]}, "1 empty cells"),
        ({"v": [[0.5], [None]]}, "1 empty cells"),
        ({"v": [[0.5], [0.5, 1.0]]}, "differing lengths"),
        ({"v": [[1], [2]]}, "holds int64 values"),
        ({"v": [["a"], ["b"]]}, "holds .* values|cannot be read"),
    ],
)
def test_parquet_that_is_no_matrix_is_refused(tmp_path, table, message):
    pl.DataFrame(table).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=message):
        read_array(tmp_path / "a.parquet")


def test_missing_foreign_and_damaged_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.npy does not exist"):
        read_array(tmp_path / "absent.npy")
    with pytest.raises(InputError, match=r"a\.csv is not an array file; name one that ends in \.npy, \.npz"):
        read_array(tmp_path / "a.csv")
    for suffix in ("npy", "npz", "safetensors", "parquet", "pt"):
        path = tmp_path / f"text.{suffix}"
        path.write_text("this is a letter, not an array")
        with pytest.raises(InputError, match=rf"text\.{suffix} cannot be read as a \.{suffix} array"):
            read_array(path)


@pytest.mark.parametrize("name", ["a.pq", "a.parq", "A.PARQUET", "a", "a.csv", "a:b.parquet"])
def test_parquet_is_known_by_its_content(tmp_path, name):
    pl.DataFrame([lists(VECTORS)]).write_parquet(tmp_path / name)
    assert np.array_equal(read_array(tmp_path / name), VECTORS)
    assert np.array_equal(read_array(f"{tmp_path / name}:v"), VECTORS)


def test_endings_may_be_in_capitals(tmp_path):
    with (tmp_path / "A.NPY").open("wb") as file:
        np.save(file, VECTORS)
    assert np.array_equal(read_array(tmp_path / "A.NPY"), VECTORS)


def test_a_single_array_has_no_name(tmp_path):
    np.save(tmp_path / "a.npy", VECTORS)
    with pytest.raises(InputError, match=r"a\.npy holds no array images"):
        read_array(f"{tmp_path}/a.npy:images")


def test_no_pickle_is_ever_run(tmp_path):
    marker = tmp_path / "was run"

    class Payload:
        def __reduce__(self):
            return marker.touch, ()

    for name in ("a.npy", "a.npz", "a.safetensors", "a.pt"):
        (tmp_path / name).write_bytes(pickle.dumps(Payload()))
        with pytest.raises(InputError, match="cannot be read"):
            read_array(tmp_path / name)
    assert not marker.exists()


@settings(deadline=None)
@given(st.binary(max_size=80), st.sampled_from(["npy", "npz", "safetensors", "parquet", "pt"]))
def test_any_bytes_are_an_array_or_one_sentence(tmp_path_factory, data, suffix):
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes({"npy": b"\x93NUMPY\x01\x00", "npz": b"PK\x03\x04"}.get(suffix, b"") + data)
    with pytest.raises(InputError, match=r"any\."):
        read_array(path)
