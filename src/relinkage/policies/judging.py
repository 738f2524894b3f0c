"""Verdicts: each rule of a policy held against what the attackers of a run reach.

The attacker with the largest upper limit decides, as in `linkage.strongest.at_most`. Against a reference, the
upper limit of the difference decides: then small cohorts do not pass by being small, and releases that rise a
little each time fail against the reference that stays, before the sum of their steps exceeds the margin.
"""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass

import relinkage
from relinkage.linkage.rows import ControlRow
from relinkage.policies.context import NOT_PROVIDED, Context
from relinkage.policies.differences import NoReferenceError, above_reference
from relinkage.policies.figures import CannotAnswerError, Reading
from relinkage.policies.readings import read
from relinkage.policies.result import CheckResult, Outcome, Verdict
from relinkage.policies.rules import (
    AnyLimit,
    AnyRule,
    Controls,
    Lift,
    Memorisation,
    Policy,
    WorstGroup,
)
from relinkage.policies.runs import Attacked


@dataclass(frozen=True)
class Reference:
    """A run that others are held against.

    Attributes:
        name: of its folder.
        runs: the audit of each attacker.
        margin: by how much a figure may exceed its figure, as a share of the rule's limit.
    """

    name: str
    runs: Sequence[Attacked]
    margin: float


def judge(
    policy: Policy,
    runs: Sequence[Attacked],
    *,
    name: str,
    today: datetime.date,
    context: Context | None = None,
    reference: Reference | None = None,
) -> CheckResult:
    """Return a verdict for each rule of a policy.

    Args:
        policy: the policy.
        runs: the audit of each attacker on one release, at least one.
        name: what the result calls the run.
        today: the day that decides whether the context has expired.
        context: the context of the release, as stated.
        reference: a run that the figures may not exceed by more than a margin.
    """
    verdicts = [verdict for rule in policy.rules for verdict in _rule(rule, policy, runs, reference)]
    verdicts += _context(policy, context, today)
    return CheckResult(
        version=relinkage.__version__,
        run=name,
        policy=policy,
        attackers=tuple(run.attacker for run in runs),
        patients=runs[0].audit.patients,
        reference=None if reference is None else reference.name,
        margin=None if reference is None else reference.margin,
        context=context,
        verdicts=tuple(verdicts),
        passed=all(verdict.verdict == "pass" for verdict in verdicts),
    )


def _rule(
    rule: AnyRule, policy: Policy, runs: Sequence[Attacked], reference: Reference | None
) -> list[Verdict]:
    try:
        _check_patients(policy, runs)
        if isinstance(rule, Controls):
            return [_controls(rule, runs)]
        readings, notes = read(rule, runs, policy)
    except CannotAnswerError as error:
        return [_unanswered(rule, str(error))]
    few = min(reading.patients for reading in readings)
    if few < policy.head.fewest_patients and not isinstance(rule, WorstGroup):
        return [_unanswered(rule, _too_few(few, policy))]
    verdicts = [_limit(rule, readings, notes)]
    if reference is not None and not isinstance(rule, WorstGroup | Memorisation):
        verdicts.append(_against(rule, readings, policy, reference))
    return verdicts


def _check_patients(policy: Policy, runs: Sequence[Attacked]) -> None:
    audit = runs[0].audit
    if policy.head.patients_known and not audit.patients_known:
        raise CannotAnswerError(
            "patients are not known, so limits would be too low; give a column patient_id with --pairs"
        )
    if audit.patients < policy.head.fewest_patients:
        raise CannotAnswerError(_too_few(audit.patients, policy))


def _too_few(patients: int, policy: Policy) -> str:
    return f"it rests on {patients:,} patients; the policy asks for {policy.head.fewest_patients:,}"


