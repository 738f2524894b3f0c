"""The audit as this room reads it: `audit.json`, and the few questions every part of a report asks of it."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

from relinkage.errors import InputError
from relinkage.linkage.result import AttackerUsed, AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.records import read_record

ALL = "all"
"""The value of `negatives` where every eligible candidate is a distractor."""

T = TypeVar("T")

_WHAT = "an audit that `relinkage audit --out` wrote"


class Grouped(Protocol):
    """A row about a direction and kind of distractors."""

    @property
    def direction(self) -> str:
        """Which side asks."""

    @property
    def negatives(self) -> str:
        """What distractors share with the query."""


class Ranked(Protocol):
    """A row about a rank."""

    @property
    def k(self) -> int:
        """The rank K."""


def read_audit(path: Path) -> AuditResult:
    """Read an audit.

    Args:
        path: a run folder, or its `audit.json`.

    Raises:
        InputError: the file is missing, damaged, or no audit of the version this release reads.
    """
    file = path / "audit.json" if path.is_dir() else path
    audit = read_record(file, AuditResult, _WHAT, "run the audit again")
    if fault := _fault(audit):
        raise InputError(f"{file} is damaged: {fault}; run the audit again.")
    return audit


def _fault(audit: AuditResult) -> str | None:
    """Say what of an audit does not go together, or is not there, where its types are right."""
    for rows in audit.rank_distribution:
        if fault := _histogram_fault(rows.edges, rows.counts):
            return f"rank_distribution {fault}"
    for row in audit.risk:
        if fault := _histogram_fault(row.histogram.edges, row.histogram.most_exposed, row.histogram.mean):
            return f"the histogram of risk {fault}"
        if 0.5 not in {quantile.share for quantile in row.quantiles}:
            return "the quantiles of risk lack the one in the middle"
    if any(set(after.columns) <= set(before.columns) for before, after in pairwise(audit.strata)):
        return "a level of strata shares no more than the one before"
    return None


def _histogram_fault(edges: Sequence[float], *counts: Sequence[int]) -> str | None:
    if any(len(numbers) != len(edges) - 1 for numbers in counts):
        return "has not one count a bin"
    if list(edges) != sorted(set(edges)):
        return "has edges that do not rise"
    return None if all(sum(numbers) for numbers in counts) else "counts nothing"


def groups(rows: Iterable[Grouped]) -> list[tuple[str, str]]:
    """Give each (direction, negatives) of the rows once, in order of appearance."""
    return list(dict.fromkeys((row.direction, row.negatives) for row in rows))


def select(rows: Iterable[T], **wanted: Any) -> list[T]:
    """Give the rows that hold all the wanted values, in their order."""
    return [row for row in rows if all(getattr(row, key) == value for key, value in wanted.items())]


def first_k(rows: Iterable[Ranked]) -> int:
    """Give the smallest K of the rows: 1 in nearly every audit."""
    return min(row.k for row in rows)


def stronger_attacker(audit: AuditResult) -> AttackerUsed | None:
    """Give who scored, where it was not plain cosine."""
    return None if audit.attacker is None or audit.attacker.name == "cosine" else audit.attacker


def synthetic(audit: AuditResult) -> bool:
    """Say whether the patients of an audit were drawn and never lived, as far as its inputs tell."""
    return audit.inputs.cohort is not None and audit.inputs.cohort.synthetic


def beats_chance(row: RecallRow) -> bool:
    """Say whether the row's interval lies above chance as a whole."""
    return row.low > row.chance
