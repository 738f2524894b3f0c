"""Which heads a picture of the space was made with, and whether they were trained on what it shows."""

from pathlib import Path

from relinkage.alignment import Heads
from relinkage.alignment.used import HeadsUsed
from relinkage.embeddings import Embeddings
from relinkage.files import fingerprint

OWN = "the model's own heads"


def heads_entry(path: Path, folder: Path | None, heads: Heads | None) -> HeadsUsed:
    """Return which heads were put on, by fingerprint and by what trained them.

    Args:
        path: the embeddings folder.
        folder: trained heads; the model's own where not given.
        heads: what was read there.
    """
    if folder is None or heads is None:
        file = path / "heads.safetensors"
        return HeadsUsed(name=OWN, fingerprint=fingerprint(file.read_bytes()), manifest=None)
    file = folder / "heads.safetensors" if folder.is_dir() else folder
    return HeadsUsed(
        name=folder.resolve().name, fingerprint=fingerprint(file.read_bytes()), manifest=heads.manifest
    )


def seen_in_training(heads: Heads, name: str, embeddings: Embeddings, split: str | None) -> str | None:
    """Say where heads were trained on pairs that are looked at, or where nobody knows.

    Args:
        heads: trained heads.
        name: what the sentence calls them.
        embeddings: what is looked at.
        split: the split of it; all where not given.
    """
    told = heads.manifest
    if told is None:
        return f"What trained the heads of {name} is not known: pairs that are looked at may be among it."
    same = told.cohort_fingerprint == embeddings.manifest.cohort.fingerprint
    if not same or split not in (None, told.train_split):
        return None
    return (
        f"The heads of {name} were trained on the split {told.train_split}, which is looked at here: its "
        "images and reports lie closer together than those of new patients."
    )
