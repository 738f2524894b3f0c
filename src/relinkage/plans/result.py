"""What a plan leaves beside the results of its stages: a mark of each that is done, and one of the whole."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from relinkage.linkage.settings import Direction
from relinkage.options import Count, Settings, Share
from relinkage.records import Fingerprint, Record

PLAN = "plan.json"
SCHEMA: Literal["relinkage.plan/1"] = "relinkage.plan/1"
STAGE_SCHEMA: Literal["relinkage.stage/1"] = "relinkage.stage/1"


class Scenario(Settings, frozen=True):
    """Who holds what in a scenario, and what its result does not say.

    Attributes:
        leaves: What leaves the house.
        holds: What the attacker holds.
        headline: The stages whose attackers the headline speaks of.
        direction: Which side asks in the headline.
        unsaid: What the result does not say, in two sentences.
    """

    leaves: str
    holds: str
    headline: Annotated[tuple[str, ...], Meta(min_length=1)]
    direction: Direction = "image-to-report"
    unsaid: str


class File(Record, frozen=True):
    """A file that a stage left.

    Attributes:
        path: Its path inside of the output; a dot where the output is a file.
        size: Its bytes.
    """

    path: str
    size: Annotated[int, Meta(ge=0)]


class StageMark(Record, frozen=True):
    """That a stage is done: it lies beside its output, and goes before the stage runs again.

    Attributes:
        schema: The name and version of this format.
        name: The stage.
        key: Of its inputs, its settings and the code; where it is the same, nothing runs.
        output: The name of its output beside this file.
        files: What the output held.
        content: A fingerprint of all of it.
        status: 1 where the stage was a check that did not pass.
    """

    schema: Literal["relinkage.stage/1"] = STAGE_SCHEMA
    name: str
    key: Fingerprint
    output: str
    files: tuple[File, ...]
    content: Fingerprint
    status: Literal[0, 1]


class DoneStage(Record, frozen=True):
    """A stage of a finished plan.

    Attributes:
        name: The stage.
        command: The command.
        options: Its options, as the plan tells them.
        key: Of its inputs, its settings and the code.
        status: 1 where it was a check that did not pass.
    """

    name: str
    command: str
    options: dict[str, Any]
    key: Fingerprint
    status: Literal[0, 1]


class Finding(Record, frozen=True):
    """How many patients the strongest attacker of a scenario links.

    Attributes:
        attackers: The attackers that were tried, each with its stage.
        strongest: The one that links most of these patients; nobody knew beforehand that it would.
        candidates: Candidates that are searched, at most.
        linked: Patients of whom the strongest ranks the right candidate first for some query, ties in
            expectation.
        patients: All patients.
        share: Their quotient.
        at_most: The largest upper end of that share's interval, over all attackers.
        null: Whether no attacker lies above chance.
        sentence: The headline.
        unsaid: What the result does not say.
    """

    attackers: Annotated[tuple[str, ...], Meta(min_length=1)]
    strongest: str
    candidates: Count
    linked: Annotated[float, Meta(ge=0)]
    patients: Count
    share: Share
    at_most: Share
    null: bool
    sentence: str
    unsaid: str


class RunResult(Record, frozen=True):
    """A plan and how far it came.

    Attributes:
        schema: The name and version of this format.
        version: The relinkage version that ran it.
        name: What the plan calls itself.
        scenario: Who holds what, where the plan is a scenario.
        finished: Whether all stages are done.
        stages: The stages that are done, in their order.
        finding: The headline of a scenario; null elsewhere, and before it is finished.
    """

    schema: Literal["relinkage.plan/1"] = SCHEMA
    version: str
    name: str
    scenario: Scenario | None = None
    finished: bool
    stages: tuple[DoneStage, ...] = ()
    finding: Finding | None = None
