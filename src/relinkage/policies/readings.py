"""What one attacker reaches where a rule looks: a figure between its one-sided limits.

Recall at any pool is worked out from the linkage table; where a run has none, or lets the gallery vary, from
the rows of its audit. The open set and groups are in the rows alone. The ends of rows are those of two-sided
intervals, so at 95 % their upper ends are one-sided 97.5 % limits: stricter than what is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.linkage.measures import Cell, chance, recalls
from relinkage.linkage.pools import at_least_one
from relinkage.linkage.result import AuditResult
from relinkage.linkage.risk import THRESHOLD, per_patient, query_risk
from relinkage.linkage.risk_rows import RiskRow, RiskStratum
from relinkage.linkage.rows import PoolRow
from relinkage.linkage.settings import FULL, Direction, PoolSize
from relinkage.linkage.table import ALL, LinkageTable
from relinkage.linkage.uncertainty import ClusterBootstrap, clopper_pearson
from relinkage.policies.rules import (
    LEVEL,
    AnyLimit,
    Lift,
    Memorisation,
    OpenSetRate,
    OwnStratum,
    PatientsAbove,
    Policy,
    Recall,
    Unit,
    WorstGroup,
    pools_of,
)
from relinkage.policies.runs import Attacked

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TWO_SIDED = 2 * LEVEL - 1
"""The level of the two-sided interval whose ends are the one-sided limits."""


class CannotAnswerError(Exception):
    """A run does not have what a rule asks for; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Sample:
    """A figure as the mean of values, one per query or per patient.

    Attributes:
        values: float64, shape (n,), NaN where there is none.
        patient: int64, shape (n,): a number per patient.
        key: shape (n,): what the value is of; the same in another run of the same queries.
    """

    values: Floats
    patient: Ints
    key: pl.Series


@dataclass(frozen=True)
class Reading:
    """What one attacker reaches in one direction.

    Attributes:
        attacker: who.
        direction: which side asks.
        value: the figure, a share.
        low: its lower limit.
        high: its upper limit.
        level: the one-sided level of both.
        patients: patients that it rests on.
        chance: what a scorer that knows nothing reaches; NaN where that has no meaning.
        what: which of several figures of the rule it is: a score, a group.
        sample: what it is the mean of; None where only the figure is known.
    """

    attacker: str
    direction: Direction
    value: float
    low: float
    high: float
    level: float
    patients: int
    chance: float = float("nan")
    what: str = ""
    sample: Sample | None = None

    def in_unit(self, share: float, unit: Unit) -> float:
        """Return a share as a rule counts it."""
        if unit == "times chance":
            return share / self.chance
        return share - self.chance if unit == "above chance" else share


def read(rule: AnyLimit, run: Attacked, policy: Policy) -> tuple[list[Reading], list[str]]:
    """Return what an attacker reaches where a rule looks, and what a reader should know of it.

    Args:
        rule: the rule.
        run: the audit of the attacker.
        policy: the policy, for the size of groups.

    Raises:
        CannotAnswerError: the run does not have it.
    """
    wanted = [each for each in run.directions if rule.direction in (None, each)]
    if not wanted:
        raise CannotAnswerError(f"the run has no {rule.direction}; audit with --direction both")
    if isinstance(rule, Memorisation):
        raise CannotAnswerError("the run measured no memorisation")
    if not _stated(run, rule.pool, isinstance(rule, Recall | Lift)):
        raise CannotAnswerError(
            f"the attacker {run.attacker} is fitted on the attacked gallery and stated at full only; "
            "attack with --refits, or set the rule at the full pool"
        )
    if isinstance(rule, WorstGroup):
        return _groups(rule, run, wanted, policy)
    if isinstance(rule, OpenSetRate):
        return _open_set(rule, run, wanted), []
    if isinstance(rule, PatientsAbove):
        return [_patients_above(rule, run, direction) for direction in wanted], []
    negatives = rule.negatives if isinstance(rule, OwnStratum) else ALL
    k = rule.k if isinstance(rule, Recall | Lift) else 1
    return [_recall(run, direction, Cell(rule.pool, k), negatives) for direction in wanted], []


def _stated(run: Attacked, pool: PoolSize, refitted: bool = False) -> bool:
    """Say whether an attacker's figures hold at a pool; recall there may be of attackers fitted anew."""
    used = run.audit.attacker
    every = used is None or used.pools == "every" or pool == FULL
    return every or (refitted and used is not None and used.refits > 0)


def _recall(run: Attacked, direction: Direction, cell: Cell, negatives: str) -> Reading:
    if negatives != ALL and negatives not in {row.negatives for row in run.audit.strata}:
        raise CannotAnswerError(
            f"the run has no hard negatives by {negatives}; audit with --hard-negatives {negatives}"
        )
    table = _table(run, direction)
    if table is None or not _stated(run, cell.pool):
        return _of_row(run, direction, cell, negatives)
    standing = table.standings[negatives]
    values = recalls(standing, [cell])[:, 0]
    if np.isnan(values).all():
        raise CannotAnswerError(f"no query of the run has {pools_of(cell.pool)}")
    expected = chance(standing, cell)
    sample = Sample(values, table.patient, table.pair_id.cast(pl.String))
    return _of_sample(run, direction, sample, expected)


