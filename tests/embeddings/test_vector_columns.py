"""Columns of a Parquet file that are dimensions, and those that never are."""

import json

import numpy as np
import polars as pl
import pytest

from relinkage.embeddings import read_array
from relinkage.errors import InputError

VECTORS = np.random.default_rng(0).normal(size=(20, 3))
IDS = pl.Series("ids", 10000032.0 + 7.0 * np.arange(20) ** 2)
TEXTS = pl.Series("ids", [f"{row:05d}" for row in range(20)])


def write(path, *columns, index=None):
    table = pl.DataFrame(VECTORS, schema=["d0", "d1", "d2"]).with_columns(*columns)
    said = {} if index is None else {"pandas": json.dumps({"index_columns": index})}
    table.write_parquet(path, metadata=said)


@pytest.mark.parametrize("values", [IDS, TEXTS], ids=["numbers", "texts"])
@pytest.mark.parametrize(
    "name", ["__index_level_0__", "__index_level_12__", "", "Unnamed: 0", "index", "level_0", "row_nr"]
)
def test_an_index_by_its_name_is_left_away(tmp_path, name, values):
    write(tmp_path / "a.parquet", values.alias(name))
    assert np.array_equal(read_array(tmp_path / "a.parquet"), VECTORS)


@pytest.mark.parametrize("values", [IDS, TEXTS], ids=["numbers", "texts"])
def test_what_pandas_calls_its_index_is_left_away(tmp_path, values):
    write(tmp_path / "a.parquet", values.alias("visit"), index=["visit"])
    assert np.array_equal(read_array(tmp_path / "a.parquet"), VECTORS)


@pytest.mark.parametrize("said", [[], [{"kind": "range", "start": 0}], "visit", None, 7])
def test_other_words_of_pandas_do_no_harm(tmp_path, said):
    write(tmp_path / "a.parquet", index=said)
    assert np.array_equal(read_array(tmp_path / "a.parquet"), VECTORS)


@pytest.mark.parametrize(
    "name",
    [
        "patient_id", "PatientID", "subject_id", "study_id", "StudyInstanceUID", "pair_id", "id", "dicom_id",
        "view", "sex", "age", "split", "candidate", "report_words", "Edema", "Pleural Effusion",
    ],
)  # fmt: skip
def test_a_known_name_of_another_column_is_no_dimension(tmp_path, name):
    write(tmp_path / "a.parquet", IDS.alias(name))
    with pytest.raises(InputError, match=rf"columns that are not dimensions \({name}\)"):
        read_array(tmp_path / "a.parquet")


@pytest.mark.parametrize("start", [0.0, 1.0, 10000032.0])
def test_numbers_that_count_the_rows_are_no_dimension(tmp_path, start):
    write(tmp_path / "a.parquet", pl.Series("n", start + np.arange(20)))
    with pytest.raises(InputError, match=r"not dimensions \(n\)"):
        read_array(tmp_path / "a.parquet")


def test_whole_numbers_that_do_not_count_are_features(tmp_path):
    column = pl.Series("n", np.arange(20) % 2 + 0.0)
    write(tmp_path / "a.parquet", column)
    assert np.array_equal(read_array(tmp_path / "a.parquet"), np.column_stack([VECTORS, column.to_numpy()]))


class Tensor(pl.BaseExtension):
    """What Arrow calls a tensor of a fixed shape."""

    def __init__(self, storage):
        super().__init__("arrow.fixed_shape_tensor", storage, '{"shape":[3]}')


@pytest.mark.filterwarnings("ignore")
def test_tensors_of_a_fixed_shape_are_vectors(tmp_path):
    storage = pl.Array(pl.Float64, 3)
    values = pl.Series("v", VECTORS.tolist(), dtype=storage).ext.to(Tensor(storage))
    pl.DataFrame([values]).write_parquet(tmp_path / "a.parquet")
    assert np.array_equal(read_array(tmp_path / "a.parquet"), VECTORS)
