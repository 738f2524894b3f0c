"""Pseudonyms: a run that names pairs and patients only by numbers that nobody can turn back without a key."""

from dataclasses import replace
from hashlib import blake2b

import numpy as np
import polars as pl

from relinkage.linkage import LinkageTable


def pseudonymous(table: LinkageTable, key: bytes) -> LinkageTable:
    """Return a table with keyed hashes for the ids of pairs, and its numbers of patients permuted by the key.

    Rows are put in the order of their new ids, because the cohort's order would give the old ones away.

    Args:
        table: a linkage table.
        key: as `pseudonym_key` gives it.
    """
    names = np.array([_hash(str(name), key, b"pair") for name in table.pair_id])
    order = np.argsort(names)
    patients, patient = np.unique(table.patient, return_inverse=True)
    number = np.random.default_rng(int(_hash("", key, b"patients"), 16)).permutation(len(patients))
    return replace(
        table,
        pair_id=pl.Series("pair_id", names[order]),
        patient=number[patient.ravel()][order],
        mate_score=table.mate_score[order],
        standings={
            name: replace(s, eligible=s.eligible[order], above=s.above[order], ties=s.ties[order])
            for name, s in table.standings.items()
        },
    )


def _hash(text: str, key: bytes, person: bytes) -> str:
    return blake2b(text.encode(), key=key, digest_size=16, person=person).hexdigest()
