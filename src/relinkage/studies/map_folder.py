"""Maps on disk: figures for people, coordinates and counts for machines."""

from pathlib import Path

from relinkage.files import whole_folder
from relinkage.pages.figures.canvas import standalone
from relinkage.pages.maps import map_figures, render_map
from relinkage.records import write_record
from relinkage.studies.mapping import Maps
from relinkage.studies.places import FIGURES, MAP, MAP_PAGE, MAP_SCHEMA, POINTS
from relinkage.tables import write_parquet


def write_map(maps: Maps, out: Path) -> Path:
    """Write `map.json`, `maps.parquet`, `map.html` and `figures/`, all or nothing.

    Args:
        maps: what `draw_maps` gives.
        out: the folder to write; earlier maps there are replaced.

    Returns:
        The page.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    figures = map_figures(maps.result, maps.points)
    with whole_folder(out, MAP, MAP_SCHEMA) as folder:
        write_record(folder / MAP, maps.result)
        write_parquet(maps.points, folder / POINTS)
        page = render_map(maps.result, figures)
        (folder / MAP_PAGE).write_bytes(page.encode("utf-8", "replace"))
        (folder / FIGURES).mkdir()
        for figure in figures:
            (folder / FIGURES / f"{figure.key}.svg").write_text(standalone(figure), encoding="utf-8")
    return out / MAP_PAGE
