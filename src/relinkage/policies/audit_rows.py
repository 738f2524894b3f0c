"""Figures from the rows of an audit: what no linkage table holds, or where there is none.

The ends of rows are those of two-sided intervals, so at 95 % their upper ends are one-sided 97.5 % limits:
stricter than what is asked for.
"""

from collections.abc import Sequence

import numpy as np

from relinkage.linkage.measures import Cell
from relinkage.linkage.result import AuditResult
from relinkage.linkage.risk import THRESHOLD
from relinkage.linkage.risk_rows import RiskRow, RiskStratum
from relinkage.linkage.rows import PoolRow
from relinkage.linkage.settings import FULL, Direction, PoolSize
from relinkage.linkage.uncertainty import clopper_pearson
from relinkage.policies.figures import TWO_SIDED, CannotAnswerError, Reading
from relinkage.policies.rules import LEVEL, OpenSetRate, PatientsAbove, Policy, WorstGroup, pools_of
from relinkage.policies.runs import Attacked


def recall_row(run: Attacked, direction: Direction, cell: Cell, negatives: str) -> Reading:
    """Return Recall@K from the rows of an audit.

    Args:
        run: the audit of an attacker.
        direction: which side asks.
        cell: pool and rank.
        negatives: which distractors.

    Raises:
        CannotAnswerError: there is no such row.
    """
    level = _level(run.audit)
    for row in (*run.audit.closed_set, *run.audit.curve):
        if (row.direction, row.negatives, row.k) == (direction, negatives, cell.k) and _at(row, cell.pool):
            return Reading(
                run.attacker, direction, row.recall, row.low, row.high, level, row.patients, row.chance
            )
    raise CannotAnswerError(
        f"the run has no Recall@{cell.k} in {pools_of(cell.pool)}; audit with --pool {cell.pool} --k {cell.k}"
    )


def patients_row(rule: PatientsAbove, run: Attacked, direction: Direction) -> Reading:
    """Return the share of patients above a threshold from the row of an audit's risk.

    Args:
        rule: which pool, threshold and risk.
        run: the audit of an attacker.
        direction: which side asks.

    Raises:
        CannotAnswerError: the audit counted above another threshold, or in another pool.
    """
    row, level = _risk_row(run.audit, direction, rule.pool), _level(run.audit)
    if rule.threshold != THRESHOLD:
        raise CannotAnswerError(
            f"a threshold other than {THRESHOLD:g} takes linkage.parquet, which the run lacks; audit with "
            "--linkage"
        )
    told = row.most_exposed if rule.risk == "most-exposed" else row.at_least_one
    return Reading(
        run.attacker, direction, told.above_share, told.above_low, told.above_high, level, row.patients
    )


def open_set_rows(rule: OpenSetRate, run: Attacked, direction: Direction) -> list[Reading]:
    """Return TPIR at a rate of false claims, by each score that counts.

    Args:
        rule: which rate, pool and score.
        run: the audit of an attacker.
        direction: which side asks.

    Raises:
        CannotAnswerError: the audit has no such row.
    """
    level = _level(run.audit)
    rows = [
        row
        for row in run.audit.open_set
        if row.direction == direction
        and _at(row, rule.pool)
        and abs(row.fpir - rule.false_claims) < 1e-9
        and rule.score in (None, row.score)
    ]
    if not rows:
        pool = "" if any(_at(row, rule.pool) for row in run.audit.closed_set) else f" --pool {rule.pool}"
        raise CannotAnswerError(
            f"the run has no open set at {100 * rule.false_claims:g} % false claims in "
            f"{pools_of(rule.pool)}; audit with --open-set {rule.false_claims:g}{pool}, and enough "
            "patients to set that threshold"
        )
    return [
        Reading(
            run.attacker, direction, row.tpir, row.low, row.high, level, row.patients,
            what=f"by {row.score}",
        )
        for row in rows
    ]  # fmt: skip


