"""The names of the attackers, and what each does."""

from typing import Literal

AttackerName = Literal["cosine", "whiten", "csls", "procrustes", "ridge", "cca", "heads"]

ATTACKERS: dict[AttackerName, str] = {
    "cosine": "the vectors as they are",
    "whiten": "each side centred and whitened; no pairs",
    "csls": "cosines less how similar each side is to everything; no pairs",
    "procrustes": "texts turned onto images",
    "ridge": "images predicted from texts",
    "cca": "correlated directions, weighed by their likelihood ratio",
    "heads": "linear heads trained anew",
}
