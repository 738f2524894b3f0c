"""The names of the attackers, and what each does."""

from typing import Literal

AttackerName = Literal[
    "cosine",
    "centre",
    "whiten",
    "csls",
    "sinkhorn",
    "sinkhorn-dustbin",
    "csls-bank",
    "inverted-softmax",
    "procrustes",
    "ridge",
    "cca",
    "heads",
    "relative",
    "seeds",
    "ensemble",
]

ATTACKERS: dict[AttackerName, str] = {
    "cosine": "the vectors as they are",
    "centre": "each side without its mean; no pairs",
    "whiten": "each side centred and whitened; no pairs",
    "csls": "cosines less how similar each side is to everything; no pairs",
    "sinkhorn": "cosines balanced so that each report is wanted once; no pairs",
    "sinkhorn-dustbin": "the same where mates may be absent; no pairs",
    "csls-bank": "csls with the neighbours in auxiliary vectors",
    "inverted-softmax": "cosines less how similar each side is to auxiliary vectors",
    "procrustes": "texts turned onto images",
    "ridge": "images predicted from texts",
    "cca": "correlated directions, weighed by their likelihood ratio",
    "heads": "linear heads trained anew",
    "relative": "similarities to known pairs, compared",
    "seeds": "some known pairs, then the surest of the gallery",
    "ensemble": "the cosine and all of the above that learn, weighted",
}