def _limit(rule: AnyLimit, readings: Sequence[Reading], notes: Sequence[str]) -> Verdict:
    worst = max(readings, key=lambda reading: reading.in_unit(reading.high, rule.unit))
    figure, most = (worst.in_unit(share, rule.unit) for share in (worst.value, worst.high))
    return Verdict(
        rule=rule.title,
        verdict=_outcome(figure, most, rule.at_most),
        figure=figure,
        at_most=most,
        limit=rule.at_most,
        relative=rule.unit == "times chance",
        attacker=worst.attacker,
        direction=worst.direction,
        patients=worst.patients,
        detail="; ".join([*([worst.what] * bool(worst.what)), *_wanted(worst, figure, most, rule), *notes]),
        why=rule.why,
    )


def _outcome(figure: float, most: float, limit: float) -> Outcome:
    if most <= limit:
        return "pass"
    return "fail" if figure > limit else "too few to tell"


def _wanted(worst: Reading, figure: float, most: float, rule: AnyLimit) -> list[str]:
    """Say how many patients would tell: limits draw in with the square root of their number."""
    if not figure < rule.at_most < most:
        return []
    ratio = (most - figure) / (rule.at_most - figure)
    many = worst.patients * ratio**2
    step = 10 ** max(math.floor(math.log10(many)) - 1, 0)
    return [f"about {math.ceil(many / step) * step:,} patients would show it if the figure stays what it is"]


def _against(rule: AnyLimit, readings: Sequence[Reading], policy: Policy, reference: Reference) -> Verdict:
    allowed = reference.margin * rule.at_most
    title = f"{rule.title}, above the reference"
    try:
        _check_patients(policy, reference.runs)
        old, _ = read(rule, reference.runs, policy)
        found = above_reference(readings, old, rule.unit, reference.runs[0].audit.settings)
    except (CannotAnswerError, NoReferenceError) as error:
        return _unanswered(rule, f"of the reference: {error}", title, allowed)
    place = max(range(len(found)), key=lambda number: found[number].most)
    return Verdict(
        rule=title,
        verdict=_outcome(found[place].value, found[place].most, allowed),
        figure=found[place].value,
        at_most=found[place].most,
        limit=allowed,
        relative=rule.unit == "times chance",
        attacker=readings[place].attacker,
        direction=readings[place].direction,
        patients=readings[place].patients,
        detail="of the same patients, in pairs"
        if found[place].paired
        else "of other patients, or without --linkage",
        why=rule.why,
    )


def _controls(rule: Controls, runs: Sequence[Attacked]) -> Verdict:
    rows: list[ControlRow] = [row for run in runs for row in run.audit.controls]
    off = [row for row in rows if not row.on_chance]
    if not rows:
        raise CannotAnswerError("the run has no controls")
    return Verdict(
        rule=rule.title,
        verdict="fail" if off else "pass",
        detail=f"{len(off)} of {len(rows)} rows lie off chance" if off else f"all {len(rows)} rows",
        why=rule.why,
    )


def _unanswered(rule: AnyRule, reason: str, title: str | None = None, limit: float | None = None) -> Verdict:
    if limit is None and not isinstance(rule, Controls):
        limit = rule.at_most
    return Verdict(
        rule=title or rule.title,
        verdict="cannot answer",
        limit=limit,
        relative=isinstance(rule, Lift),
        detail=reason,
        why=rule.why,
    )


def _context(policy: Policy, context: Context | None, today: datetime.date) -> list[Verdict]:
    """Judge whether what the policy asks for is stated, and whether it still holds."""
    stated = (context or Context()).stated
    missing = [name for name in policy.head.context if not stated[name]]
    verdicts = []
    if policy.head.context:
        verdicts.append(
            Verdict(
                rule="context of the release",
                verdict="cannot answer" if missing else "pass",
                detail=f"{NOT_PROVIDED}: {', '.join(missing)}; state it with --context" if missing else "",
            )
        )
    if context is not None and context.expired(today):
        verdicts.append(
            Verdict(rule="expiry of the context", verdict="fail", detail=f"it expired on {context.expires}")
        )
    return verdicts
