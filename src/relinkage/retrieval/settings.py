"""The choices of a search and of a map, checked when they are made."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from relinkage.errors import InputError
from relinkage.linkage import Resampling

Direction = Literal["image-to-report", "report-to-image", "image-to-image", "report-to-report"]
IndexKind = Literal["exact", "faiss"]
Exclude = Literal["study", "patient"]

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


@dataclass(frozen=True)
class RetrievalSettings:
    """The choices of a search.

    Attributes:
        direction: what asks and what is found.
        top: how many are found.
        index: `exact` compares with every candidate; `faiss` looks into a part of an inverted file.
        exclude: whose images and reports a query never finds, beside itself: its study's, or its patient's.
        split: the split that is searched; all pairs where not given.
        recall_queries: queries that an indexed search is compared with the exact one on, at most.
        resampling: how the interval of that recall is made; its seed also draws the queries and the index.
    """

    direction: Direction = "image-to-report"
    top: int = 10
    index: IndexKind = "exact"
    exclude: Exclude | None = None
    split: str | None = None
    recall_queries: int = 256
    resampling: Resampling = field(default_factory=Resampling)

    def __post_init__(self) -> None:
        for option, value, allowed in (
            ("--direction", self.direction, DIRECTIONS),
            ("--index", self.index, get_args(IndexKind)),
            ("--exclude", self.exclude, (None, *get_args(Exclude))),
        ):
            if value not in allowed:
                known = ", ".join(name for name in allowed if name)
                raise InputError(f"{option} {value} is not known; give one of {known}.")
        if self.top < 1:
            raise InputError(f"--top {self.top} is no number of results; give a whole number from 1 up.")
        if self.recall_queries < 1:
            raise InputError("An indexed search needs at least 1 query to be compared on.")

    @property
    def sides(self) -> tuple[str, str]:
        """What asks and what is found, `image` or `report` each."""
        asks, _, found = self.direction.partition("-to-")
        return asks, found


@dataclass(frozen=True)
class MapSettings:
    """The choices of a map.

    Attributes:
        split: the split that pairs are drawn from.
        pairs: how many are drawn, one a study; all where there are fewer.
        labels: labels that points are coloured by, a figure each; normal and abnormal where none is named.
        neighbours: neighbours that the figures beside a map look at.
        perplexity: of t-SNE: about how many neighbours a point is placed by.
        early: steps with exaggerated attraction, by which t-SNE settles its coarse shape.
        steps: steps after those.
        resampling: how intervals are made; its seed also draws the pairs.
    """

    split: str = "test"
    pairs: int = 2000
    labels: tuple[str, ...] = ()
    neighbours: int = 10
    perplexity: float = 30.0
    early: int = 250
    steps: int = 500
    resampling: Resampling = field(default_factory=Resampling)

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise InputError(f"--neighbours {self.neighbours} is no number of neighbours; give at least 1.")
        if not self.perplexity >= 2:
            raise InputError(f"--perplexity {self.perplexity:g} is too small; give at least 2.")
        if self.pairs < 10:
            raise InputError(f"--pairs {self.pairs} is too few for a map; give at least 10.")
        if min(self.early, self.steps) < 1:
            raise InputError("t-SNE needs at least 1 step of each kind.")
        if len(set(self.labels)) != len(self.labels):
            raise InputError("--label names a label twice; name each once.")
