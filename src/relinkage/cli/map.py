"""`relinkage map`: maps of a shared space."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import Subject
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.options import Option
from relinkage.retrieval.settings import MapSettings
from relinkage.studies.places import check_map


class Mapped(Subject, frozen=True):
    """What is mapped.

    Attributes:
        heads: Trained heads, mapped after the model's own; repeat for more.
    """

    heads: Annotated[tuple[Path, ...], Option(exists=True, repeat=True)] = ()


class MapOutput(Printed, frozen=True):
    """Where maps go.

    Attributes:
        out: Folder to write: map.html, map.json, maps.parquet, figures.
    """

    out: Annotated[Path, Option(metavar="FOLDER")]


@command("map", mapped=Mapped, settings=MapSettings, output=MapOutput)
def map_space(mapped: Mapped, settings: MapSettings, output: MapOutput) -> None:
    """A map (t-SNE) of the images and reports of EMB, or of arrays, with figures that say what it shows."""
    check_map(output.out)

    from relinkage import studies
    from relinkage.pages.maps import map_table
    from relinkage.progress import say

    heads = [read for each in mapped.heads if (read := studies.heads_of(each)) is not None]
    maps = studies.draw_maps(mapped.read(), heads, settings)
    page = studies.write_map(maps, output.out)
    output.show(maps.result, map_table(maps.result), maps.result.notes)
    say(f"The page is in {page}")