def _patients_above(rule: PatientsAbove, run: Attacked, direction: Direction) -> Reading:
    if not run.audit.patients_known:
        raise CannotAnswerError("patients are not known; give a column patient_id with --pairs")
    table = _table(run, direction)
    if table is None:
        return _of_risk_row(rule, run, direction)
    risk = query_risk(table, rule.pool)
    seen = ~np.isnan(risk)
    if not seen.any():
        raise CannotAnswerError(f"no query of the run has {pools_of(rule.pool)}")
    patient = table.patient[seen]
    if rule.risk == "most-exposed":
        risks = per_patient(risk[seen], patient)[0]
    else:
        risks = at_least_one(risk[seen], patient)
    first = (
        pl.DataFrame({"patient": patient, "pair": table.pair_id.cast(pl.String).filter(pl.Series(seen))})
        .group_by("patient")
        .agg(pl.col("pair").min())
        .sort("patient")
    )
    above = (risks > rule.threshold).astype(np.float64)
    return _of_sample(run, direction, Sample(above, np.arange(len(above)), first["pair"]))


def _of_sample(
    run: Attacked, direction: Direction, sample: Sample, expected: float = float("nan")
) -> Reading:
    settings = run.audit.settings
    drawn = ClusterBootstrap.draw(sample.values[:, None], sample.patient, settings.replicates, settings.seed)
    ends = drawn.interval(TWO_SIDED, np.array([expected >= 1 - 1e-12]))
    return Reading(
        run.attacker, direction, float(ends.mean[0]), float(ends.low[0]), float(ends.high[0]), LEVEL,
        int(drawn.patients[0]), expected, sample=sample,
    )  # fmt: skip


def _table(run: Attacked, direction: Direction) -> LinkageTable | None:
    """Return the linkage table, where limits follow from it: patients vary and the gallery is held fixed."""
    return run.tables.get(direction) if run.audit.settings.varies == "patients" else None


def _of_row(run: Attacked, direction: Direction, cell: Cell, negatives: str) -> Reading:
    level = _level(run.audit)
    for row in (*run.audit.closed_set, *run.audit.curve):
        if (row.direction, row.negatives, row.k) == (direction, negatives, cell.k) and _at(row, cell.pool):
            return Reading(
                run.attacker, direction, row.recall, row.low, row.high, level, row.patients, row.chance
            )
    raise CannotAnswerError(
        f"the run has no Recall@{cell.k} in {pools_of(cell.pool)}; audit with --pool {cell.pool} --k {cell.k}"
    )


def _of_risk_row(rule: PatientsAbove, run: Attacked, direction: Direction) -> Reading:
    row, level = _risk_row(run.audit, direction, rule.pool), _level(run.audit)
    if rule.threshold != THRESHOLD:
        raise CannotAnswerError(
            f"a threshold other than {THRESHOLD:g} takes linkage.parquet, which is not in the run"
        )
    told = row.most_exposed if rule.risk == "most-exposed" else row.at_least_one
    return Reading(
        run.attacker, direction, told.above_share, told.above_low, told.above_high, level, row.patients
    )


def _open_set(rule: OpenSetRate, run: Attacked, wanted: Sequence[Direction]) -> list[Reading]:
    level = _level(run.audit)
    rows = [
        row
        for row in run.audit.open_set
        if row.direction in wanted
        and _at(row, rule.pool)
        and abs(row.fpir - rule.false_claims) < 1e-9
        and rule.score in (None, row.score)
    ]
    if {row.direction for row in rows} != set(wanted):
        pool = "" if any(_at(row, rule.pool) for row in run.audit.closed_set) else f" --pool {rule.pool}"
        raise CannotAnswerError(
            f"the run has no open set at {100 * rule.false_claims:g} % false claims in "
            f"{pools_of(rule.pool)}; audit with --open-set {rule.false_claims:g}{pool}, and enough "
            "patients to set that threshold"
        )
    return [
        Reading(
            run.attacker, row.direction, row.tpir, row.low, row.high, level, row.patients,
            what=f"by {row.score}",
        )
        for row in rows
    ]  # fmt: skip


def _groups(
    rule: WorstGroup, run: Attacked, wanted: Sequence[Direction], policy: Policy
) -> tuple[list[Reading], list[str]]:
    level = _level(run.audit)
    least = fewest_that_can_pass(rule.at_most, policy.head.smallest_group)
    readings: list[Reading] = []
    small: list[str] = []
    for direction in wanted:
        row = _risk_row(run.audit, direction, rule.pool)
        chosen = [each for each in row.strata if _is_asked_for(each, rule.columns)]
        if not chosen:
            raise CannotAnswerError(
                "the run knows no such group of ten patients or more; give columns sex, age, view or labels"
            )
        large = [each for each in chosen if each.patients >= least]
        decades = [each for each in chosen if each.patients < least and each.column == "age"]
        together = sum(each.patients for each in decades)  # decades share nobody, but for birthdays
        small += [
            f"{each.column} {each.value}"
            for each in chosen
            if each.patients < least and (each not in decades or together < least)
        ]
        readings += [_of_group(run, direction, level, [each]) for each in large]
        if decades and together >= least:
            readings.append(_of_group(run, direction, level, decades))
    if not readings:
        raise CannotAnswerError(f"every group is too small to tell: none has {least:,} patients")
    notes = []
    if small:
        groups = list(dict.fromkeys(small))
        notes = [f"too small to tell (fewer than {least:,} patients): {', '.join(groups)}"]
    return readings, notes


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
