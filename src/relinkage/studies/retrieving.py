"""The nearest reports or images: from an embeddings folder and a question to a result and its page."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import relinkage
from relinkage.alignment import Heads
from relinkage.cohorts import Cohort
from relinkage.cohorts.labels import POSITIVE, UNCERTAIN
from relinkage.embeddings import Embeddings
from relinkage.encoders import Encoder, HeadPair
from relinkage.errors import InputError
from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.linkage.vectors import Vectors
from relinkage.retrieval import Found, RetrievalSettings, Side, image_side, nearest, report_side, shared_space
from relinkage.retrieval.asking import embed_image, embed_text, read_image
from relinkage.retrieval.exact import own, scores_of, tied_with_last
from relinkage.retrieval.indexed import FaissIndex, check_installed, recall
from relinkage.retrieval.question import Question
from relinkage.retrieval.result import (
    Asked,
    Gallery,
    IndexRecall,
    Kin,
    LabelsInCommon,
    MateStanding,
    Neighbour,
    RetrievalInputs,
    RetrievalResult,
)
from relinkage.retrieval.sides import NOBODY, rows_of_split
from relinkage.studies.found_encoder import find_encoder
from relinkage.studies.held_out import not_held_out, used
from relinkage.usefulness.labels import read_truth
from relinkage.usefulness.relevance import positive_sets

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Placed:
    """A question in the shared space.

    `place` is that of the query among all of its side, where it is a row of the embeddings; `cut` says
    whether a text was longer than what the encoder reads.
    """

    vectors: Vectors
    place: int | None
    cut: bool


def retrieve(
    embeddings: Embeddings,
    question: Question,
    settings: RetrievalSettings,
    *,
    heads: Heads | None = None,
    model: str | None = None,
    cohort: Cohort | None = None,
) -> RetrievalResult:
    """Find the nearest reports or images of a query.

    Args:
        embeddings: features of a cohort.
        question: what is asked.
        settings: the choices.
        heads: trained heads; the model's own where not given.
        model: where the encoder lies, for an image or a text of one's own; as the folder says, if not given.
        cohort: the cohort of the embeddings; pair ids stand in the result only with it.

    Returns:
        The content of `retrieval.json`. It holds no report text, and no patient's id.

    Raises:
        InputError: the request makes no sense, a file cannot be read, or the parts do not fit each other.
    """
    settings = question.settle(settings)
    if settings.index == "faiss":
        check_installed()
    image = None if question.image is None else read_image(question.image)
    if cohort is not None:
        check_cohort(cohort, embeddings)
    _check_row(question.query, embeddings)
    images, texts = shared_space(embeddings, None if heads is None else heads.pair)
    rows, everything = rows_of_split(embeddings, settings.split), np.arange(len(embeddings))

    def side(kind: str, among: Ints) -> Side:
        return (
            image_side(embeddings, images, among)
            if kind == "image"
            else report_side(embeddings, texts, among)
        )

    asks, finds = settings.sides
    askers, gallery = side(asks, everything), side(finds, rows)
    if question.query is not None:
        same = askers.row if asks == "image" else askers.study
        wanted = question.query if asks == "image" else _study_of(embeddings, question.query)
        place = int(np.flatnonzero(same == wanted)[0])
        asked = _Placed(askers.vectors.take(np.array([place])), place, False)
    else:
        encoder = _encoder(embeddings, model)
        pair = heads.pair if heads is not None else embeddings.heads
        assert pair is not None  # a model that can be asked has heads, or there would be no shared space
        asked = _from_outside(question, embeddings, encoder, pair, image)
    candidate_group = gallery.group(askers, settings.exclude)
    query_group = np.full(1, NOBODY, np.int64)
    if asked.place is not None:
        query_group = askers.group(gallery, settings.exclude)[[asked.place]]
    index = None
    if settings.index == "exact":
        found = nearest(asked.vectors, gallery.vectors, settings.top, query_group, candidate_group)
    else:
        file = FaissIndex.build(gallery.vectors, settings.seed)
        found = file.nearest(asked.vectors, settings.top, query_group, candidate_group)
        index = _recall(file, side(asks, rows), gallery, settings)
    eligible = np.flatnonzero(~own(query_group, candidate_group)[0])
    tied = tied_with_last(asked.vectors, 0, gallery.vectors, found, eligible)
    return RetrievalResult(
        version=relinkage.__version__,
        inputs=RetrievalInputs(
            embeddings=embeddings.name,
            model=embeddings.manifest.encoder,
            cohort=embeddings.manifest.cohort,
            heads=used(heads, embeddings),
        ),
        settings=settings,
        query=_query(question, embeddings, cohort),
        gallery=Gallery(
            kind=gallery.kind,
            candidates=len(eligible),
            patients=len(np.unique(gallery.patient[eligible])),
        ),
        index=index,
        mate=None if asked.place is None else _mate(asked, askers, gallery, settings),
        labels_in_common=_in_common(question.query, embeddings, gallery, eligible, found, tied),
        results=_results(question.query, embeddings, gallery, found, cohort),
        ties_left=len(np.setdiff1d(tied, found.place[0])),
        notes=_notes(asked, embeddings, heads, settings),
    )


def check_cohort(cohort: Cohort, embeddings: Embeddings) -> None:
    """Check that a cohort is the one that was embedded.

    Raises:
        InputError: it is another.
    """
    if cohort.fingerprint() != embeddings.manifest.cohort.fingerprint:
        raise InputError(
            f"--cohort {cohort.name} is not the cohort that {embeddings.path} was made from, or has changed "
            "since; name that one."
        )


def _check_row(row: int | None, embeddings: Embeddings) -> None:
    if row is not None and row >= len(embeddings):
        raise InputError(
            f"--query {row} is not a row of {embeddings.path}, which has {len(embeddings)} pairs; give a row "
            f"from 0 to {len(embeddings) - 1}."
        )


def _study_of(embeddings: Embeddings, row: int) -> int:
    study = embeddings.pairs["study_id"].rank("dense").to_numpy().astype(np.int64) - 1
    return int(study[row])


def _encoder(embeddings: Embeddings, model: str | None) -> Encoder:
    encoder, reason = find_encoder(embeddings, model)
    if encoder is None:
        raise InputError(
            f"{embeddings.path} cannot be asked by --image or --text, as {reason}; or ask by one of its rows "
            "with --query."
        )
    return encoder


def _from_outside(
    question: Question, embeddings: Embeddings, encoder: Encoder, heads: HeadPair, image: Any
) -> _Placed:
    if question.text is not None:
        vector, cut = embed_text(encoder, heads, question.text, embeddings.token_budget)
        return _Placed(Vectors.prepare(vector, "The text's embedding"), None, cut)
    vector = embed_image(encoder, heads, image)
    return _Placed(Vectors.prepare(vector, f"The embedding of {question.image}"), None, False)


def _recall(file: FaissIndex, among: Side, gallery: Side, settings: RetrievalSettings) -> IndexRecall:
    """Compare the index with the exact search on a seeded sample of queries of the searched split."""
    size = min(settings.recall_queries, len(among))
    chosen = np.sort(np.random.default_rng(settings.seed).choice(len(among), size, replace=False))
    sample = among.take(chosen)
    groups = sample.group(gallery, settings.exclude), gallery.group(sample, settings.exclude)
    exact = nearest(sample.vectors, gallery.vectors, settings.top, *groups)
    shares = recall(file.nearest(sample.vectors, settings.top, *groups), exact)
    drawn = ClusterBootstrap.draw(shares[:, None], sample.patient, settings.replicates, settings.seed)
    ends = drawn.interval(settings.interval)
    return IndexRecall(
        library=f"faiss {file.version}",
        lists=file.lists,
        probed=file.probed,
        recall=float(ends.mean[0]),
        low=float(ends.low[0]),
        high=float(ends.high[0]),
        chance=settings.top / len(gallery),
        queries=size,
        patients=int(drawn.patients[0]),
    )


def _query(question: Question, embeddings: Embeddings, cohort: Cohort | None) -> Asked:
    row = question.query
    if row is None:
        return Asked(by="text" if question.image is None else "image")
    labels, uncertain = _labels(embeddings, row)
    return Asked(
        by="row", row=row, labels=labels, uncertain=uncertain, pair_id=_pair_id(embeddings, row, cohort)
    )


def _results(
    row: int | None, embeddings: Embeddings, gallery: Side, found: Found, cohort: Cohort | None
) -> tuple[Neighbour, ...]:
    studies, patients = embeddings.pairs["study_id"], embeddings.pairs["patient_id"]
    results = []
    for rank, (place, score) in enumerate(zip(found.place[0], found.score[0], strict=True), 1):
        at = int(gallery.row[place])
        kin: Kin | None = None
        if row is not None and patients[at] == patients[row]:
            kin = "own study" if studies[at] == studies[row] else "same patient"
        labels, uncertain = _labels(embeddings, at)
        results.append(
            Neighbour(
                rank=rank,
                score=float(score),
                row=at,
                kin=kin,
                labels=labels,
                uncertain=uncertain,
                pair_id=_pair_id(embeddings, at, cohort),
            )
        )
    return tuple(results)


def _labels(embeddings: Embeddings, row: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the positive labels of a row, and the uncertain ones."""
    values = {label: embeddings.pairs[label][row] for label in embeddings.labels}
    positive, uncertain = (
        tuple(label for label, value in values.items() if value == wanted) for wanted in (POSITIVE, UNCERTAIN)
    )
    return positive, uncertain


