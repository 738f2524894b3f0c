"""What is asked of a search."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from relinkage.cohorts.text import normalise
from relinkage.errors import InputError
from relinkage.options import Option, Settings
from relinkage.retrieval.settings import RetrievalSettings


class Question(Settings, frozen=True):
    """What is asked: exactly one of an image file, a text and a row of the embeddings.

    Attributes:
        image: Ask by a radiograph: a PNG, JPEG or DICOM file, or a reference into a container.
        text: Ask by a sentence or a report.
        query: Ask by a row of EMB, from 0.
    """

    image: Path | None = None
    text: str | None = None
    query: Annotated[Annotated[int, Meta(ge=0)] | None, Option(noun="row")] = None

    def check(self) -> None:
        """Check that one thing is asked.

        Raises:
            InputError: more than one is given, or none, or the text is empty.
        """
        given = [part for part in (self.image, self.text, self.query) if part is not None]
        if len(given) != 1:
            many = "more than one of" if given else "none of"
            raise InputError(f"The request has {many} --image, --text and --query; give exactly one.")
        if self.text is not None and not normalise(self.text):
            raise InputError("--text is empty; give a sentence or a report to ask by.")

    def settle(self, settings: RetrievalSettings) -> RetrievalSettings:
        """Return the choices of a search with the direction that this question asks in.

        Raises:
            InputError: an image asks as a report, a text as an image, or one of them leaves out a study.
        """
        usual = "image-to-report" if self.text is None else "report-to-image"
        settings = replace(settings, direction=settings.direction or usual)
        if self.query is not None:
            return settings
        option, kind = ("--image", "image") if self.image is not None else ("--text", "report")
        if settings.sides[0] != kind:
            raise InputError(
                f"{option} cannot ask in the direction {settings.direction}; give {kind}-to-image or "
                f"{kind}-to-report."
            )
        if settings.exclude is not None:
            raise InputError(
                f"--exclude needs --query, as what {option} asks by belongs to no study of the embeddings; "
                "leave it out."
            )
        return settings
