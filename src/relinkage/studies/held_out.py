"""Whether the pairs that are looked at were held out from what trained heads, said in one way everywhere."""

from typing import TYPE_CHECKING

from relinkage.alignment.used import HeadsUsed
from relinkage.embeddings import Embeddings

if TYPE_CHECKING:  # heads bring torch, which audits of arrays do without
    from relinkage.alignment import Heads

OWN = "the model's own heads"


def used(heads: "Heads | None", embeddings: Embeddings) -> HeadsUsed | None:
    """Return which heads were put on, by fingerprint and by what trained them.

    Args:
        heads: trained heads; the model's own where not given.
        embeddings: whose features they were put on.

    Returns:
        None for arrays that were compared as they are.
    """
    if heads is not None:
        return HeadsUsed(name=heads.name, fingerprint=heads.fingerprint, manifest=heads.manifest)
    if embeddings.heads is None:
        return None
    from relinkage.alignment import Heads

    own = Heads(embeddings.heads, None)
    return HeadsUsed(name=OWN, fingerprint=own.fingerprint, manifest=None)


def not_held_out(
    heads: "Heads | None", embeddings: Embeddings, split: str | None, called: str = "the heads"
) -> list[str]:
    """Return a sentence where pairs that are looked at trained the heads, or where nobody knows.

    Args:
        heads: trained heads, if any.
        embeddings: the pairs that are looked at.
        split: the split that they are of; all where not given.
        called: what the sentence calls the heads.
    """
    if heads is None:
        return []
    told = heads.manifest
    if told is None:
        return [f"What trained {called} is not known: the pairs that are looked at may have been among it."]
    train = told.train_split
    same = told.cohort_fingerprint == embeddings.manifest.cohort.fingerprint
    silent = told.privacy is not None  # hardened heads do not tell their cohort, which is private
    if not (same or silent) or split not in (None, train) or "split" not in embeddings.pairs.columns:
        return []
    inside = int((embeddings.pairs["split"] == train).sum())
    if not inside:
        return []
    if silent:
        return [
            f"Hardened heads do not tell which cohort trained them: where it is this one, {inside} of the "
            f"{len(embeddings)} pairs that are looked at are not held out from {called}."
        ]
    return [
        f"{inside} of the {len(embeddings)} pairs that are looked at trained {called}: they are not held "
        "out, and linkage on them is higher than on new patients."
    ]