def _pair_id(embeddings: Embeddings, row: int, cohort: Cohort | None) -> str | None:
    return None if cohort is None else str(embeddings.pairs["pair_id"][row])


def _mate(asked: _Placed, askers: Side, gallery: Side, settings: RetrievalSettings) -> MateStanding | None:
    """Say where the query's own study stands among candidates of other studies, as linkage counts."""
    if settings.exclude is not None or askers.kind == gallery.kind or asked.place is None:
        return None
    mates = gallery.study == askers.study[asked.place]
    if not mates.any():
        return None
    scores = scores_of(asked.vectors, 0, gallery.vectors, np.arange(len(gallery)))
    best, others = float(scores[mates].max()), scores[~mates]
    above, tied = int((others > best + TIE).sum()), int((np.abs(others - best) <= TIE).sum())
    return MateStanding(score=best, above=above, ties=tied, pool=len(others) + 1)


def _in_common(
    row: int | None, embeddings: Embeddings, gallery: Side, eligible: Ints, found: Found, tied: Ints
) -> LabelsInCommon | None:
    """Return the share of results that have a positive label in common with the query, beside the gallery's.

    Which of those that tie with the last result stand among the results is chance: the share is expected.
    """
    if row is None or not embeddings.labels:
        return None
    sets = positive_sets(read_truth(embeddings.pairs, embeddings.labels, "left-out", "negative"))
    if not sets[row].any():
        return None
    alike = ((sets[gallery.row] & sets[row]) != 0).any(axis=1)
    sure = np.setdiff1d(found.place[0], tied)
    hits = alike[sure].sum() + (len(found.place[0]) - len(sure)) * alike[tied].mean()
    return LabelsInCommon(share=float(hits / len(found.place[0])), chance=float(alike[eligible].mean()))


def _notes(
    asked: _Placed, embeddings: Embeddings, heads: Heads | None, settings: RetrievalSettings
) -> tuple[str, ...]:
    notes = []
    if asked.cut:
        notes.append("The text is longer than what the encoder reads of a report; its end was not looked at.")
    looked_at = embeddings if settings.split is None else embeddings.split(settings.split)
    return (*notes, *not_held_out(heads, looked_at, settings.split))
