"""An audit as a program holds it: every figure a data frame, and what a person reads of it."""

import html
from collections.abc import Iterable
from functools import cached_property
from os import PathLike
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage import pages
from relinkage.errors import InputError
from relinkage.files import whole_file, whole_folder
from relinkage.linkage import LinkageTable, read_tables, table_frame, write_tables
from relinkage.linkage.estimates import Estimate
from relinkage.linkage.result import SCHEMA, AuditResult
from relinkage.linkage.risk import query_risk
from relinkage.linkage.rows import RecallRow
from relinkage.linkage.settings import FULL, Direction, PoolSize
from relinkage.options import Count, Share
from relinkage.pages.wording import bare_percent, counted, interval, percent, times
from relinkage.policies.context import Context
from relinkage.records import write_record
from relinkage.studies.frames import frame
from relinkage.studies.places import AUDIT, CARD, FIGURES, PAGE, TABLES
from relinkage.studies.pseudonym_keys import pseudonym_key
from relinkage.studies.pseudonyms import pseudonymous


class RecallEstimate(Estimate, frozen=True):
    """Recall@K with its interval, beside chance.

    Attributes:
        chance: What a scorer that knows nothing reaches.
        lift: The recall divided by chance.
        queries: The queries that it is the mean over.
        patients: Patients of these queries; where patients are not known, their studies.
    """

    chance: Share
    lift: float
    queries: Count
    patients: Count

    def __str__(self) -> str:
        return (
            f"{percent(self.value)} ({interval(self.low, self.high)}), chance {bare_percent(self.chance)}, "
            f"{times(self.lift)} × chance, {counted(self.queries, 'query')}"
        )


