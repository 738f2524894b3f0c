"""The attackers by name."""

from relinkage.attackers.cca import Cca
from relinkage.attackers.cosine import Cosine
from relinkage.attackers.csls import Csls
from relinkage.attackers.heads import Retrained
from relinkage.attackers.names import ATTACKERS
from relinkage.attackers.procrustes import Procrustes
from relinkage.attackers.protocol import Family, Learner
from relinkage.attackers.ridge import Ridge
from relinkage.attackers.whitening import Whiten
from relinkage.attackers.with_cosine import WithCosine
from relinkage.errors import InputError


def load_attacker(name: str, seed: int = 0) -> Family:
    """Give an attacker by its name.

    Args:
        name: one of `ATTACKERS`.
        seed: of whatever it draws: folds of patients, weights, batches.

    Raises:
        InputError: there is none of that name.
    """
    makers: dict[str, Family] = {
        "cosine": Cosine(),
        "whiten": Whiten(),
        "csls": Csls(),
    }
    learners: dict[str, Learner] = {
        "procrustes": Procrustes(seed),
        "ridge": Ridge(seed),
        "cca": Cca(seed),
        "heads": Retrained(seed),
    }
    makers |= {called: WithCosine(called, learner, seed) for called, learner in learners.items()}
    if name not in makers:
        raise InputError(f"--attackers {name} is not known; give one of {', '.join(ATTACKERS)}.")
    return makers[name]
