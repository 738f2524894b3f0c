"""The choices of an attack, checked when they are made."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.attackers.names import ATTACKERS, AttackerName
from relinkage.linkage.settings import On
from relinkage.options import Option, Settings

Together = Literal["image", "study", "patient"]


class Knowledge(Settings, frozen=True):
    """What attackers see and know.

    Attributes:
        on: What attackers see: embeddings, or the features before any head.
        auxiliary: Split that the known pairs are drawn from.
        auxiliary_pairs: Pairs that the attacker knows, or all that the split has.
        together: What the attacker knows to belong together and adds up: each image alone, the images of a
            study, or those of a patient.
        refits: Rounds in which all candidates are dealt into pools of each size, and attackers that are
            fitted on the gallery are fitted on each pool; with 0 they are stated for the full gallery only.
    """

    on: Annotated[On, Option(noun="kind of vectors")] = "embeddings"
    auxiliary: str = "train"
    auxiliary_pairs: Annotated[int, Meta(ge=1), Option(noun="number of pairs")] = 1000
    together: Annotated[Together, Option(noun="kind of group")] = "image"
    refits: Annotated[int, Meta(ge=0), Option(noun="number of rounds")] = 0


class AttackSettings(Knowledge, frozen=True):
    """The attackers, and what they know.

    Attributes:
        attackers: The attackers, or all: cosine, centre, whiten, csls, sinkhorn and sinkhorn-dustbin need no
            pairs; all others learn from pairs that the attacker knows. With assignment, cosine and ensemble
            also match all studies and reports one to one.
    """

    attackers: Annotated[
        tuple[AttackerName | Literal["assignment", "all"], ...],
        Meta(min_length=1),
        Option(noun="attacker", metavar="NAME[,NAME...]|all"),
    ]

    @property
    def names(self) -> tuple[AttackerName, ...]:
        """The attackers by name, each once."""
        if "all" in self.attackers:
            return tuple(ATTACKERS)
        named = tuple(name for name in self.attackers if name != "all" and name != "assignment")
        return named or ("cosine",)
