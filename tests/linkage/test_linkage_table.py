"""The linkage table on disk is the linkage table."""

import stat

import numpy as np
import polars as pl
import pytest

from relinkage.errors import InputError
from relinkage.linkage import LinkageTable, Standing, read_tables, write_tables


def table(direction, queries=6, seed=0):
    rng = np.random.default_rng(seed)

    def standing():
        return Standing(*(rng.integers(0, 99, queries) for _ in range(3)))

    return LinkageTable(
        direction,
        pl.Series([f"pair-{row}" for row in range(queries)]),
        rng.integers(0, 3, queries),
        rng.uniform(-1, 1, queries),
        {"all": standing(), "labels": standing(), "labels+view": standing()},
    )


def test_what_is_written_is_read(tmp_path):
    tables = [table("report-to-image", seed=1), table("image-to-report", seed=2)]
    write_tables(tables, tmp_path / "linkage.parquet")
    for made, read in zip(tables, read_tables(tmp_path / "linkage.parquet"), strict=True):
        assert (read.direction, len(read)) == (made.direction, 6)
        assert read.pair_id.to_list() == made.pair_id.to_list()
        np.testing.assert_array_equal(read.patient, made.patient)
        np.testing.assert_array_equal(read.mate_score, made.mate_score)
        assert list(read.standings) == ["all", "labels", "labels+view"]
        for name, standing in made.standings.items():
            for column in ("eligible", "above", "ties"):
                np.testing.assert_array_equal(
                    getattr(read.standings[name], column), getattr(standing, column)
                )


def test_a_row_per_direction_and_query_that_other_tools_can_read(tmp_path):
    made = table("image-to-report")
    write_tables([made], tmp_path / "linkage.parquet")
    frame = pl.read_parquet(tmp_path / "linkage.parquet")
    assert frame.columns[:7] == [
        "direction", "pair_id", "patient", "mate_score", "eligible", "above", "ties",
    ]  # fmt: skip
    assert frame["above"].to_list() == made.standings["all"].above.tolist()
    assert frame["labels+view: ties"].to_list() == made.standings["labels+view"].ties.tolist()


def test_the_expected_rank_puts_half_of_the_tied_ahead():
    standing = Standing(np.array([10, 10]), np.array([0, 4]), np.array([0, 3]))
    assert standing.expected_rank.tolist() == [1, 6.5]


def test_write_tables_leaves_a_file_that_its_owner_alone_may_read_and_that_says_what_it_is(tmp_path):
    path = tmp_path / "linkage.parquet"
    path.touch(0o644)
    write_tables([table("image-to-report")], path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "helps whoever wants to re-identify" in pl.read_parquet_metadata(path)["warning"]


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(InputError) as error:
        read_tables(tmp_path / "linkage.parquet")
    assert str(error.value) == (
        f"{tmp_path}/linkage.parquet does not exist; audit again with linkage, which writes it."
    )


@pytest.mark.parametrize("content", ["garbage", "another table"])
def test_a_file_that_is_no_linkage_table(tmp_path, content):
    path = tmp_path / "linkage.parquet"
    if content == "garbage":
        path.write_bytes(b"PAR1 and no more")
    else:
        pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(InputError) as error:
        read_tables(path)
    assert str(error.value) == f"{path} cannot be read as a linkage table; run the audit again."
