"""Commands that show a shared space to human eyes: the nearest reports and images, and maps."""

from pathlib import Path
from typing import Any

import click

from relinkage.cli.options import FILE, HEADS, SEED, print_result

_DIRECTIONS = ("image-to-report", "report-to-image", "image-to-image", "report-to-report")


@click.command()
@click.argument("embeddings", type=FILE, metavar="EMB")
@click.option("--image", type=FILE, help="Ask by a radiograph: a PNG, JPEG or DICOM file.")
@click.option("--text", help="Ask by a sentence or a report.")
@click.option("--query", type=int, help="Ask by a row of EMB, from 0.")
@click.option("--top", type=int, default=10, show_default=True, help="How many to find.")
@click.option(
    "--direction",
    type=click.Choice(_DIRECTIONS),
    help="[default: report-to-image for --text, image-to-report otherwise]",
)
@HEADS
@click.option(
    "--index",
    type=click.Choice(["exact", "faiss"]),
    default="exact",
    show_default=True,
    help="Compare with every candidate, or with a part of them by an index of faiss.",
)
@click.option(
    "--exclude",
    type=click.Choice(["study", "patient"]),
    help="Never find what is of the query's own study, or of its patient.",
)
@click.option("--split", help="Search this split only.  [default: all pairs]")
@click.option(
    "--cohort",
    type=FILE,
    help="The cohort of EMB: shows its report texts, images and pair ids. Keep the page.",
)
@click.option("--root", type=FILE, help="Folder that image paths are relative to.  [default: the table's]")
@click.option("--model", help="Where the encoder lies, for --image and --text.  [default: as EMB names it]")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the index and of its check.")
@click.option("--out", type=FILE, help="Folder to write: retrieval.json, retrieval.html.")
@click.option("--json", "as_json", is_flag=True, help="Print the result alone, as JSON.")
def retrieve(
    embeddings: Path, image: Path | None, text: str | None, query: int | None, top: int, direction: Any,
    heads: Path | None, index: Any, exclude: Any, split: str | None, cohort: Path | None, root: Path | None,
    model: str | None, seed: int, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The reports or images of EMB that are nearest to an image, a text or a row."""
    from relinkage.cohorts import read_cohort
    from relinkage.linkage import Resampling
    from relinkage.progress import say
    from relinkage.reports.retrieval import retrieval_table
    from relinkage.retrieval import Question, RetrievalSettings
    from relinkage.studies.retrieval import check_retrieval, illustrate, retrieve, write_retrieval

    question = Question(image, text, query)
    way: Any = direction or ("report-to-image" if text is not None else "image-to-report")
    settings = RetrievalSettings(way, top, index, exclude, split, resampling=Resampling(seed=seed))
    question.check(settings)
    if out is not None:
        check_retrieval(out)
    table = None if cohort is None else read_cohort(cohort, root)
    result = retrieve(embeddings, question, settings, heads=heads, model=model, cohort=table)
    shown = None
    if table is not None:
        named = [entry for entry in (result["query"], *result["results"]) if "pair_id" in entry]
        shown = illustrate(table, [entry["pair_id"] for entry in named])
    page = None if out is None else write_retrieval(result, shown, out)
    for note in result["notes"]:
        say(f"Note: {note}")
    print_result(result, as_json, retrieval_table(result, shown), None)
    if page is not None:
        say(f"The page is in {page}")


@click.command("map")
@click.argument("embeddings", type=FILE, metavar="EMB")
@click.option(
    "--heads",
    type=FILE,
    multiple=True,
    help="Trained heads for EMB, mapped after the model's own; repeat for more.",
)
@click.option(
    "--out", type=FILE, required=True, help="Folder to write: map.html, map.json, maps.parquet, figures."
)
@click.option("--split", default="test", show_default=True, help="Split that pairs are drawn from.")
@click.option("--pairs", type=int, default=2000, show_default=True, help="Pairs to draw, one a study.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    help="Colour by this label; repeat for more.  [default: normal, abnormal]",
)
@click.option("--neighbours", type=int, default=10, show_default=True, help="Neighbours that are counted.")
@click.option("--perplexity", type=float, default=30.0, show_default=True, help="Of t-SNE.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the result alone, as JSON.")
def map_space(
    embeddings: Path, heads: tuple[Path, ...], out: Path, split: str, pairs: int, labels: tuple[str, ...],
    neighbours: int, perplexity: float, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """A map (t-SNE) of images and reports of EMB, with the figures that say what it shows."""
    from relinkage.linkage import Resampling
    from relinkage.progress import say
    from relinkage.reports.maps import map_table
    from relinkage.retrieval import MapSettings
    from relinkage.studies.maps import check_map, draw_maps, write_map

    settings = MapSettings(split, pairs, labels, neighbours, perplexity, resampling=Resampling(seed=seed))
    check_map(out)
    maps = draw_maps(embeddings, heads, settings)
    page = write_map(maps, out)
    for note in maps.result["notes"]:
        say(f"Note: {note}")
    print_result(maps.result, as_json, map_table(maps.result), None)
    say(f"The page is in {page}")
