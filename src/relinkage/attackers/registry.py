"""The attackers by name."""

from relinkage.attackers.cca import Cca
from relinkage.attackers.cosine import Cosine
from relinkage.attackers.csls import Csls
from relinkage.attackers.heads import Retrained
from relinkage.attackers.procrustes import Procrustes
from relinkage.attackers.protocol import Attacker
from relinkage.attackers.ridge import Ridge
from relinkage.attackers.whitening import Whiten
from relinkage.errors import InputError

ATTACKERS = {
    "cosine": "the vectors as they are",
    "whiten": "each side centred and whitened; no pairs",
    "csls": "cosines less how similar each side is to everything; no pairs",
    "procrustes": "texts turned onto images",
    "ridge": "images predicted from texts",
    "cca": "correlated directions, weighed by their likelihood ratio",
    "heads": "linear heads trained anew",
}
"""Names, and what each does, for people."""


def load_attacker(name: str, seed: int = 0) -> Attacker:
    """Give an attacker by its name.

    Args:
        name: one of `ATTACKERS`.
        seed: of whatever it draws: folds of patients, weights, batches.

    Raises:
        InputError: there is none of that name.
    """
    makers: dict[str, Attacker] = {
        "cosine": Cosine(),
        "whiten": Whiten(),
        "csls": Csls(),
        "procrustes": Procrustes(seed),
        "ridge": Ridge(seed),
        "cca": Cca(seed),
        "heads": Retrained(seed),
    }
    if name not in makers:
        raise InputError(f"--attacker {name} is not known; give one of {', '.join(ATTACKERS)}.")
    return makers[name]


def attacker_names(listed: str) -> tuple[str, ...]:
    """Read a comma list of attackers; a name given twice counts once.

    Raises:
        InputError: the list is empty, or a name is not known.
    """
    names = tuple(dict.fromkeys(part.strip() for part in listed.split(",") if part.strip()))
    if not names:
        raise InputError(f"--attacker names none; give one of {', '.join(ATTACKERS)}, or several.")
    for name in names:
        load_attacker(name)
    return names
