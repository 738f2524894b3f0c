"""The headline of an audit: what was found, in one plain sentence that is exact and careful.

"An attacker holding 10,000 reports finds the right one for 1 image in 200: 50 times chance."
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.reports.audits import ALL, beats_chance, first_k, misses_chance, select
from relinkage.reports.controls import controls_finding, controls_off
from relinkage.reports.wording import (
    SPACE,
    about,
    bare_percent,
    count,
    counted,
    exact_odds,
    interval,
    percent,
    sides,
)

LARGEST_POOL = 10_000
"""The headline speaks of the largest pool up to this size, so that headlines of audits compare."""

SMALL_COHORT = 300
"""Below this many patients an event that was never seen may still have a rate above 1 %: the rule of three,
3 / patients (Hanley and Lippman-Hand, JAMA 1983)."""

TINY_COHORT = 10
"""Up to this many patients not even the rule of three says anything useful."""


class Pooled(Protocol):
    """A row about a pool."""

    @property
    def pool(self) -> int:
        """Its size."""


P = TypeVar("P", bound=Pooled)
Verdict = Literal["above", "chance", "below"]


@dataclass(frozen=True)
class Headline:
    """What an audit found, for the first screen.

    Attributes:
        sentence: the finding.
        detail: the figures behind it, exactly.
        caveats: what a reader must know before quoting it, a sentence each; often none.
        verdict: whether the interval lies above chance, covers it, or lies below.
        row: the closed-set row it speaks of.
    """

    sentence: str
    detail: str
    caveats: tuple[str, ...]
    verdict: Verdict
    row: RecallRow

    @property
    def verdict_words(self) -> str:
        """The verdict as a label."""
        return {
            "above": "Above chance",
            "chance": "Indistinguishable from chance",
            "below": "Below chance",
        }[self.verdict]


def headline(audit: AuditResult) -> Headline:
    """Say in words what the audit found for its first direction, all candidates and the smallest K."""
    return _state(audit, headline_row(_eligible(audit)))


def headline_row(rows: Sequence[P]) -> P:
    """Give the row with the largest pool up to `LARGEST_POOL`, or with the smallest pool where all exceed it.

    Args:
        rows: rows about pools, at least one.
    """
    within = [row for row in rows if row.pool <= LARGEST_POOL]
    return max(within, key=lambda row: row.pool) if within else min(rows, key=lambda row: row.pool)


def strongest(audits: Sequence[AuditResult]) -> tuple[int, Headline]:
    """Give the position and the headline of the audit that links most.

    All are judged at the largest pool they share, or at their own where they share none.

    Args:
        audits: at least one.
    """
    shared = set.intersection(*({row.pool for row in _eligible(audit)} for audit in audits))
    found = []
    for audit in audits:
        rows = [row for row in _eligible(audit) if not shared or row.pool in shared]
        found.append(_state(audit, headline_row(rows)))
    best = max(range(len(found)), key=lambda i: found[i].row.lift)
    return best, found[best]


def _eligible(audit: AuditResult) -> list[RecallRow]:
    rows = select(audit.closed_set, negatives=ALL) or list(audit.closed_set)
    rows = select(rows, direction=rows[0].direction)
    return select(rows, k=first_k(rows))


def _state(audit: AuditResult, row: RecallRow) -> Headline:
    verdict: Verdict = "above" if beats_chance(row) else "below" if misses_chance(row) else "chance"
    return Headline(_sentence(audit, row, verdict), _detail(audit, row), _caveats(audit, row), verdict, row)


def _sentence(audit: AuditResult, row: RecallRow, verdict: Verdict) -> str:
    query, candidate = sides(row.direction)
    pool = counted(row.pool, candidate)
    if row.full and row.pool > 1:
        pool = f"all {pool}"
    finds = "finds the right one" if row.k == 1 else f"has the right one among {count(row.k)} guesses"
    attacker = f"An attacker holding {pool}"
    if row.recall == 0:
        return f"{attacker} {finds} for none of the {counted(row.queries, query)}."
    if verdict == "chance":
        not_finds = finds.replace("finds", "does not find", 1).replace("has", "does not have", 1)
        chance = "always" if row.chance >= 1 else _how_many(row.chance, query)
        return f"{attacker} {not_finds} measurably more often than chance, which is {chance}."
    found = f"{attacker} {finds} for {_how_many(row.recall, query)}"
    if verdict == "below":
        return f"{found}: less often than chance, which is {_how_many(row.chance, query)}."
    return f"{found}: {_times_chance(row.lift)}."


def _how_many(share: float, noun: str) -> str:
    if share >= 1:
        return f"every {noun}"
    hits, out_of = exact_odds(share)
    return f"{counted(hits, noun)} in{SPACE}{count(out_of)}"


def _times_chance(lift: float) -> str:
    said = about(lift)
    return "just above chance" if said == "1" else f"{said} times chance"


def _detail(audit: AuditResult, row: RecallRow) -> str:
    query, candidate = sides(row.direction)
    level = bare_percent(audit.settings.interval)
    who = counted(row.queries, query)
    if audit.patients_known:
        who += f" of {counted(row.patients, 'patient')}"
    found = f"{percent(row.recall)} ({level} interval {interval(row.low, row.high)})"
    text = f"Recall@{row.k} is {found}, chance is {bare_percent(row.chance)}, over {who}."
    if not row.full:
        text += f" It is the exact average over all pools of {counted(row.pool, candidate)}."
    if row.coverage < 1:
        text += f" {percent(row.coverage)} of the queries have so large a pool; the others are left out."
    return text


def _caveats(audit: AuditResult, row: RecallRow) -> tuple[str, ...]:
    query, _ = sides(row.direction)
    caveats = []
    if controls_off(audit):
        caveats.append(f"{controls_finding(audit)} Do not quote this audit before you know why.")
    if not beats_chance(row) and not misses_chance(row) and row.high > row.chance > 0:
        caveats.append(
            f"The interval still allows {_how_many(row.high, query)}: "
            f"{about(row.high / row.chance)} times chance."
        )
    if misses_chance(row):
        caveats.append(
            "A rate below chance often means that pairs are mixed up: "
            "check that each row of the images belongs to its report."
        )
    if not audit.patients_known:
        caveats.append(
            "Patients are not known: every study counts as a patient of its own, "
            "which makes the interval too narrow where patients have several."
        )
    elif row.patients < SMALL_COHORT:
        caveats.append(_too_few(row.patients, query))
    return tuple(caveats)


def _too_few(patients: int, query: str) -> str:
    who = counted(patients, "patient")
    if patients <= TINY_COHORT:
        return f"{who}: too few to say anything about others."
    return f"{who}: too few to tell a rate below {_how_many(3 / patients, query)} from none."
