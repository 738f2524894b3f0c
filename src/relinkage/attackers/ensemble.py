"""All attackers that learn as one: a weighted sum of their scores and the cosine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from relinkage.attackers.cosine import Cosine
from relinkage.attackers.cross_validation import criterion
from relinkage.attackers.mixture import HeldOut, Mixture, Part, added, surely_better
from relinkage.attackers.protocol import AuxiliaryPairs, Fitted, Floats, Pools
from relinkage.attackers.with_cosine import WithCosine
from relinkage.progress import progress

STEPS = (0.1, 0.2, 1 / 3, 0.5)
"""Shares that a further attacker may get of what there is."""


@dataclass(frozen=True)
class Ensemble:
    """Add attackers to the one that links held-out pairs best, as long as they surely help.

    Forward selection with replacement (Caruana et al., ICML 2004), on the held-out scores that each attacker
    left when it was weighed against the cosine.

    Attributes:
        members: the attackers; the cosine is one of its own where the sides share a width.
    """

    members: tuple[WithCosine, ...]
    needs_pairs: ClassVar[bool] = True
    uses_pairs: ClassVar[bool] = False
    pools: ClassVar[Pools] = "every"
    one_space: ClassVar[bool] = False

    def fit(self, known: AuxiliaryPairs | None) -> Mixture:
        """Fit all members and choose their shares; see `Family.fit`."""
        pairs = AuxiliaryPairs.enough(known)
        members = [one for one in self.members if pairs.share_a_width or not one.one_space]
        looked_at = min(one.learner.looked_at for one in members)
        fitted: dict[str, Fitted] = {}
        held_out: dict[str, HeldOut] = {}
        if pairs.share_a_width:
            fitted["cosine"] = Cosine()
            held_out["cosine"] = HeldOut.of(pairs, lambda _: Cosine(), looked_at, members[0].seed)
        for one in members:
            learned = one.learn(pairs)
            fitted[one.name], held_out[one.name] = learned.fitted, learned.held_out.first(looked_at)
        spreads = {name: scores.spread for name, scores in held_out.items()}
        shares = chosen_shares(held_out, spreads)
        parts = tuple(
            Part(name, fitted[name], share, spreads[name]) for name, share in shares.items() if share
        )
        return Mixture(
            parts,
            {
                "shares": {part.name: round(part.share, 4) for part in parts},
                "tried": list(held_out),
                "chosen_by": criterion(looked_at),
            },
        )


def chosen_shares(held_out: Mapping[str, HeldOut], spreads: Mapping[str, float]) -> dict[str, float]:
    """Choose how much of a sum each of several scores is: at first the best alone, then what surely helps.

    Args:
        held_out: by attacker, scores of the same held-out pairs; the first is kept unless another is surely
            better.
        spreads: what each is divided by.

    Returns:
        Shares that add up to 1, by attacker, 0 for those that do not help.
    """
    names = list(held_out)
    scaled = {name: added((held_out[name],), (1 / spreads[name],)) for name in names}
    patient = held_out[names[0]].patient
    alone = {name: scaled[name].log_ranks() for name in names}
    best = min(names, key=lambda name: float(alone[name].mean()))
    if not surely_better(alone[best], alone[names[0]], patient):
        best = names[0]
    shares, now, logs = {name: float(name == best) for name in names}, scaled[best], alone[best]
    with progress(len(names), "weighing attackers", "rounds") as bar:
        for _ in names:
            tried = [
                (name, step, added((now, scaled[name]), (1 - step, step))) for name in names for step in STEPS
            ]
            ranks: list[Floats] = [mixed.log_ranks() for _, _, mixed in tried]
            place = int(np.argmin([rank.mean() for rank in ranks]))
            if not surely_better(ranks[place], logs, patient):
                break
            name, step, now = tried[place]
            logs = ranks[place]
            shares = {one: (1 - step) * share + step * (one == name) for one, share in shares.items()}
            bar.update()
    return shares
