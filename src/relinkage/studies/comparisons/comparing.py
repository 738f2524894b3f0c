"""Runs side by side: paired tests between audits of the same queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

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
from relinkage.linkage.settings import FULL
from relinkage.records import write_record
from relinkage.reports import read_audit, render_report
from relinkage.studies.audits.places import AUDIT, REPORT, TABLES
from relinkage.studies.comparisons.text_length import text_length_notes


@dataclass(frozen=True)
class Comparison:
    """What a comparison leaves.

    Attributes:
        result: the content of `comparison.json`.
        audits: the audits, the baseline first, each under a name that no other has.
    """

    result: ComparisonResult
    audits: list[AuditResult]


def compare_runs(runs: Sequence[Path]) -> Comparison:
    """Compare audits of the same queries with the first of them, by paired tests.

    The intervals' level, replicates and seed are the baseline's.

    Args:
        runs: run folders, or their `audit.json`, at least two; the first is the baseline.

    Raises:
        InputError: a run cannot be read, or the runs cannot be paired: other distractors, other numbers of
            candidates, no direction or row in common, or fewer than half of a run's queries shared.
    """
    if len(runs) < 2:
        raise InputError("There is one run only; name two or more, the first being the baseline.")
    folders = [run.parent if run.is_file() else run for run in runs]
    audits = [read_audit(folder) for folder in folders]
    _check_galleries(audits, folders)
    tables = [_tables(folder) for folder in folders]
    directions = [d for d in tables[0] if all(d in found for found in tables)]
    if not directions:
        raise InputError(
            "The runs have no direction in common; audit them with the same --direction, or with both."
        )
    known = [audit.patients_known for audit in audits]
    names = [str(folder / TABLES) for folder in folders]
    pairings = [Pairing.of([found[d] for found in tables], names, known) for d in directions]
    first = audits[0].settings
    settings = ComparisonSettings(
        interval=first.interval,
        replicates=first.replicates,
        seed=first.seed,
        distractors=first.distractors,
        flips=FLIPS,
        exact_up_to=EXACT_UP_TO,
    )
    rows = [row for pairing in pairings for row in _rows(audits, pairing, settings)]
    if not rows:
        raise InputError(
            "The runs have no row in common that their queries can bear; audit them with the same --pool, "
            "--k and --hard-negatives, against the same candidates."
        )
    rows.sort(key=lambda row: row.run)
    adjusted = holm(np.array([row.p for row in rows]))
    rows = [msgspec.structs.replace(row, p_holm=float(p)) for row, p in zip(rows, adjusted, strict=True)]
    named = [
        msgspec.structs.replace(audit, name=name)
        for audit, name in zip(audits, _unique_names(audits), strict=True)
    ]
    result = ComparisonResult(
        version=relinkage.__version__,
        runs=tuple(_describe(audit, folder) for audit, folder in zip(named, folders, strict=True)),
        settings=settings,
        shared=tuple(_describe_shared(pairing) for pairing in pairings),
        rows=tuple(rows),
        notes=tuple(_notes(named, pairings, rows)),
    )
    return Comparison(result, named)


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Write `comparison.json` and `report.html`, all or nothing.

    Args:
        comparison: what `compare_runs` gives.
        out: the folder to write; an earlier comparison there is replaced.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    with whole_folder(out, COMPARISON, SCHEMA) as folder:
        write_record(folder / COMPARISON, comparison.result)
        page = render_report(comparison.audits, comparison.result)
        (folder / REPORT).write_bytes(page.encode("utf-8", "replace"))
    return out


def _check_galleries(audits: Sequence[AuditResult], folders: Sequence[Path]) -> None:
    first = audits[0]
    for audit, folder in zip(audits[1:], folders[1:], strict=True):
        distractors = [a.settings.distractors for a in (first, audit)]
        if len(set(distractors)) > 1:
            raise InputError(
                f"{folders[0]} has --distractors {distractors[0]} and {folder} has {distractors[1]}, so "
                "their pools are not alike; audit both with the same."
            )
        if first.candidates != audit.candidates:
            raise InputError(
                f"{folders[0]} searches {first.candidates} candidates and {folder} "
                f"{audit.candidates}; audit both against the same reports."
            )


def _tables(folder: Path) -> dict[str, LinkageTable]:
    return {table.direction: table for table in read_tables(folder / TABLES)}


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


def _describe(audit: AuditResult, folder: Path) -> ComparedRun:
    return ComparedRun(
        name=audit.name,
        folder=folder.resolve().name,
        queries=audit.queries,
        audit=fingerprint((folder / AUDIT).read_bytes()),
        linkage=fingerprint((folder / TABLES).read_bytes()),
    )


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
