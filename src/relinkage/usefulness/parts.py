"""Which pairs probes are fitted on, and the tested images and reports as cases of a retrieval."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.embeddings import Embeddings
from relinkage.errors import InputError
from relinkage.usefulness.labels import Truth
from relinkage.usefulness.relevance import Cases, positive_sets
from relinkage.usefulness.settings import UtilitySettings

Ints = NDArray[np.int64]


def fit_pairs(
    embeddings: Embeddings, test: Embeddings, settings: UtilitySettings
) -> tuple[Embeddings, list[str]]:
    """Give the pairs that probes are fitted on: of no tested patient, and no more than asked for.

    Args:
        embeddings: all pairs.
        test: those that are tested.
        settings: the fit split and how many pairs at most; its seed draws patients where there are more.

    Returns:
        The pairs, and sentences about what was left out.

    Raises:
        InputError: the fit split is empty, or all of its patients are tested.
    """
    fit = embeddings.split(settings.fit)
    shared = fit.pairs["patient_id"].is_in(test.pairs["patient_id"].unique().implode())
    notes = []
    if shared.all():
        raise InputError(
            f"{embeddings.path} has no patient in the split {settings.fit} who is not in {settings.split} "
            "too; name a split of other patients with --fit."
        )
    if shared.any():
        notes.append(
            f"{int(shared.sum())} of the {len(fit)} pairs to fit probes on are of patients who are tested "
            "too and were left out."
        )
        fit = fit.select((~shared).to_numpy())
    if not embeddings.patients_known:
        notes.append(
            "Patients are not known: every study counts as a patient of its own, so where patients repeat, "
            "intervals are too narrow and probes may be fitted on patients who are tested."
        )
    patient = numbers(fit.pairs["patient_id"])
    if len(fit) > settings.fit_pairs:
        order = np.random.default_rng(settings.seed).permutation(int(patient.max()) + 1)
        taken = np.cumsum(np.bincount(patient)[order]) <= settings.fit_pairs
        taken[0] = True
        fit = fit.select(np.isin(patient, order[taken]))
        notes.append(f"Probes are fitted on {len(fit)} pairs, drawn by patient from those of {settings.fit}.")
    return fit, notes


def tested_cases(
    pairs: pl.DataFrame, truth: Truth, patient: Ints, settings: UtilitySettings
) -> tuple[Cases, Cases, Ints]:
    """Give images and reports as cases, a report per study, and each image's report.

    A study's labels are those of its first image.

    Args:
        pairs: the tested pairs.
        truth: int8, shape (pairs, labels): every label of the cohort.
        patient: int64, shape (pairs,): a number per patient.
        settings: whose cases a query never finds.

    Returns:
        Images, reports, and int64, shape (pairs,): the report of each image.
    """
    study = numbers(pairs["study_id"])
    _, first, mate = np.unique(study, return_index=True, return_inverse=True)
    own = study if settings.exclude == "study" else patient
    sets = positive_sets(truth)
    rows = np.arange(len(pairs))
    return (
        Cases(rows, patient, own, sets),
        Cases(first.astype(np.int64), patient[first], own[first], sets[first]),
        mate.ravel().astype(np.int64),
    )


def numbers(values: pl.Series) -> Ints:
    """Number the values from 0 on, in their order: int64, shape (rows,)."""
    return (values.rank("dense").cast(pl.Int64) - 1).to_numpy()
