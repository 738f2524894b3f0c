"""The pairs that maps show: a seeded sample, one pair a study, the same for every model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.cohorts.labels import CHEXPERT_LABELS, abnormality
from relinkage.embeddings import Embeddings
from relinkage.errors import InputError
from relinkage.printing import known_of
from relinkage.retrieval.settings import MapSettings
from relinkage.retrieval.sides import rows_of_split
from relinkage.usefulness.labels import read_truth
from relinkage.usefulness.parts import numbers

Ints = NDArray[np.int64]

UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Colouring:
    """Classes that points are coloured by.

    Attributes:
        key: its name in files: `normal-abnormal`, or the label's own name.
        classes: the names of the classes 0 and 1.
        code: int8, shape (pairs,): the class of each drawn pair, -1 where it is not known.
    """

    key: str
    classes: tuple[str, str]
    code: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Sample:
    """The pairs that are drawn.

    Attributes:
        embeddings: the drawn pairs.
        row: int64, shape (pairs,): their rows among all pairs of the folder, ascending.
        patient: int64, shape (pairs,): a number per patient, from 0.
        colourings: what points are coloured by; empty where the cohort has no labels.
    """

    embeddings: Embeddings
    row: Ints
    patient: Ints
    colourings: tuple[Colouring, ...]


def draw_sample(embeddings: Embeddings, settings: MapSettings) -> Sample:
    """Draw the pairs of a map: the first pair of a study each, so that no report is shown twice as its own.

    Args:
        embeddings: all pairs.
        settings: the split, how many, the labels and the seed.

    Raises:
        InputError: the split is empty, or a label is not there.
    """
    rows = rows_of_split(embeddings, settings.split)
    # By pair id, so that a table in another order gives the same sample.
    rows = rows[np.argsort(embeddings.pairs["pair_id"].to_numpy()[rows])]
    study = numbers(embeddings.pairs["study_id"])
    rows = rows[np.sort(np.unique(study[rows], return_index=True)[1])]
    if len(rows) > settings.sample:
        rows = np.random.default_rng(settings.seed).choice(rows, settings.sample, replace=False)
    rows = np.sort(rows)
    least = int(3 * settings.perplexity / 2) + 2  # openTSNE looks at three times the perplexity of neighbours
    if len(rows) < least:
        raise InputError(
            f"The map would show {len(rows)} studies of the split {settings.split}, and --perplexity "
            f"{settings.perplexity:g} needs {least}; give a smaller one, a larger --sample or "
            "another --split."
        )
    drawn = embeddings.select(rows)
    return Sample(drawn, rows, numbers(drawn.pairs["patient_id"]), _colourings(drawn, settings.label))


def _colourings(drawn: Embeddings, labels: tuple[str, ...]) -> tuple[Colouring, ...]:
    for label in labels:
        if label not in drawn.labels:
            there = known_of(drawn.labels, CHEXPERT_LABELS)
            raise InputError(f"{drawn.path} has no label {label} to colour by (it has: {there}); name one.")
    if labels:
        truth = read_truth(drawn.pairs, labels, "left-out", "negative")
        return tuple(
            Colouring(label, (f"no {label}", label), truth[:, place]) for place, label in enumerate(labels)
        )
    if not drawn.labels:
        return ()
    known = abnormality(drawn.pairs, drawn.labels)
    code = np.where(np.isnan(known), UNKNOWN, known).astype(np.int8)
    return (Colouring("normal-abnormal", ("normal", "abnormal"), code),)
