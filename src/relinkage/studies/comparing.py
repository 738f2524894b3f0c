"""Runs side by side: paired tests between audits of the same queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

import relinkage
from relinkage.encoders.trained.statement import what_epsilon_leaves_open
from relinkage.errors import InputError
from relinkage.files import fingerprint, whole_folder
from relinkage.linkage import LinkageTable, Resampling, read_tables
from relinkage.linkage.comparison import EXACT_UP_TO, FLIPS, Change, holm
from relinkage.linkage.comparison_result import (
    COMPARISON,
    SCHEMA,
    ComparedRun,
    ComparisonResult,
    ComparisonRow,
    ComparisonSettings,
    SharedQueries,
)
from relinkage.linkage.measures import Cell, chance, recalls, size
from relinkage.linkage.pairing import Pairing
from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.linkage.settings import FULL, Direction
from relinkage.pages import comparison_table, read_audit, render_page
from relinkage.records import write_record
from relinkage.studies.audits import Audit
from relinkage.studies.frames import frame
from relinkage.studies.places import AUDIT, PAGE, TABLES
from relinkage.studies.text_length import text_length_notes


@dataclass(frozen=True)
class Comparison:
    """What a comparison of audits found.

    Attributes:
        result: the content of `comparison.json`.
        audits: the audits, the baseline first, each under a name that no other has.
    """

    result: ComparisonResult
    audits: list[AuditResult]

    def to_frame(self) -> pl.DataFrame:
        """Return a row per audit that was compared with the baseline, direction, distractors, pool and K."""
        names = [run.name for run in self.result.runs]
        rows = frame(self.result.rows)
        return rows.select(pl.Series("name", [names[run] for run in rows["run"]]), pl.all())

    def save(self, out: str | PathLike[str]) -> Path:
        """Write `comparison.json` and `page.html`, all or nothing; an earlier comparison there is replaced.

        Args:
            out: the folder.

        Raises:
            InputError: `out` is a file or holds other things.
        """
        with whole_folder(Path(out), COMPARISON, SCHEMA) as folder:
            write_record(folder / COMPARISON, self.result)
            page = render_page(self.audits, self.result)
            (folder / PAGE).write_bytes(page.encode("utf-8", "replace"))
        return Path(out)

    def __repr__(self) -> str:
        return comparison_table(self.result)


@dataclass(frozen=True)
class Run:
    """An audit that is compared, and where it lies.

    Attributes:
        audit: what it found.
        tables: its linkage tables by direction.
        called: what messages call it.
        folder: its run folder; None where it lies in memory.
    """

    audit: AuditResult
    tables: dict[Direction, LinkageTable]
    called: str
    folder: Path | None = None

    @classmethod
    def of(cls, given: Audit | str | PathLike[str], number: int) -> "Run":
        """Return an audit in memory, or read a run folder or its `audit.json`.

        Raises:
            InputError: it cannot be read.
        """
        if isinstance(given, Audit):
            tables = {table.direction: table for table in given.tables}
            return cls(given.result, tables, f"Audit {number} ({given.name})")
        path = Path(given)
        folder = path.parent if path.is_file() else path
        tables = {table.direction: table for table in read_tables(folder / TABLES)}
        return cls(read_audit(folder), tables, str(folder), folder)

    def describe(self, name: str) -> ComparedRun:
        """Return what the result says of it."""
        if self.folder is None:
            return ComparedRun(name=name, queries=self.audit.queries)
        return ComparedRun(
            name=name,
            folder=self.folder.resolve().name,
            queries=self.audit.queries,
            audit=fingerprint((self.folder / AUDIT).read_bytes()),
            linkage=fingerprint((self.folder / TABLES).read_bytes()),
        )


def compare(*audits: Audit | str | PathLike[str]) -> Comparison:
    """Compare audits of the same queries with the first of them, by paired tests.

    The intervals' level, replicates and seed are the baseline's.

    Args:
        audits: audits, or the run folders of audits, at least two; the first is the baseline.

    Raises:
        InputError: a run cannot be read, or the audits cannot be paired: other distractors, other numbers of
            candidates, no direction or row in common, or fewer than half of an audit's queries shared.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> random = np.random.default_rng(0)
        >>> images = random.normal(size=(300, 8))
        >>> clear, blurred = (images + noise * random.normal(size=(300, 8)) for noise in (0.3, 0.6))
        >>> before = rl.audit(images, clear, pool=[100], k=1)
        >>> after = rl.audit(images, blurred, pool=[100], k=1)
        >>> rl.compare(before, after).result.rows[0].difference < 0
        True
    """
    if len(audits) < 2:
        raise InputError("There is one run only; name two or more, the first being the baseline.")
    runs = [Run.of(given, number) for number, given in enumerate(audits, 1)]
    results = [run.audit for run in runs]
    _check_galleries(runs)
    directions = [d for d in runs[0].tables if all(d in run.tables for run in runs)]
    if not directions:
        raise InputError(
            "The runs have no direction in common; audit them with the same --direction, or with both."
        )
    known = [audit.patients_known for audit in results]
    called = [run.called for run in runs]
    pairings = [Pairing.of([run.tables[d] for run in runs], called, known) for d in directions]
    first = results[0].settings
    settings = ComparisonSettings(
        interval=first.interval,
        replicates=first.replicates,
        seed=first.seed,
        distractors=first.distractors,
        flips=FLIPS,
        exact_up_to=EXACT_UP_TO,
    )
    rows = [row for pairing in pairings for row in _rows(results, pairing, settings)]
    if not rows:
        raise InputError(
            "The runs have no row in common that their queries can bear; audit them with the same --pool, "
            "--k and --hard-negatives, against the same candidates."
        )
    rows.sort(key=lambda row: row.run)
    adjusted = holm(np.array([row.p for row in rows]))
    rows = [msgspec.structs.replace(row, p_holm=float(p)) for row, p in zip(rows, adjusted, strict=True)]
    names = _unique_names(results)
    named = [msgspec.structs.replace(audit, name=name) for audit, name in zip(results, names, strict=True)]
    result = ComparisonResult(
        version=relinkage.__version__,
        runs=tuple(run.describe(name) for run, name in zip(runs, names, strict=True)),
        settings=settings,
        shared=tuple(_describe_shared(pairing) for pairing in pairings),
        rows=tuple(rows),
        notes=tuple(_notes(named, pairings, rows)),
    )
    return Comparison(result, named)


def _check_galleries(runs: Sequence[Run]) -> None:
    first = runs[0]
    for run in runs[1:]:
        distractors = [each.audit.settings.distractors for each in (first, run)]
        if len(set(distractors)) > 1:
            raise InputError(
                f"{first.called} has --distractors {distractors[0]} and {run.called} has {distractors[1]}, "
                "so their pools are not alike; audit both with the same."
            )
        if first.audit.candidates != run.audit.candidates:
            raise InputError(
                f"{first.called} searches {first.audit.candidates} candidates and {run.called} "
                f"{run.audit.candidates}; audit both against the same reports."
            )


def _rows(audits: Sequence[AuditResult], pairing: Pairing, resampling: Resampling) -> list[ComparisonRow]:
    """Compare every audit with the first, row by row of the closed sets that all audits share."""
    rows = []
    direction = pairing.tables[0].direction
    for negatives in pairing.negatives:
        cells = _shared_cells(audits, direction, negatives)
        if not cells:
            continue
        standings = [table.standings[negatives] for table in pairing.tables]
        before, *afters = (recalls(standing, cells) for standing in standings)
        expected = [chance(standings[0], cell) for cell in cells]
        certain = np.array(expected) >= 1 - 1e-12
        for run, after in enumerate(afters, 1):
            change = Change.measure(before, after, pairing.patient, resampling, certain)
            rows += [
                ComparisonRow(
                    run=run,
                    direction=direction,
                    negatives=negatives,
                    pool=size(standings[0], cell.pool),
                    full=cell.pool == FULL,
                    k=cell.k,
                    chance=expected[place],
                    **_change(change, place),
                )
                for place, cell in enumerate(cells)
                if change.queries[place]
            ]
    return rows


def _shared_cells(audits: Sequence[AuditResult], direction: str, negatives: str) -> list[Cell]:
    """Give the cells for which every audit has a row, in the order of the baseline."""
    found = [
        [
            Cell(FULL if row.full else row.pool, row.k)
            for row in audit.closed_set
            if (row.direction, row.negatives) == (direction, negatives)
        ]
        for audit in audits
    ]
    return [cell for cell in found[0] if all(cell in cells for cells in found[1:])]


def _change(change: Change, place: int) -> dict[str, Any]:
    parts = {
        "before": change.before,
        "after": change.after,
        "difference": change.difference,
        "relative": change.relative,
    }
    values = {
        f"{name}{suffix}": _number(getattr(part, side)[place])
        for name, part in parts.items()
        for side, suffix in (("mean", ""), ("low", "_low"), ("high", "_high"))
    }
    return {
        "queries": int(change.queries[place]),
        "patients": int(change.patients[place]),
        **values,
        "p": float(change.p[place]),
        "p_holm": float(change.p[place]),  # adjusted when all rows are there
        "exact": bool(change.exact[place]),
    }


def _number(value: float) -> float | None:
    """Give None for what is not defined or not bounded, which JSON cannot hold."""
    return float(value) if np.isfinite(value) else None


def _place(row: RecallRow | ComparisonRow) -> tuple[Any, ...]:
    """Name a row's place; that of "full" does not depend on how large it is."""
    return row.direction, row.negatives, row.full or row.pool, row.k


