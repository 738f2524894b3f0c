"""What a check found, as `check.json` holds it."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.linkage.settings import Direction
from relinkage.options import Count
from relinkage.policies.context import Context
from relinkage.policies.rules import Policy
from relinkage.records import Record

SCHEMA: Literal["relinkage.check/1"] = "relinkage.check/1"
Outcome = Literal["pass", "fail", "too few to tell", "cannot answer"]


class Verdict(Record, frozen=True):
    """What a run says of one rule.

    Attributes:
        rule: The rule, in words.
        verdict: Whether the upper limit keeps the limit (pass), the figure itself exceeds it (fail), only the
            upper limit does (too few to tell), or the run cannot answer. Everything but pass fails the check.
        figure: The figure of the attacker that decides; null where there is none.
        at_most: Its one-sided 95 % upper limit; null where there is none.
        limit: What the policy allows; null for rules without a number.
        relative: Whether these are multiples of chance and no shares.
        attacker: Who decides: the attacker with the largest upper limit.
        direction: In which direction.
        patients: Patients that the figure rests on.
        detail: What else there is to know, a sentence or nothing.
        why: The policy's reasoning.
    """

    rule: str
    verdict: Outcome
    figure: float | None = None
    at_most: float | None = None
    limit: float | None = None
    relative: bool = False
    attacker: str | None = None
    direction: Direction | None = None
    patients: Count | None = None
    detail: str = ""
    why: str = ""


class CheckResult(Record, frozen=True):
    """What `relinkage check` found: a verdict for each rule of a policy.

    Holds no report text and no patient id.

    Attributes:
        schema: The name and version of this format.
        version: The relinkage version that checked.
        run: The name of the folder of the run.
        policy: The policy.
        attackers: The attackers that were tried; each limit is the largest of theirs.
        patients: Patients of the run; its studies where patients are not known.
        reference: The name of the folder of the run that it is held against; null where there is none.
        margin: By how much, as a share of each limit, a figure may exceed the reference's.
        context: The context of the release, as stated; null where none was given.
        verdicts: A verdict for each rule.
        passed: Whether every rule passed.
    """

    schema: Literal["relinkage.check/1"] = SCHEMA
    version: str
    run: str
    policy: Policy
    attackers: Annotated[tuple[str, ...], Meta(min_length=1)]
    patients: Count
    reference: str | None = None
    margin: Annotated[float, Meta(gt=0)] | None = None
    context: Context | None = None
    verdicts: Annotated[tuple[Verdict, ...], Meta(min_length=1)]
    passed: bool
