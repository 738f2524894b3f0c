"""What the attackers of a run reach where a rule looks.

Recall at any pool is worked out from the linkage table; where a run has none, or lets the gallery vary, from
the rows of its audit. The open set and groups are in the rows alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from relinkage.linkage.measures import Cell, chance, recalls
from relinkage.linkage.pools import at_least_one
from relinkage.linkage.risk import per_patient, query_risk
from relinkage.linkage.settings import FULL, Direction, PoolSize
from relinkage.linkage.table import ALL, LinkageTable
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.policies.audit_rows import group_rows, open_set_rows, patients_row, recall_row
from relinkage.policies.figures import TWO_SIDED, CannotAnswerError, Reading, Sample
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
    WorstGroup,
    pools_of,
)
from relinkage.policies.runs import Attacked


@dataclass(frozen=True)
class _Sampled:
    """A reading before its limits are drawn."""

    run: Attacked
    direction: Direction
    sample: Sample
    chance: float = float("nan")


def read(rule: AnyLimit, runs: Sequence[Attacked], policy: Policy) -> tuple[list[Reading], list[str]]:
    """Return what the attackers of a run reach where a rule looks, and what a reader should know of it.

    Args:
        rule: the rule.
        runs: the audit of each attacker.
        policy: the policy, for the size of groups.

    Raises:
        CannotAnswerError: one of them does not have it.
    """
    if isinstance(rule, Memorisation):
        raise CannotAnswerError("the run measured no memorisation")
    readings: list[Reading] = []
    sampled: list[_Sampled] = []
    held, notes = _stated(rule, runs)
    for run in held:
        for direction in _directions(rule, run):
            found: list[Reading] | _Sampled
            if isinstance(rule, WorstGroup):
                found, told = group_rows(rule, run, direction, policy)
                notes += [note for note in told if note not in notes]
            elif isinstance(rule, OpenSetRate):
                found = open_set_rows(rule, run, direction)
            elif isinstance(rule, PatientsAbove):
                found = _patients_above(rule, run, direction)
            else:
                negatives = rule.negatives if isinstance(rule, OwnStratum) else ALL
                k = rule.k if isinstance(rule, Recall | Lift) else 1
                found = _recall(run, direction, Cell(rule.pool, k), negatives)
            if isinstance(found, _Sampled):
                sampled.append(found)
            else:
                readings += found
    return readings + _drawn(sampled), notes


def _stated(rule: AnyLimit, runs: Sequence[Attacked]) -> tuple[list[Attacked], list[str]]:
    """Return the attackers whose figures hold at the pool of a rule, and a note on the others.

    Raises:
        CannotAnswerError: there are none.
    """
    assert not isinstance(rule, Memorisation)
    # One that is refitted on drawn pools has recall there, and no more.
    refitted = isinstance(rule, Recall | Lift)
    held = [
        run
        for run in runs
        if _holds_everywhere(run, rule.pool)
        or (refitted and run.audit.attacker is not None and run.audit.attacker.refits > 0)
    ]
    left = [run.attacker for run in runs if all(run is not other for other in held)]
    if not left:
        return held, []
    told = (
        f"fitted on the attacked gallery and stated at full only: {', '.join(left)}; attack with --refits, "
        "or set the rule at the full pool"
    )
    if not held:
        raise CannotAnswerError(told)
    return held, [f"not covered: {told}"]


def _holds_everywhere(run: Attacked, pool: PoolSize) -> bool:
    """Say whether the linkage table of an attacker holds at a pool."""
    used = run.audit.attacker
    return used is None or used.pools == "every" or pool == FULL


def _directions(rule: AnyLimit, run: Attacked) -> list[Direction]:
    wanted = [each for each in run.directions if rule.direction in (None, each)]
    if not wanted:
        raise CannotAnswerError(f"the run has no {rule.direction}; audit with --direction both")
    return wanted


def _drawn(sampled: Sequence[_Sampled]) -> list[Reading]:
    """Return readings with their limits; those of the same patients share the draws, which cost most."""
    readings: list[Reading] = []
    left = list(sampled)
    while left:
        first = left[0]
        same = [each for each in left if np.array_equal(each.sample.patient, first.sample.patient)]
        left = [each for each in left if all(each is not other for other in same)]
        settings = first.run.audit.settings
        values = np.column_stack([each.sample.values for each in same])
        drawn = ClusterBootstrap.draw(values, first.sample.patient, settings.replicates, settings.seed)
        ends = drawn.interval(TWO_SIDED, np.array([each.chance >= 1 - 1e-12 for each in same]))
        readings += [
            Reading(
                each.run.attacker, each.direction, float(ends.mean[place]), float(ends.low[place]),
                float(ends.high[place]), LEVEL, int(drawn.patients[place]), each.chance, sample=each.sample,
            )
            for place, each in enumerate(same)
        ]  # fmt: skip
    return readings


def _recall(run: Attacked, direction: Direction, cell: Cell, negatives: str) -> list[Reading] | _Sampled:
    if negatives != ALL and negatives not in {row.negatives for row in run.audit.strata}:
        raise CannotAnswerError(
            f"the run has no hard negatives by {negatives}; audit with --hard-negatives {negatives}"
        )
    table = _table(run, direction)
    if table is None or not _holds_everywhere(run, cell.pool):
        return [recall_row(run, direction, cell, negatives)]
    standing = table.standings[negatives]
    values = recalls(standing, [cell])[:, 0]
    if np.isnan(values).all():
        raise CannotAnswerError(f"no query of the run has {pools_of(cell.pool)}")
    sample = Sample(values, table.patient, table.pair_id.cast(pl.String))
    return _Sampled(run, direction, sample, chance(standing, cell))


def _patients_above(rule: PatientsAbove, run: Attacked, direction: Direction) -> list[Reading] | _Sampled:
    if not run.audit.patients_known:
        raise CannotAnswerError("patients are not known; give a column patient_id with --pairs")
    table = _table(run, direction)
    if table is None:
        return [patients_row(rule, run, direction)]
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
    return _Sampled(run, direction, Sample(above, np.arange(len(above)), first["pair"]))


def _table(run: Attacked, direction: Direction) -> LinkageTable | None:
    """Return the linkage table, where limits follow from it: patients vary and the gallery is held fixed."""
    return run.tables.get(direction) if run.audit.settings.varies == "patients" else None
