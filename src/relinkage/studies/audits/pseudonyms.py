"""Pseudonyms: a run that names pairs and patients only by numbers that nobody can turn back without a key."""

from dataclasses import replace
from hashlib import blake2b

import msgspec
import numpy as np
import polars as pl

from relinkage.linkage import LinkageTable, Measurement


def pseudonymise(audit: Measurement, key: bytes) -> Measurement:
    """Replace the ids of pairs by keyed hashes, and permute the numbers of patients by the key.

    Rows are put in the order of their new ids, because the cohort's order would give the old ones away.

    Args:
        audit: the audit.
        key: as `pseudonym_key` gives it.
    """
    result = msgspec.structs.replace(audit.result, pseudonymised=True)
    return Measurement(result, [_table(table, key) for table in audit.tables])


def _table(table: LinkageTable, key: bytes) -> LinkageTable:
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
