"""An attacker that learns, with the model's own cosine at its side.

Learned on few pairs, or in a space that was well trained, a map may link less than the cosine does, and an
attack that reports less than the cosine is a failure of the attack. So what is learned is added to the
cosine, with a weight that held-out auxiliary pairs choose, from the cosine alone to the learned score alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from relinkage.attackers.cosine import Cosine
from relinkage.attackers.cross_validation import criterion
from relinkage.attackers.mixture import HeldOut, Mixture, Part, added, surely_better
from relinkage.attackers.protocol import AuxiliaryPairs, Fitted, Learner, Pools

COSINE_SHARES = (1.0, *(1 / (1 + 2.0**odds) for odds in range(-4, 5)), 0.0)
"""Shares of the cosine to choose from, the cosine alone first; both scores are divided by their spread."""


@dataclass(frozen=True)
class Learned:
    """What a learner and the cosine did on held-out pairs, for mixtures of several.

    Attributes:
        fitted: the learner's own score, fitted on all auxiliary pairs.
        held_out: its scores of held-out pairs.
        mixture: the attacker: the score with the cosine.
    """

    fitted: Fitted
    held_out: HeldOut
    mixture: Mixture


@dataclass(frozen=True)
class WithCosine:
    """A family that learns, mixed with the cosine.

    Attributes:
        name: what it is called.
        learner: what learns.
        seed: of the folds.
    """

    name: str
    learner: Learner
    seed: int = 0
    needs_pairs: ClassVar[bool] = True
    uses_pairs: ClassVar[bool] = False
    _last: list[tuple[AuxiliaryPairs, Learned]] = field(default_factory=list, compare=False, repr=False)

    @property
    def pools(self) -> Pools:
        """The learner's: a cosine is the same in every pool."""
        return self.learner.pools

    @property
    def one_space(self) -> bool:
        """Whether the learner compares the two sides as they are."""
        return self.learner.one_space

    def fit(self, known: AuxiliaryPairs | None) -> Mixture:
        """Learn, and weigh what was learned against the cosine; see `Family.fit`."""
        return self.learn(known).mixture

    def learn(self, known: AuxiliaryPairs | None) -> Learned:
        """Do what `fit` does, and keep what mixtures of several need; the same pairs are learned from once.

        Raises:
            InputError: there are too few pairs.
        """
        pairs = AuxiliaryPairs.enough(known)
        if self._last and self._last[0][0] is pairs:
            return self._last[0][1]
        fitted = self.learner.fit(pairs)
        own = HeldOut.of(
            pairs, lambda some: self.learner.again(fitted, some), self.learner.looked_at, self.seed
        )
        learned = Learned(fitted, own, self._mixed(pairs, fitted, own))
        self._last[:] = [(pairs, learned)]
        return learned

    def _mixed(self, pairs: AuxiliaryPairs, fitted: Fitted, own: HeldOut) -> Mixture:
        if not pairs.share_a_width:
            alone = {**fitted.settings, "cosine": "none: the two sides share no space"}
            return Mixture((Part(self.name, fitted, 1.0, 1.0),), alone)
        cosine = HeldOut.of(pairs, lambda _: Cosine(), self.learner.looked_at, self.seed)
        spreads = cosine.spread, own.spread
        share = cosine_share(cosine, own, spreads)
        parts = (
            Part("cosine", Cosine(), share, spreads[0]),
            Part(self.name, fitted, 1 - share, spreads[1]),
        )
        settings: Mapping[str, Any] = {
            **fitted.settings,
            "cosine_share": round(share, 4),
            "cosine_share_chosen_by": criterion(self.learner.looked_at),
        }
        return Mixture(tuple(part for part in parts if part.share > 0), settings)


def cosine_share(cosine: HeldOut, own: HeldOut, spreads: tuple[float, float]) -> float:
    """Choose how much of a mixture is the cosine: all of it, unless another share is surely better.

    Args:
        cosine: held-out scores of the cosine.
        own: of the learned score, of the same pairs.
        spreads: what both are divided by.
    """
    logs = [
        added((cosine, own), (share / spreads[0], (1 - share) / spreads[1])).log_ranks()
        for share in COSINE_SHARES
    ]
    best = int(np.argmin([log.mean() for log in logs]))
    return COSINE_SHARES[best if surely_better(logs[best], logs[0], cosine.patient) else 0]
