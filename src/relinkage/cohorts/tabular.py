"""Cohorts from plain tables: CSV (also gzipped) and Parquet, or a folder that holds one."""

from pathlib import Path

import polars as pl

from relinkage.cohorts.csv_files import CsvFile
from relinkage.cohorts.places import check_cohort_file
from relinkage.cohorts.table import Cohort
from relinkage.errors import InputError
from relinkage.files import whole_file
from relinkage.tables import BROKEN, is_parquet, read_parquet, write_csv, write_parquet

TABLE_NAMES = ("cohort.parquet", "cohort.csv", "pairs.parquet", "pairs.csv")
PARQUET_ENDINGS = (".parquet", ".parq", ".pq")
CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


def read_cohort(path: str | Path, root: str | Path | None = None) -> Cohort:
    """Read a cohort from a table, or from a folder that holds `cohort.csv` or the like.

    Args:
        path: a Parquet file of any name, a `.csv` or `.tsv` file, gzipped or not, or a folder with one of
            `TABLE_NAMES`.
        root: the folder that image paths are relative to; the table's own folder where not given.

    Raises:
        InputError: nothing is there, it cannot be read, or it breaks the cohort schema.
    """
    table_path = _find_table(Path(path))
    table = read_table(table_path)
    return Cohort.from_table(
        table,
        root=Path(root) if root is not None else table_path.parent,
        name=table_path.parent.resolve().name if table_path.name in TABLE_NAMES else table_path.stem,
        source=str(table_path),
    )


def read_table(path: Path) -> pl.DataFrame:
    """Read a CSV or Parquet file; CSV columns stay strings, so that ids keep their leading zeros.

    A file whose content is Parquet is Parquet, whatever its name. The cells of a CSV file are separated by
    `,`, `;`, tab or `|`, as its header shows.

    Raises:
        InputError: the file is missing, empty, or not what its name says (but CSV may be gzipped, or not).
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a CSV or Parquet file.")
    if not path.is_file():
        raise InputError(f"{path} does not exist; name a CSV or Parquet file.")
    if path.suffix.lower() not in PARQUET_ENDINGS and not is_parquet(path):
        return CsvFile(path).rows()
    try:
        return read_parquet(path)
    except BROKEN as error:
        raise InputError(
            f"{path} cannot be read as Parquet ({type(error).__name__}); check the file."
        ) from None
    return CsvFile(path).rows()


def write_cohort(cohort: Cohort, out: Path) -> None:
    """Write a cohort's table, whole or not at all; `read_cohort` with the same root gives it again.

    Raises:
        InputError: as in `check_cohort_file`.
    """
    check_cohort_file(out)
    with whole_file(out) as temporary:
        if out.suffix == ".parquet":
            write_parquet(cohort.table(), temporary)
        else:
            write_csv(cohort.table(), temporary)


def _find_table(path: Path) -> Path:
    if path.is_dir():
        for name in TABLE_NAMES:
            if (path / name).is_file():
                return path / name
        raise InputError(f"{path} holds no cohort table; put {' or '.join(TABLE_NAMES[:2])} there.")
    if not path.exists():
        raise InputError(f"{path} does not exist; name a cohort's table or folder.")
    if path.name.lower().endswith((*CSV_ENDINGS, *PARQUET_ENDINGS)) or is_parquet(path):
        return path
    raise InputError(
        f"{path} is not a cohort table; name a .csv, .csv.gz or .parquet file, or a folder that holds one."
    )
