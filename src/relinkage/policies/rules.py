"""What a policy may ask: a record a kind of rule, and the policy that holds them.

A figure is judged by its one-sided 95 % upper limit, so a release passes because enough patients show that
it is safe, never because too few were looked at.
"""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from relinkage.linkage.open_set_rows import Score
from relinkage.linkage.settings import FULL, Direction, PoolSize, Rate
from relinkage.options import Count, Option, Settings
from relinkage.policies.context import ContextField
from relinkage.records import Record

LEVEL = 0.95
"""The level of the one-sided limits."""

Unit = Literal["share", "times chance", "above chance"]
"""How a figure counts: as a share, as a multiple of chance, or as a share less chance."""
LimitShare = Annotated[float, Meta(gt=0, lt=1), Option(noun="limit")]
Pool = Annotated[PoolSize, Option(noun="pool size", wanted="a whole number from 2 up, or full")]


class Rule(Settings, frozen=True):
    """Something that a policy asks of a run.

    Attributes:
        why: The reasoning behind it, for whoever reads the verdict.
    """

    why: str = ""


class Limit(Rule, frozen=True):
    """An upper limit on a figure.

    Attributes:
        direction: Which side asks; every direction that the run has where not given.
    """

    unit: ClassVar[Unit] = "share"
    """How the figure counts."""

    direction: Direction | None = None


class Recall(Limit, frozen=True, tag_field="figure", tag="recall"):
    """Recall@K in pools of a size.

    Attributes:
        at_most: The share that may be linked.
        pool: Candidates that the attacker searches, the mate included.
        k: The rank K.
    """

    at_most: LimitShare
    pool: Pool = FULL
    k: Count = 1

    @property
    def title(self) -> str:
        """What verdicts call it."""
        return f"Recall@{self.k} in {pools_of(self.pool)}"


class Lift(Limit, frozen=True, tag_field="figure", tag="lift"):
    """Recall@K as a multiple of chance, in pools of a size.

    Attributes:
        at_most: The multiple of chance that may be reached.
        pool: Candidates that the attacker searches, the mate included.
        k: The rank K.
    """

    unit: ClassVar[Unit] = "times chance"

    at_most: Annotated[float, Meta(gt=1), Option(noun="limit")]
    pool: Pool = FULL
    k: Count = 1

    @property
    def title(self) -> str:
        """What verdicts call it."""
        return f"lift of Recall@{self.k} in {pools_of(self.pool)}"


class OwnStratum(Limit, frozen=True, tag_field="figure", tag="own-stratum"):
    """Linkage among candidates with the query's own labels: Recall@1 less chance.

    What labels alone reach is the same for everybody who has them. What lies above chance among candidates
    with the same labels is what the release adds.

    Attributes:
        at_most: The share above chance.
        pool: Candidates that the attacker searches, the mate included; full for the whole stratum.
        negatives: The level of hard negatives, as the run names it.
    """

    unit: ClassVar[Unit] = "above chance"

    at_most: LimitShare
    pool: Pool = FULL
    negatives: str = "labels"

    @property
    def title(self) -> str:
        """What verdicts call it."""
        within = "the own stratum" if self.pool == FULL else f"{pools_of(self.pool)} of the own stratum"
        return f"Recall@1 above chance in {within} ({self.negatives})"


class OpenSetRate(Limit, frozen=True, tag_field="figure", tag="tpir"):
    """How often a mate is claimed where the attacker may stay silent: TPIR at a rate of false claims.

    Attributes:
        at_most: The share of mates that may be claimed.
        false_claims: The rate of false claims; the run must have it in --open-set.
        pool: Candidates that the attacker searches.
        score: What the threshold is set on; the worse of both where not given.
    """

    at_most: LimitShare
    false_claims: Rate
    pool: Pool = FULL
    score: Score | None = None

    @property
    def title(self) -> str:
        """What verdicts call it."""
        return f"TPIR at {100 * self.false_claims:g} % false claims in {pools_of(self.pool)}"


class PatientsAbove(Limit, frozen=True, tag_field="figure", tag="patients-above"):
    """The share of patients whose risk lies above a threshold.

    Attributes:
        at_most: The share of patients.
        threshold: The risk in question.
        pool: The pool that the risk is stated at.
        risk: The risk of the patient's most exposed query, or that at least one query is linked.
    """

    at_most: LimitShare
    threshold: Annotated[float, Meta(gt=0, lt=1), Option(noun="threshold")] = 0.09
    pool: Pool = FULL
    risk: Literal["most-exposed", "at-least-one"] = "most-exposed"

    @property
    def title(self) -> str:
        """What verdicts call it."""
        return f"patients with a risk above {100 * self.threshold:g} % in {pools_of(self.pool)}"


class WorstGroup(Limit, frozen=True, tag_field="figure", tag="worst-group"):
    """Recall@1 of the group that is linked most: a label, a view, a sex, an age decade.

    Attributes:
        at_most: The share of a group's queries that may be linked.
        pool: The pool that the run states risk at (--risk-pool).
        columns: The columns to look at; all that the run has where not given.
    """

    at_most: LimitShare
    pool: Pool = FULL
    columns: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What verdicts call it."""
        return f"Recall@1 of the worst group in {pools_of(self.pool)}"


class Memorisation(Limit, frozen=True, tag_field="figure", tag="memorisation"):
    """How much better patients who trained the model are linked than others.

    Attributes:
        at_most: The difference of both shares.
    """

    at_most: LimitShare

    @property
    def title(self) -> str:
        """What verdicts call it."""
        return "memorisation"


class Controls(Rule, frozen=True, tag_field="figure", tag="controls"):
    """The controls of the run sit on chance: scorers that know nothing find nothing."""

    @property
    def title(self) -> str:
        """What verdicts call it."""
        return "controls on chance"


AnyLimit = Recall | Lift | OwnStratum | OpenSetRate | PatientsAbove | WorstGroup | Memorisation
AnyRule = AnyLimit | Controls
RULES: dict[str, type[AnyRule]] = {
    "recall": Recall,
    "lift": Lift,
    "own-stratum": OwnStratum,
    "tpir": OpenSetRate,
    "patients-above": PatientsAbove,
    "worst-group": WorstGroup,
    "memorisation": Memorisation,
    "controls": Controls,
}
"""The kinds of rules by their names in a policy."""


class PolicyHead(Settings, frozen=True):
    """What a policy says once.

    Attributes:
        name: What verdicts call the policy.
        purpose: Whom it is for, in a sentence.
        fewest_patients: With fewer patients no rule can be answered.
        smallest_group: Groups of fewer patients are pooled with others of their column.
        patients_known: Whether the run must know its patients; otherwise studies count as patients, and
            limits are too low where patients repeat.
        context: What the context of the release must say (--context).
    """

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    purpose: str = ""
    fewest_patients: Annotated[int, Meta(ge=20), Option(noun="number of patients")] = 100
    smallest_group: Annotated[int, Meta(ge=10), Option(noun="number of patients")] = 50
    patients_known: bool = True
    context: tuple[ContextField, ...] = ()


class Policy(Record, frozen=True):
    """A policy: what it says once, and its rules.

    Attributes:
        head: What it says once.
        rules: What it asks, in the order of the file.
    """

    head: PolicyHead
    rules: Annotated[tuple[AnyRule, ...], Meta(min_length=1)]


def pools_of(pool: PoolSize) -> str:
    """Return how a title says a pool."""
    return "the full gallery" if pool == FULL else f"pools of {pool:,}"
