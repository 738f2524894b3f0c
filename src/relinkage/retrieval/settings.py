"""The choices of a search and of a map, checked when they are made."""

from typing import Annotated, Literal, get_args

from msgspec import Meta

from relinkage.linkage.settings import Resampling
from relinkage.options import Count, Option

Direction = Literal["image-to-report", "report-to-image", "image-to-image", "report-to-report"]
IndexKind = Literal["exact", "faiss"]
Exclude = Literal["study", "patient"]
SideName = Literal["image", "report"]

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


class RetrievalSettings(Resampling, frozen=True):
    """The choices of a search.

    Attributes:
        direction: What asks, and what is found.
        top: How many to find.
        index: Compare with every candidate, or with a part of them by an index of faiss.
        exclude: Never find what is of the query's own study, or of its patient.
        split: Search this split only.
        recall_queries: Queries that an indexed search is compared with the exact one on, at most.
    """

    direction: Annotated[
        Direction | None, Option(default="report-to-image for --text, image-to-report otherwise")
    ] = None
    top: Annotated[Count, Option(noun="number of results")] = 10
    index: IndexKind = "exact"
    exclude: Exclude | None = None
    split: Annotated[str | None, Option(default="all pairs")] = None
    recall_queries: Annotated[Count, Option(noun="number of queries")] = 256

    @property
    def sides(self) -> tuple[SideName, SideName]:
        """What asks and what is found."""
        asks, _, found = (self.direction or "image-to-report").partition("-to-")
        return "image" if asks == "image" else "report", "image" if found == "image" else "report"


class MapSettings(Resampling, frozen=True):
    """The choices of a map.

    Attributes:
        split: Split that pairs are drawn from.
        sample: Pairs to draw, one a study; all where there are fewer.
        label: Colour by this label; repeat for more.
        neighbours: Neighbours that are counted.
        perplexity: Of t-SNE: about how many neighbours a point is placed by.
        early: Steps of t-SNE with exaggerated attraction, by which it settles its coarse shape.
        steps: Steps of t-SNE after those.
    """

    split: str = "test"
    sample: Annotated[int, Meta(ge=10), Option(noun="number of pairs")] = 2000
    label: Annotated[tuple[str, ...], Option(repeat=True, default="normal, abnormal")] = ()
    neighbours: Annotated[Count, Option(noun="number of neighbours")] = 10
    perplexity: Annotated[float, Meta(ge=2)] = 30.0
    early: Annotated[Count, Option(noun="number of steps")] = 250
    steps: Annotated[Count, Option(noun="number of steps")] = 500
