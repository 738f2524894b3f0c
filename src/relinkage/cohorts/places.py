"""Where a cohort table may be written."""

from pathlib import Path

from relinkage.errors import InputError


def check_cohort_file(out: Path, source: Path | None = None) -> None:
    """Check, before any work is done, that a cohort may be written to a file.

    Args:
        out: the file to write.
        source: what the cohort is read from, which is not written over.

    Raises:
        InputError: the name ends in neither `.parquet` nor `.csv`, it is a folder or `source`, or a file is
            there that is not a cohort table: it may belong to the data set.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise InputError(f"{out} is not a cohort table; name a .parquet or .csv file to write.")
    if out.is_dir() or any(place.exists() and not place.is_dir() for place in out.parents):
        raise InputError(f"{out} cannot be written, for a folder or a file is in its place; name another.")
    if source is not None and source.is_file() and out.exists() and out.samefile(source):
        raise InputError(f"{out} is what the cohort is read from; name another file to write.")
    if out.exists() and out.stat().st_size and not _is_cohort(out):
        raise InputError(f"{out} is there and is not a cohort table; name another file to write.")


def _is_cohort(path: Path) -> bool:
    """Whether a file has the columns that every cohort table has."""
    from relinkage.cohorts.table import REQUIRED
    from relinkage.tables import BROKEN, is_parquet, scan_csv, scan_parquet

    try:
        scan = scan_parquet(path) if is_parquet(path) else scan_csv(path)
        return set(REQUIRED) <= set(scan.collect_schema().names())
    except BROKEN:
        return False
