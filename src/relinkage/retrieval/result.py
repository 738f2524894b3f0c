"""What a search found, as `retrieval.json` holds it."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.alignment.used import HeadsUsed
from relinkage.embeddings.manifest import CohortOrigin, Number
from relinkage.encoders.card import EncoderCard
from relinkage.options import Count, Share
from relinkage.records import Record
from relinkage.retrieval.settings import RetrievalSettings, SideName

Cosine = Annotated[float, Meta(ge=-1.000001, le=1.000001)]
Names = tuple[str, ...]
Kin = Literal["own study", "same patient"]


class RetrievalInputs(Record, frozen=True):
    """What was searched.

    Attributes:
        embeddings: The name of the embeddings folder.
        model: The encoder that made them.
        cohort: The cohort that they were made of.
        heads: The heads that were put on.
    """

    embeddings: str
    model: EncoderCard
    cohort: CohortOrigin
    heads: HeadsUsed | None


class Asked(Record, frozen=True):
    """The query.

    Attributes:
        by: What asked: a row of the embeddings, or an image or a text of one's own.
        row: A row of pairs.parquet, from 0; null for what is one's own.
        labels: Its positive labels; null for what is one's own.
        uncertain: Its uncertain labels; null for what is one's own.
        pair_id: Its pair's id; null without the cohort, and for what is one's own.
    """

    by: Literal["row", "image", "text"]
    row: Number | None = None
    labels: Names | None = None
    uncertain: Names | None = None
    pair_id: str | None = None


class Gallery(Record, frozen=True):
    """What could be found, after what was left out.

    Attributes:
        kind: Images or reports.
        candidates: How many.
        patients: Of how many patients.
    """

    kind: SideName
    candidates: Count
    patients: Count


class IndexRecall(Record, frozen=True):
    """How much of the exact result the index finds, on a seeded sample of queries.

    Attributes:
        library: The library and its version.
        lists: Lists that candidates are put into.
        probed: Lists that a query looks into.
        recall: Share of results that are as near as the last of the exact ones.
        low: Lower end of its interval over patients.
        high: Upper end of its interval over patients.
        chance: Share that results drawn at random would reach.
        queries: Queries of the sample.
        patients: Patients of the sample.
    """

    library: str
    lists: Count
    probed: Count
    recall: Share
    low: Share
    high: Share
    chance: Share
    queries: Count
    patients: Count


class MateStanding(Record, frozen=True):
    """Where the query's own study stands among candidates of other studies.

    Attributes:
        score: The best cosine with a candidate of the own study.
        above: Candidates of other studies that score higher.
        ties: Candidates of other studies that tie with it.
        pool: Candidates of other studies, and one for the own.
    """

    score: Cosine
    above: Number
    ties: Number
    pool: Count


class LabelsInCommon(Record, frozen=True):
    """Results that have a positive label in common with the query.

    Attributes:
        share: Their share of the results, ties with the last one in expectation.
        chance: Their share of the gallery.
    """

    share: Share
    chance: Share


class Neighbour(Record, frozen=True):
    """A result.

    Attributes:
        rank: Its place, from 1.
        score: Its cosine with the query.
        row: A row of pairs.parquet; a report's is its study's first.
        kin: Whether it is of the query's own study, or else of its patient; null for all others.
        labels: Its positive labels.
        uncertain: Its uncertain labels.
        pair_id: Its pair's id; null without the cohort.
    """

    rank: Count
    score: Cosine
    row: Number
    kin: Kin | None
    labels: Names
    uncertain: Names
    pair_id: str | None = None


class RetrievalResult(Record, frozen=True):
    """The nearest reports or images of a query in a shared space.

    It holds no report text and no patient id, and pair ids only where the cohort was given.

    Attributes:
        version: The relinkage version that searched.
        inputs: What was searched.
        settings: The choices; the split is null for all pairs.
        query: The query.
        gallery: What could be found.
        index: How much of the exact result the index finds; null for the exact search.
        mate: Where the query's own study stands; null where there is none to find.
        labels_in_common: Results with a label in common with the query; null where it has none.
        results: The results, nearest first.
        ties_left: Candidates that tie with the last result and are not among the results.
        notes: What a reader has to know.
    """

    schema: Literal["relinkage.retrieval/1"] = "relinkage.retrieval/1"
    version: str
    inputs: RetrievalInputs
    settings: RetrievalSettings
    query: Asked
    gallery: Gallery
    index: IndexRecall | None
    mate: MateStanding | None
    labels_in_common: LabelsInCommon | None
    results: Annotated[tuple[Neighbour, ...], Meta(min_length=1)]
    ties_left: Number
    notes: tuple[str, ...]
