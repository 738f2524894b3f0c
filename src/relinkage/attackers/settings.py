"""The choices of an attack, checked when they are made."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.attackers.names import ATTACKERS, AttackerName
from relinkage.linkage.settings import On
from relinkage.options import Option, Settings


class Knowledge(Settings, frozen=True):
    """What attackers see and know.

    Attributes:
        on: What attackers see: embeddings, or the features before any head.
        auxiliary: Split that the known pairs are drawn from.
        auxiliary_pairs: Pairs that the attacker knows, or all that the split has.
    """

    on: Annotated[On, Option(noun="kind of vectors")] = "embeddings"
    auxiliary: str = "train"
    auxiliary_pairs: Annotated[int, Meta(ge=1), Option(noun="number of pairs")] = 1000


class AttackSettings(Knowledge, frozen=True):
    """The attackers, and what they know.

    Attributes:
        attackers: The attackers, or all: cosine, centre, whiten, csls, sinkhorn and sinkhorn-dustbin need no
            pairs; all others learn from pairs that the attacker knows.
    """

    attackers: Annotated[
        tuple[AttackerName | Literal["all"], ...],
        Meta(min_length=1),
        Option(noun="attacker", metavar="NAME[,NAME...]|all"),
    ]

    @property
    def names(self) -> tuple[AttackerName, ...]:
        """The attackers by name, each once."""
        named = [name for name in self.attackers if name != "all"]
        return tuple(ATTACKERS) if "all" in self.attackers else tuple(named)
