"""The files of maps, and whether they may be written."""

from pathlib import Path

from relinkage.files import check_folder

MAP, POINTS, PAGE, FIGURES = "map.json", "maps.parquet", "map.html", "figures"
SCHEMA = "relinkage.map/1"


def check_map(out: Path) -> None:
    """Check that maps may be written at `out`, before work that takes long.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    check_folder(out, MAP, SCHEMA)
