"""`relinkage map`: maps of a shared space."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import Folder
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.options import Option, Settings
from relinkage.retrieval.settings import MapSettings
from relinkage.studies.maps.places import check_map


class Mapped(Settings, frozen=True):
    """What is mapped.

    Attributes:
        embeddings: Folder that `relinkage embed` wrote.
        heads: Trained heads for EMB, mapped after the model's own; repeat for more.
    """

    embeddings: Folder
    heads: Annotated[tuple[Path, ...], Option(exists=True, repeat=True)] = ()


class MapOutput(Printed, frozen=True):
    """Where maps go.

    Attributes:
        out: Folder to write: map.html, map.json, maps.parquet, figures.
    """

    out: Annotated[Path, Option(metavar="FOLDER")]


@command("map", mapped=Mapped, settings=MapSettings, output=MapOutput)
def map_space(mapped: Mapped, settings: MapSettings, output: MapOutput) -> None:
    """A map (t-SNE) of images and reports of EMB, with the figures that say what it shows."""
    check_map(output.out)

    from relinkage.progress import say
    from relinkage.reports.maps import map_table
    from relinkage.studies.maps import draw_maps, write_map

    maps = draw_maps(mapped.embeddings, mapped.heads, settings)
    page = write_map(maps, output.out)
    output.show(maps.result, map_table(maps.result), maps.result.notes)
    say(f"The page is in {page}")
