"""Hardening an embeddings folder, with what may be looked at freely."""

from pathlib import Path

from relinkage.alignment import Heads
from relinkage.embeddings import read_array, read_embeddings
from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.encoders.trained.manifest import HardenedHeads
from relinkage.privacy import Public, harden, read_stated_heads
from relinkage.privacy.ledger import enter, read_ledger


def read_public(start: Path | None, public: Path | None, anchors: Path | None) -> Public:
    """Read what a private training may look at freely.

    Args:
        start: heads to start from.
        public: embeddings of a public cohort.
        anchors: an array with a vector per label.

    Raises:
        InputError: a file cannot be read.
    """
    return Public(
        None if start is None else read_stated_heads(start),
        None if public is None else read_embeddings(public),
        None if anchors is None else read_array(anchors).astype("float32"),
    )


def harden_embeddings(
    path: Path, train: str, settings: HardenSettings, out: Path, public: Public | None = None
) -> Heads:
    """Train heads with differential privacy on a split of an embeddings folder, write them, and enter it.

    What was spent goes into the ledger of the embeddings.

    Args:
        path: the folder that `relinkage embed` wrote.
        train: the split to train on.
        settings: the choices.
        out: the folder to write.
        public: what may be looked at freely.

    Raises:
        InputError: as `read_embeddings` and `harden`, or the ledger cannot be read or written.
    """
    read_ledger(path)  # a damaged one is found before anything is spent
    made = harden(read_embeddings(path), train, settings, out, public)
    if isinstance(made.manifest, HardenedHeads):
        enter(path, made.manifest)
    return made