class Audit:
    """How well images find their reports: what `relinkage.audit` and `relinkage.attack` give.

    Attributes:
        result: everything that was found, as `audit.json` holds it.
        tables: the linkage table of each direction, a row per query; none where the audit was loaded and had
            not been saved with them.
    """

    def __init__(self, result: AuditResult, tables: Iterable[LinkageTable]) -> None:
        self.result, self.tables = result, list(tables)

    @classmethod
    def load(cls, run: str | PathLike[str]) -> "Audit":
        """Read an audit that was saved.

        Args:
            run: the folder that `save`, or `relinkage audit --out`, wrote.

        Raises:
            InputError: it is missing or damaged.
        """
        tables = Path(run) / TABLES
        return cls(pages.read_audit(Path(run)), read_tables(tables) if tables.exists() else ())

    @property
    def name(self) -> str:
        """What pages call the audited model."""
        return self.result.name

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know, a sentence each."""
        return self.result.notes

    @property
    def headline(self) -> str:
        """What was found, in one sentence."""
        return pages.headline(self.result).sentence

    def recall(
        self,
        k: int = 1,
        pool: PoolSize = FULL,
        *,
        direction: Direction | None = None,
        negatives: str = "all",
    ) -> RecallEstimate:
        """Return Recall@K in pools of one size: a row of the closed set that was asked for.

        Args:
            k: the rank K.
            pool: the pool size, or "full" for all that is eligible.
            direction: which side asks; the first that was audited where not given.
            negatives: what distractors share with the query, as `to_frame` names it; all where not given.

        Raises:
            InputError: the audit has no such row.
        """
        direction = direction or self.result.closed_set[0].direction
        rows = [
            row
            for row in self.result.closed_set
            if (row.direction, row.negatives, row.k) == (direction, negatives, k)
            and (row.full if pool == FULL else row.pool == pool and not row.full)
        ]
        if not rows:
            raise InputError(
                f"The audit has no row of k {k} in pools of {pool}, {direction}, among {negatives}; ask for "
                "it with --k and --pool when you audit, or take another (`to_frame()` lists them)."
            )
        row = rows[0]
        return RecallEstimate(
            value=row.recall,
            low=row.low,
            high=row.high,
            chance=row.chance,
            lift=row.lift,
            queries=row.queries,
            patients=row.patients,
        )

    def to_frame(self) -> pl.DataFrame:
        """Return the closed set: a row per direction, kind of distractors, pool and K."""
        return frame(self.result.closed_set)

    @property
    def ranks(self) -> pl.DataFrame:
        """Expected ranks of the mates: a row per direction, kind of distractors and pool."""
        return frame(self.result.ranks)

    @property
    def controls(self) -> pl.DataFrame:
        """Attackers who know nothing, and must sit on chance."""
        return frame(self.result.controls)

    @property
    def open_set(self) -> pl.DataFrame:
        """The open set: a row per direction, score, pool and rate of false claims; empty if not asked for."""
        return frame(self.result.open_set)

    @property
    def risk(self) -> pl.DataFrame:
        """Risk per patient: a row per direction and quantile of patients, from the least exposed up."""
        rows = [
            {"direction": row.direction, "pool": row.pool, **msgspec.structs.asdict(quantile)}
            for row in self.result.risk
            for quantile in row.quantiles
        ]
        return pl.DataFrame(rows)

    @cached_property
    def queries(self) -> pl.DataFrame:
        """A row per direction and query: its pair, how many distractors score above its mate, its risk."""
        return table_frame(self._known_tables(), self._risk())

    def pseudonymise(self, key: bytes | None = None) -> "Audit":
        """Return the same audit with pseudonyms in place of ids.

        Args:
            key: 32 random bytes, with which the same pair has the same pseudonym in every audit; where not
                given, they are drawn and kept nowhere, and nobody can tell pseudonyms back.
        """
        key = key or pseudonym_key()
        return Audit(
            msgspec.structs.replace(self.result, pseudonymised=True),
            [pseudonymous(table, key) for table in self.tables],
        )

    def save(self, out: str | PathLike[str], *, linkage: bool = False) -> Path:
        """Write a run folder, all or nothing: `audit.json`, the page, the card, figures.

        Args:
            out: the folder; an earlier run there is replaced.
            linkage: whether to write `linkage.parquet` too, a row per query, which a comparison reads. It
                helps whoever wants to re-identify patients: nobody but its owner may read the file.

        Returns:
            The folder.

        Raises:
            InputError: `out` is a file or holds other things, or there are no tables to write.
        """
        tables = self._known_tables() if linkage else ()
        with whole_folder(Path(out), AUDIT, SCHEMA) as folder:
            write_record(folder / AUDIT, self.result)
            if tables:
                write_tables(tables, folder / TABLES, self._risk())
            (folder / PAGE).write_text(pages.render_page([self.result]), encoding="utf-8")
            (folder / CARD).write_text(pages.render_card([self.result]), encoding="utf-8")
            pages.write_figures([self.result], folder / FIGURES)
        return Path(out)

    def page(self, out: str | PathLike[str]) -> Path:
        """Write the page that a person reads: one HTML file that loads nothing.

        Args:
            out: the file.
        """
        return _write(Path(out), pages.render_page([self.result]))

    def card(self, out: str | PathLike[str] | None = None, context: Context | None = None) -> str:
        """Return the audit card, Markdown to publish beside a model card, and write it where asked.

        Args:
            out: a file to write it to.
            context: the context of the release, as `relinkage.policies.read_context` reads it.
        """
        text = pages.render_card([self.result], context)
        if out is not None:
            _write(Path(out), text)
        return text

    def __repr__(self) -> str:
        notes = "".join(f"\nNote: {note}" for note in self.notes)
        return f"{self.name}: {self.headline}\n\n{pages.audit_table([self.result])}{notes}"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: headline, table, controls and notes."""
        found = pages.headline(self.result)
        parts = [
            f"<p><strong>{html.escape(found.sentence)}</strong><br>{html.escape(found.detail)}</p>",
            _table(self.result.closed_set),
            f"<p>{html.escape(found.verdict)}.</p>",
        ]
        parts += [f"<p>{html.escape(text)}</p>" for text in found.caveats]
        if self.result.controls:
            parts += ["<p>Controls, which know nothing and must sit on chance:</p>"]
            parts += [_table(self.result.controls)]
        parts += [f"<p>Note: {html.escape(note)}</p>" for note in self.notes]
        return f"<div><h4>{html.escape(self.name)}</h4>{''.join(parts)}</div>"

    def _known_tables(self) -> list[LinkageTable]:
        if not self.tables:
            raise InputError(
                "The audit was loaded from a run without linkage.parquet, so it has no row per query; audit "
                "again with --linkage."
            )
        return self.tables

    def _risk(self) -> list[NDArray[np.float64]]:
        """Return the risk of each table's queries at the pool that the audit states it at."""
        return [
            query_risk(table, FULL if row.full else row.pool)
            for table, row in zip(self.tables, self.result.risk, strict=True)
        ]


def _table(rows: Iterable[RecallRow]) -> str:
    head = ("Direction", "Distractors", "Pool", "K", "Recall", "Interval", "Chance", "Lift", "Queries")
    lines = [
        (
            f"{row.direction}{' · ' + control if (control := getattr(row, 'control', '')) else ''}",
            row.negatives, f"{row.pool:,}{' (full)' if row.full else ''}", f"{row.k}", percent(row.recall),
            interval(row.low, row.high), bare_percent(row.chance), times(row.lift), f"{row.queries:,}",
        )
        for row in rows
    ]  # fmt: skip
    cells = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>" for line in lines
    )
    return (
        "<table><thead><tr>" + "".join(f"<th>{name}</th>" for name in head) + f"</tr></thead>{cells}</table>"
    )


def _write(path: Path, text: str) -> Path:
    with whole_file(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "replace"))
    return path