def group_rows(
    rule: WorstGroup, run: Attacked, direction: Direction, policy: Policy
) -> tuple[list[Reading], list[str]]:
    """Return Recall@1 of each group that is large enough, and which are not.

    Args:
        rule: which pool and columns.
        run: the audit of an attacker.
        direction: which side asks.
        policy: the policy, for the smallest group.

    Raises:
        CannotAnswerError: the audit knows no group, or none that is large enough.
    """
    level = _level(run.audit)
    least = fewest_that_can_pass(rule.at_most, policy.head.smallest_group)
    row = _risk_row(run.audit, direction, rule.pool)
    chosen = [each for each in row.strata if _is_asked_for(each, rule.columns)]
    if not chosen:
        raise CannotAnswerError(
            "the run knows no such group of ten patients or more; give columns sex, age, view or labels"
        )
    decades = [each for each in chosen if each.patients < least and each.column == "age"]
    # Decades share nobody, but for birthdays; other groups may.
    pooled = decades if sum(each.patients for each in decades) >= least else []
    judged = [[each] for each in chosen if each.patients >= least] + [pooled] * bool(pooled)
    left = [each for each in chosen if each.patients < least and each not in pooled]
    small = sorted(f"{each.column} {each.value}" for each in left)  # alike for every attacker
    if not judged:
        raise CannotAnswerError(f"every group is too small to tell: none has {least:,} patients")
    notes = [f"too small to tell (fewer than {least:,} patients): {', '.join(small)}"] if small else []
    return [_of_group(run, direction, level, groups) for groups in judged], notes


def _is_asked_for(group: RiskStratum, columns: Sequence[str]) -> bool:
    named = "labels" if group.value == "positive" else group.column
    return not columns or group.column in columns or named in columns


def _of_group(run: Attacked, direction: Direction, level: float, groups: Sequence[RiskStratum]) -> Reading:
    """Return the reading of a group, or of several together.

    The ends of a mean over disjoint groups lie no farther from it than the mean of their distances, so the
    mean of the ends is on the safe side.
    """
    weights = [group.queries for group in groups]
    risk, low, high = (
        float(np.average([getattr(group, end) for group in groups], weights=weights))
        for end in ("risk", "low", "high")
    )
    names = [f"{group.column} {group.value}" for group in groups]
    patients = sum(group.patients for group in groups)
    return Reading(run.attacker, direction, risk, low, high, level, patients, what=" and ".join(names))


def fewest_that_can_pass(limit: float, smallest: int) -> int:
    """Return the smallest group that is judged: at least `smallest`, and one that passes without a hit.

    A group in which nobody is linked and whose upper limit exceeds the limit all the same would fail for its
    size alone.
    """
    patients = smallest
    while clopper_pearson(0.0, patients, patients, TWO_SIDED)[1] > limit:
        patients += max(patients // 50, 1)
    return patients


def _risk_row(audit: AuditResult, direction: Direction, pool: PoolSize) -> RiskRow:
    row = next(row for row in audit.risk if row.direction == direction)
    if not (row.full if pool == FULL else row.pool == pool):
        there = FULL if row.full else f"{row.pool:,}"
        raise CannotAnswerError(f"the run states risk at --risk-pool {there}; audit with --risk-pool {pool}")
    return row


def _at(row: PoolRow, pool: PoolSize) -> bool:
    return row.full if pool == FULL else row.pool == pool and not row.full


def _level(audit: AuditResult) -> float:
    """Return the one-sided level of the ends of an audit's intervals.

    Raises:
        CannotAnswerError: it lies below what is asked for.
    """
    interval = audit.settings.interval
    if interval < TWO_SIDED:
        raise CannotAnswerError(
            f"its intervals at {100 * interval:g} % are too narrow for a one-sided {100 * LEVEL:g} % limit; "
            "audit with --interval 0.95"
        )
    return (1 + interval) / 2
