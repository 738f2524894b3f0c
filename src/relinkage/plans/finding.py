"""The headline of a scenario: how many patients the strongest attacker links, and how many at most.

Both are in the rows of an audit, so no file with a row per query is needed. The upper end of a 95 % interval
is a one-sided 97.5 % limit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from relinkage.errors import InputError
from relinkage.linkage.rows import RecallRow
from relinkage.linkage.settings import Direction
from relinkage.linkage.table import ALL
from relinkage.pages.wording import SPACE, count, counted, percent, plural, sides
from relinkage.plans.plan import Plan
from relinkage.plans.result import Finding, Scenario
from relinkage.policies.runs import Attacked
from relinkage.studies.gating import attacked


@dataclass(frozen=True)
class _Linked:
    """How many patients an attacker links in the full gallery.

    Attributes:
        name: the attacker.
        linked: patients of whom some query's mate ranks first, ties in expectation.
        patients: all of them.
        queries: theirs.
        at_most: the upper end of the interval of their share.
        row: Recall@1 in the full gallery.
    """

    name: str
    linked: float
    patients: int
    queries: int
    at_most: float
    row: RecallRow


def conclude(plan: Plan) -> Finding | None:
    """Return the headline of a plan's scenario; None where the plan is none.

    Args:
        plan: the plan, all of whose stages are done.

    Raises:
        InputError: a run that the headline speaks of lacks what it needs.
    """
    if plan.scenario is None:
        return None
    stages = {stage.name: stage.out for stage in plan.stages}
    named = plan.scenario.headline
    tried: dict[tuple[str, int], _Linked] = {}
    for name in named:
        for run in attacked(stages[name]):
            called = run.attacker if len(named) == 1 else f"{run.attacker} ({name})"
            knows = 0 if run.audit.attacker is None else run.audit.attacker.auxiliary_pairs
            known = run.audit.patients_known
            # Who needs no pairs is the same attacker in every stage, and counts once.
            if (run.attacker, knows) not in tried:
                tried[run.attacker, knows] = _linked(run, called, plan.scenario.direction)
    return finding(plan.scenario, list(tried.values()), known)


def finding(scenario: Scenario, tried: Sequence[_Linked], patients_known: bool) -> Finding:
    """Return what the attackers of a scenario found.

    Args:
        scenario: who holds what.
        tried: what each attacker links.
        patients_known: whether patients are known; studies stand for them where not.
    """
    best = max(tried, key=lambda each: each.linked / each.patients)
    most = max(each.at_most for each in tried)
    null = all(each.row.on_chance or each.row.recall <= each.row.chance for each in tried)
    return Finding(
        attackers=tuple(each.name for each in tried),
        strongest=best.name,
        candidates=best.row.pool,
        linked=best.linked,
        patients=best.patients,
        share=min(best.linked / best.patients, 1.0),
        at_most=most,
        null=null,
        sentence=_sentence(best, most, null, len(tried), "patient" if patients_known else "study"),
        unsaid=" ".join(scenario.unsaid.split()),
    )


def _sentence(best: _Linked, most: float, null: bool, tried: int, who: str) -> str:
    query, candidate = sides(best.row.direction)
    holding = f"With {counted(best.row.pool, candidate)} in hand, "
    whom = plural(who)
    limit = f"at most {_upwards(100 * most)} %" if most > 0 else "none"
    if null:
        none = (
            "the attacker tried does not rank" if tried == 1 else f"none of the {tried} attackers tried ranks"
        )
        text = (
            f"No linkage found. {holding}{none} the right {candidate} first more often than chance; "
            f"in {whom} like these, {limit} are linked."
        )
    else:
        strongest = "the attacker tried" if tried == 1 else f"the strongest of the {tried} attackers tried"
        one = f"some {query} of " if best.queries > best.patients else ""
        share = percent(min(best.linked / best.patients, 1.0))
        text = (
            f"{holding}{strongest} ranks the right {candidate} first for {one}{count(best.linked)} of these "
            f"{count(best.patients)} {whom} ({share}; he does not know for which); "
            f"in {whom} like these, {limit}."
        )
    return text.replace(SPACE, " ")


def _upwards(number: float) -> str:
    """Return a positive number with three digits, never below it."""
    step = 10.0 ** (math.floor(math.log10(number)) - 2)
    return f"{math.ceil(number / step - 1e-9) * step:.3g}"


def _linked(run: Attacked, name: str, direction: Direction) -> _Linked:
    rows = [
        row
        for row in run.audit.closed_set
        if (row.direction, row.negatives, row.k) == (direction, ALL, 1) and row.full
    ]
    risks = [row for row in run.audit.risk if row.direction == direction and row.full]
    if not rows or not risks:
        raise InputError(
            f"The run of {name} lacks Recall@1 or the risk of patients {direction} in the full gallery, of "
            "which a headline speaks; ask for them with --pool full --k 1 --risk-pool full."
        )
    risk, linked = risks[0], risks[0].at_least_one
    return _Linked(name, linked.average * risk.patients, risk.patients, risk.queries, linked.high, rows[0])