def _unique_names(audits: Sequence[AuditResult]) -> list[str]:
    names = [audit.name for audit in audits]
    return [
        name if names.count(name) == 1 else f"{name} (run {number})" for number, name in enumerate(names, 1)
    ]


def _describe_shared(pairing: Pairing) -> SharedQueries:
    return SharedQueries(
        direction=pairing.tables[0].direction,
        queries=len(pairing.patient),
        patients=len(np.unique(pairing.patient)),
    )


def _notes(
    audits: Sequence[AuditResult], pairings: Sequence[Pairing], rows: Sequence[ComparisonRow]
) -> list[str]:
    notes = [
        f"{pairing.tables[0].direction.replace('-', ' ').capitalize()}, {', '.join(pairing.unequal)}: left "
        "out, as some queries have other numbers of candidates in one run than in another."
        for pairing in pairings
        if pairing.unequal
    ]
    shared = max(len(pairing.patient) for pairing in pairings)
    most = max(audit.queries for audit in audits)
    if shared < most:
        notes.append(f"{shared} of up to {most} queries are shared by all runs; the others are left out.")
    compared = {_place(row) for row in rows}
    left = {_place(row) for audit in audits for row in audit.closed_set} - compared
    if left:
        notes.append(f"Left out, as not every run has them: {len(left)} of the audits' rows.")
    knows = [audit.patients_known for audit in audits]
    if not any(knows):
        notes.append(
            "Patients are not known: every study counts as a patient of its own, so intervals are too narrow "
            "and p-values too small where patients repeat."
        )
    elif not all(knows):
        notes.append("Some runs do not know their patients; those of a run that does are used for all.")
    inputs = [audit.inputs for audit in audits]
    if any(made.kind == "arrays" and not made.pairs for made in inputs):
        notes.append(
            "At least one run goes by row numbers alone; that the same row means the same pair in all "
            "runs is taken on trust."
        )
    cohorts = {made.cohort.fingerprint for made in inputs if made.cohort}
    if len(cohorts) > 1:
        notes.append(
            "The runs' cohorts have different fingerprints; pairs are matched by pair_id, and what changed "
            "in the cohort counts as a change of the model."
        )
    notes += text_length_notes(inputs)
    for made in inputs:
        stated = made.heads and made.heads.manifest and made.heads.manifest.privacy
        if stated:
            notes += [told for told in what_epsilon_leaves_open(stated) if told not in notes]
    for audit, made in zip(audits[1:], inputs[1:], strict=True):
        if made.fingerprints is not None and made.fingerprints == inputs[0].fingerprints:
            notes.append(f"{audit.name} was made from the same vectors as {audits[0].name}.")
    return notes
