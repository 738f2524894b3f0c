"""`relinkage retrieve`: what is nearest in a shared space."""

from pathlib import Path
from typing import Annotated

from relinkage.cli.inputs import Subject
from relinkage.cli.options import command
from relinkage.cli.outputs import Printed
from relinkage.cohorts.readers.settings import check_cohort_path
from relinkage.errors import InputError
from relinkage.options import Option
from relinkage.retrieval.question import Question
from relinkage.retrieval.settings import RetrievalSettings
from relinkage.studies.places import check_retrieval


class Searched(Subject, frozen=True):
    """What is searched, and what helps.

    Attributes:
        heads: Trained heads to put on.
        cohort: The cohort of EMB: shows its report texts, images and pair ids. Keep the page.
        root: Folder that image paths are relative to.
        model: Where the encoder lies, for --image and --text.
    """

    heads: Annotated[Path | None, Option(exists=True, default="the model's own")] = None
    cohort: Path | None = None
    root: Annotated[Path | None, Option(exists=True, default="the table's")] = None
    model: Annotated[str | None, Option(default="as EMB names it")] = None


class RetrievalOutput(Printed, frozen=True):
    """Where a search goes.

    Attributes:
        out: Folder to write: retrieval.json, retrieval.html.
    """

    out: Annotated[Path | None, Option(metavar="FOLDER")] = None


@command("retrieve", searched=Searched, question=Question, settings=RetrievalSettings, output=RetrievalOutput)
def retrieve(
    searched: Searched, question: Question, settings: RetrievalSettings, output: RetrievalOutput
) -> None:
    """The reports or images of EMB, or of arrays, that are nearest to an image, a text or a row."""
    settings = question.settle(settings)
    if output.out is not None:
        check_retrieval(output.out)
    if searched.cohort is not None:
        check_cohort_path(searched.cohort)
    _check_image(question.image)

    from relinkage import studies
    from relinkage.cohorts import read_cohort
    from relinkage.pages.retrieval import retrieval_table
    from relinkage.progress import say

    table = None if searched.cohort is None else read_cohort(searched.cohort, searched.root)
    heads = studies.heads_of(searched.heads)
    result = studies.retrieve(
        searched.read(), question, settings, heads=heads, model=searched.model, cohort=table
    )
    ids = [result.query.pair_id, *(found.pair_id for found in result.results)]
    shown = None if table is None else studies.illustrate(table, [name for name in ids if name is not None])
    page = None if output.out is None else studies.write_retrieval(result, shown, output.out)
    output.show(result, retrieval_table(result, shown), result.notes)
    if page is not None:
        say(f"The page is in {page}")


def _check_image(image: Path | None) -> None:
    if image is not None and not Path(str(image).partition("::")[0]).exists():
        raise InputError(f"--image {image} does not exist; give a radiograph as a PNG, JPEG or DICOM file.")
