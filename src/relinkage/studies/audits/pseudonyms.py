"""Pseudonyms: a run that names pairs and patients only by numbers that nobody can turn back without a key."""

import secrets
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl

from relinkage.errors import InputError
from relinkage.linkage import Audit, LinkageTable

KEY_BYTES = 32
"""The fewest bytes of a key file, and what a fresh key has."""


def pseudonym_key(file: Path | None = None) -> bytes:
    """Give the key of a run's pseudonyms.

    Args:
        file: holds a key that the user keeps, at least 32 bytes, so that the same pair has the same pseudonym
            in every run; where not given, the key is drawn from the operating system's randomness and kept
            nowhere.

    Raises:
        InputError: the file cannot be read or is too short for a key.
    """
    if file is None:
        return secrets.token_bytes(KEY_BYTES)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"--pseudonym-key {file} cannot be read ({error.strerror}); make a key with "
            f"`head -c {KEY_BYTES} /dev/urandom > {file}`."
        ) from None
    if len(content) < KEY_BYTES:
        raise InputError(
            f"--pseudonym-key {file} holds {len(content)} bytes, and a key needs {KEY_BYTES}; make one with "
            f"`head -c {KEY_BYTES} /dev/urandom > {file}`."
        )
    return blake2b(content, digest_size=KEY_BYTES).digest()


def pseudonymise(audit: Audit, key: bytes) -> Audit:
    """Replace the ids of pairs by keyed hashes, and permute the numbers of patients by the key.

    Rows are put in the order of their new ids, because the cohort's order would give the old ones away.

    Args:
        audit: the audit.
        key: as `pseudonym_key` gives it.
    """
    return Audit(audit.result | {"pseudonymised": True}, [_table(table, key) for table in audit.tables])


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
