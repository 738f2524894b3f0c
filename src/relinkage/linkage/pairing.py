"""Which queries several audits share, and which figures about them may be compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.linkage.table import LinkageTable, Standing

Ints = NDArray[np.int64]

LEAST_SHARED = 0.5
"""Share of every audit's queries that the others must hold; below it a comparison speaks of other data."""


@dataclass(frozen=True)
class Pairing:
    """Audits of one direction, cut to the queries that all of them asked.

    Attributes:
        tables: one per audit; row i of each is the same query, in the order of `pair_id`.
        patient: int64, shape (queries,): a number per patient, the same for all.
        negatives: kinds of distractors of which every query has equally many in all audits.
        unequal: kinds that all audits have but of which some query has more in one than in another.
    """

    tables: list[LinkageTable]
    patient: Ints
    negatives: list[str]
    unequal: list[str]

    @classmethod
    def of(cls, tables: Sequence[LinkageTable], names: Sequence[str], known: Sequence[bool]) -> "Pairing":
        """Match the queries of several audits by `pair_id`.

        Args:
            tables: linkage tables of one direction, the baseline's first.
            names: how messages name each.
            known: whether each knows its patients; the first that does says which query is whose.

        Raises:
            InputError: an id repeats, fewer than half of an audit's queries are shared, or two audits that
                know their patients do not agree who a query's patient is.
        """
        shared = _numbered(tables[0], names[0], 0)
        for place, table in enumerate(tables[1:], 1):
            shared = shared.join(_numbered(table, names[place], place), on="pair_id")
        for table, name in zip(tables, names, strict=True):
            if len(shared) < LEAST_SHARED * len(table) or shared.is_empty():
                raise InputError(
                    f"{name} shares {len(shared)} of its {len(table)} {table.direction} queries with the "
                    "other runs, too few to compare; audit all runs on the same pairs."
                )
        shared = shared.sort("pair_id")
        cut = [_cut(table, shared[f"row {place}"].to_numpy()) for place, table in enumerate(tables)]
        kinds = [kind for kind in cut[0].standings if all(kind in table.standings for table in cut)]
        equal = [kind for kind in kinds if _equal(kind, cut)]
        return cls(cut, _patient(cut, names, known), equal, [kind for kind in kinds if kind not in equal])


def _numbered(table: LinkageTable, name: str, place: int) -> pl.DataFrame:
    ids = table.pair_id.cast(pl.String).alias("pair_id")
    if ids.is_duplicated().any():
        raise InputError(f"{name} has queries of the same pair_id in its linkage table; run the audit again.")
    return pl.DataFrame([ids, pl.Series(f"row {place}", np.arange(len(table)))])


def _cut(table: LinkageTable, rows: Ints) -> LinkageTable:
    standings = {
        kind: Standing(standing.eligible[rows], standing.above[rows], standing.ties[rows])
        for kind, standing in table.standings.items()
    }
    return LinkageTable(
        table.direction, table.pair_id[rows], table.patient[rows], table.mate_score[rows], standings
    )


def _equal(kind: str, tables: Sequence[LinkageTable]) -> bool:
    first, *others = (table.standings[kind].eligible for table in tables)
    return all(np.array_equal(first, other) for other in others)


def _patient(tables: Sequence[LinkageTable], names: Sequence[str], known: Sequence[bool]) -> Ints:
    places = [place for place, knows in enumerate(known) if knows] or [0]
    first = tables[places[0]].patient
    for place in places[1:]:
        groups = [len(np.unique(codes)) for codes in (first, tables[place].patient)]
        together = len(np.unique(np.stack([first, tables[place].patient]), axis=1)[0])
        if groups != [together, together]:
            raise InputError(
                f"{names[places[0]]} and {names[place]} do not agree which queries are of one patient, so "
                "equal pair_ids name different pairs; audit all runs on the same cohort."
            )
    return first
