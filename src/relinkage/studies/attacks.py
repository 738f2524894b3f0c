"""Several attackers on the same pairs: an audit of each, and how strong the strongest is."""

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path

import msgspec
import polars as pl

from relinkage.errors import InputError
from relinkage.linkage import LinkageTable, Resampling
from relinkage.linkage.estimates import Estimate
from relinkage.linkage.measures import Cell
from relinkage.linkage.rows import RecallRow
from relinkage.linkage.settings import FULL
from relinkage.linkage.strongest import at_least, at_most
from relinkage.pages import audit_table
from relinkage.pages.headlines import usual_row
from relinkage.pages.strength import strength_sentences
from relinkage.studies.audits import Audit
from relinkage.studies.frames import frame

LEAST_TO_HALVE = 20
"""Patients of whom one half can choose for the other."""


class Attack(Mapping[str, Audit]):
    """Audits of the same pairs by several attackers: what `relinkage.attack` gives.

    It is a mapping from the attackers' names to their audits, in the order that was asked for.

    Attributes:
        notes: what a reader should know of the whole, a sentence each.
    """

    def __init__(self, audits: Mapping[str, Audit], notes: tuple[str, ...] = ()) -> None:
        self._audits, self.notes = dict(audits), notes

    def __getitem__(self, attacker: str) -> Audit:
        if attacker not in self._audits:
            raise KeyError(f"{attacker} did not attack; those that did: {', '.join(self._audits)}")
        return self._audits[attacker]

    def __iter__(self) -> Iterator[str]:
        return iter(self._audits)

    def __len__(self) -> int:
        return len(self._audits)

    @property
    def strongest_first(self) -> list[Audit]:
        """The audits by their recall in `row`, the highest first; those without such a row come last."""
        key = _key(self.row)

        def order(audit: Audit) -> tuple[bool, float]:
            rows = [row for row in audit.result.closed_set if _key(row) == key]
            return not rows, -(rows[0] if rows else usual_row(audit.result)).recall

        return sorted(self._audits.values(), key=order)

    @property
    def row(self) -> RecallRow:
        """The row that `at_least` and `at_most` speak of, as the first attacker has it.

        One that all attackers have: those fitted on the attacked gallery have rows for the full gallery
        alone. Where they share none, one of an attacker whose figures hold for every pool.
        """
        results = [audit.result for audit in self._audits.values()]
        shared = set.intersection(*({_key(row) for row in result.closed_set} for result in results))
        if not shared:
            every = [result for result in results if result.attacker and result.attacker.pools == "every"]
            return usual_row((every or results)[0])
        rows = tuple(row for row in results[0].closed_set if _key(row) in shared)
        return usual_row(msgspec.structs.replace(results[0], closed_set=rows))

    @property
    def tried(self) -> tuple[str, ...]:
        """The attackers that `at_least` and `at_most` speak of: those with such a row."""
        key = _key(self.row)
        return tuple(
            name for name, audit in self._audits.items() if key in map(_key, audit.result.closed_set)
        )

    @property
    def at_least(self) -> Estimate:
        """The recall of an attacker who is chosen on one half of the patients and measured on the other."""
        return at_least(*self._judged)

    @property
    def at_most(self) -> float:
        """What none of the attackers tried exceeds: the largest one-sided upper limit of their recall."""
        return at_most(*self._judged)

    @property
    def strength(self) -> str:
        """Both figures in words; empty for a single attacker, or with too few patients to halve."""
        tried, row = len(self.tried), self.row
        if tried < 2 or row.patients < LEAST_TO_HALVE:
            return ""
        result = next(iter(self.values())).result
        who = "patient" if result.patients_known else "study"
        return strength_sentences(row, self.at_least, self.at_most, tried, result.settings.interval, who)

    def to_frame(self) -> pl.DataFrame:
        """Return the closed sets of all attackers, with a column that names the attacker."""
        parts = [
            frame(audit.result.closed_set).select(pl.lit(name).alias("attacker"), pl.all())
            for name, audit in self._audits.items()
        ]
        return pl.concat(parts)

    def save(self, out: str | PathLike[str], *, linkage: bool = False) -> Path:
        """Write a run folder for each attacker, named after it.

        Args:
            out: the folder that they lie in.
            linkage: whether each has `linkage.parquet` too; see `Audit.save`.

        Raises:
            InputError: one of them is a file or holds other things.
        """
        for name, audit in self._audits.items():
            audit.save(Path(out) / name, linkage=linkage)
        return Path(out)

    def pseudonymise(self, key: bytes | None = None) -> "Attack":
        """Return the same attack with pseudonyms in place of ids; see `Audit.pseudonymise`."""
        return Attack({name: audit.pseudonymise(key) for name, audit in self._audits.items()}, self.notes)

    def __repr__(self) -> str:
        notes = [note for audit in self.values() for note in audit.notes]
        told = "".join(f"\nNote: {note}" for note in dict.fromkeys([*self.notes, *notes]))
        table = audit_table([audit.result for audit in self.strongest_first])
        return "\n\n".join(part for part in (table, self.strength) if part) + told

    @property
    def _judged(self) -> tuple[list[LinkageTable], Cell, Resampling]:
        if not self._audits:
            raise InputError("No attacker was asked for; name at least one.")
        row, settings = self.row, next(iter(self.values())).result.settings
        tables = [
            next(table for table in self._audits[name].tables if table.direction == row.direction)
            for name in self.tried
        ]
        how = Resampling(interval=settings.interval, replicates=settings.replicates, seed=settings.seed)
        return tables, Cell(FULL if row.full else row.pool, row.k), how


def _key(row: RecallRow) -> tuple[object, ...]:
    """Return what rows of different attackers about the same thing share."""
    return row.direction, row.negatives, FULL if row.full else row.pool, row.k, row.refits > 0
