"""What maps show, in figures, as `map.json` holds it."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.alignment.used import HeadsUsed
from relinkage.embeddings.manifest import CohortOrigin, Number
from relinkage.encoders.card import EncoderCard
from relinkage.linkage.estimates import Estimate
from relinkage.options import Count, Share
from relinkage.records import Record
from relinkage.retrieval.settings import MapSettings


class MapInputs(Record, frozen=True):
    """What was mapped.

    Attributes:
        embeddings: The name of the embeddings folder.
        model: The encoder that made them.
        cohort: The cohort that they were made of.
    """

    embeddings: str
    model: EncoderCard
    cohort: CohortOrigin


class MapSample(Record, frozen=True):
    """The pairs that are shown.

    Attributes:
        pairs: How many.
        patients: Of how many patients.
    """

    pairs: Count
    patients: Count


class MapColouring(Record, frozen=True):
    """Classes that points are coloured by.

    Attributes:
        key: normal-abnormal, a label, or side.
        classes: The names of the two classes.
        pairs: Pairs of each class.
        unknown: Pairs whose class is not known.
    """

    key: str
    classes: tuple[str, str]
    pairs: tuple[Number, Number]
    unknown: Number


class Kept(Estimate, frozen=True):
    """The share of a point's neighbours in the space that are its neighbours in the map, ties in expectation.

    Attributes:
        chance: What neighbours drawn at random would share.
    """

    chance: Share


class AlikeNeighbours(Record, frozen=True):
    """How often the nearest points of other patients are of a point's class, ties in expectation.

    Attributes:
        space: In the space.
        map: In the map.
        chance: What neighbours drawn at random would share.
        points: Points of known class.
        patients: Their patients.
    """

    space: Estimate
    map: Estimate
    chance: Share
    points: Count
    patients: Count


class MapPanel(Record, frozen=True):
    """A map, of one pair of heads.

    Attributes:
        name: As in the column model of maps.parquet.
        heads: The heads that were put on.
        dimension: Width of the space.
        modality_gap: Distance of the mean image from the mean report, 0 to 2.
        alignment: Mean squared distance of an image and its report, 0 to 4.
        divergence: Kullback-Leibler divergence that t-SNE is left with, over all pairs of different points.
        kept: How many neighbours the map kept.
        neighbours: By colouring, how often neighbours are of one class.
    """

    name: str
    heads: HeadsUsed | None
    dimension: Count
    modality_gap: Annotated[float, Meta(ge=0, le=2.000001)]
    alignment: Annotated[float, Meta(ge=0, le=4.000001)]
    divergence: Annotated[float, Meta(ge=0)]
    kept: Kept
    neighbours: dict[str, AlikeNeighbours]


class MapResult(Record, frozen=True):
    """Maps of a sample of a shared space, and the figures that say what they show.

    Coordinates lie in maps.parquet. It holds no report text, no patient id and no pair id.

    Attributes:
        version: The relinkage version that drew.
        inputs: What was mapped.
        settings: The choices.
        sample: The pairs that are shown.
        colourings: What points are coloured by; by side is the last.
        maps: The maps, the model's own heads first.
        notes: What a reader has to know.
    """

    schema: Literal["relinkage.map/1"] = "relinkage.map/1"
    version: str
    inputs: MapInputs
    settings: MapSettings
    sample: MapSample
    colourings: Annotated[tuple[MapColouring, ...], Meta(min_length=1)]
    maps: Annotated[tuple[MapPanel, ...], Meta(min_length=1)]
    notes: tuple[str, ...]
