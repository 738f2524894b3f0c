"""The attackers by name."""

from collections.abc import Iterable

from relinkage.attackers.banks import Bank
from relinkage.attackers.cca import Cca
from relinkage.attackers.centring import Centre
from relinkage.attackers.cosine import Cosine
from relinkage.attackers.csls import Csls
from relinkage.attackers.ensemble import Ensemble
from relinkage.attackers.heads import Retrained
from relinkage.attackers.names import ATTACKERS
from relinkage.attackers.procrustes import Procrustes
from relinkage.attackers.protocol import Family, Learner
from relinkage.attackers.relative import Relative
from relinkage.attackers.ridge import Ridge
from relinkage.attackers.seeds import Seeds
from relinkage.attackers.sinkhorn import Sinkhorn
from relinkage.attackers.whitening import Whiten
from relinkage.attackers.with_cosine import WithCosine
from relinkage.errors import InputError


def load_attacker(name: str, seed: int = 0) -> Family:
    """Give an attacker by its name; see `load_attackers`."""
    return load_attackers((name,), seed)[name]


def load_attackers(names: Iterable[str], seed: int = 0) -> dict[str, Family]:
    """Give attackers by their names; an ensemble among them learns nothing twice that others learned.

    Args:
        names: some of `ATTACKERS`.
        seed: of whatever they draw: folds of patients, weights, batches.

    Raises:
        InputError: there is none of a name.
    """
    learners: dict[str, Learner] = {
        "csls-bank": Bank("csls", seed),
        "inverted-softmax": Bank("inverted-softmax", seed),
        "procrustes": Procrustes(seed),
        "ridge": Ridge(seed),
        "cca": Cca(seed),
        "heads": Retrained(seed),
        "relative": Relative(seed),
        "seeds": Seeds(seed),
    }
    mixed = {called: WithCosine(called, learner, seed) for called, learner in learners.items()}
    families: dict[str, Family] = {
        "cosine": Cosine(),
        "centre": Centre(),
        "whiten": Whiten(),
        "csls": Csls(),
        "sinkhorn": Sinkhorn(),
        "sinkhorn-dustbin": Sinkhorn(dustbin=True),
        **mixed,
        "ensemble": Ensemble(tuple(one for one in mixed.values() if one.pools == "every")),
    }
    for name in (names := list(names)):
        if name not in families:
            raise InputError(f"--attackers {name} is not known; give one of {', '.join(ATTACKERS)}.")
    return {name: families[name] for name in names}
