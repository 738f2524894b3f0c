"""Hardening: heads trained with differential privacy, with what may be looked at freely."""

from os import PathLike
from pathlib import Path
from typing import Any

from relinkage.alignment import Heads
from relinkage.embeddings import Embeddings, read_embeddings
from relinkage.embeddings.given import as_matrix
from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.encoders.trained.manifest import HardenedHeads
from relinkage.options import chosen
from relinkage.privacy import Public
from relinkage.privacy import harden as train_privately
from relinkage.privacy.ledger import enter, read_ledger
from relinkage.progress import say
from relinkage.studies.opening import embeddings_of, heads_of, in_training
from relinkage.studies.trained_heads import TrainedHeads


def harden(
    images: Any,
    reports: Any = None,
    pairs: Any = None,
    *,
    train: str = "train",
    public: Embeddings | str | PathLike[str] | None = None,
    start: Heads | str | PathLike[str] | None = None,
    anchors: Any = None,
    settings: HardenSettings | None = None,
    **choices: Any,
) -> TrainedHeads:
    """Train projection heads on frozen features with differential privacy, and state what that spends.

    What was spent is entered into the ledger of an embeddings folder.

    Args:
        images: embeddings, as `relinkage.open` gives them, or their folder; or the features of the images,
            as in `relinkage.audit`, and then reports.
        reports: the features of the reports.
        pairs: as in `relinkage.audit`; without a column split, all pairs train.
        train: the split to train on.
        public: embeddings of a public cohort by the same encoder: anchors and negatives.
        start: public heads to start from; the encoder's own where not given, else fresh ones.
        anchors: a public vector per label, shape (labels, d).
        settings: the choices of the training, as a record.
        choices: the same one by one, such as `epsilon=0.34, delta=6e-6, population=20_000`; see
            `HardenSettings`.

    Returns:
        The heads with their statement; they are written by `save` alone.

    Raises:
        InputError: the settings do not fit, dp-accounting is missing, or the noisy heads diverged.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> random = np.random.default_rng(0)
        >>> features, reports = random.normal(size=(2, 300, 8))
        >>> heads = rl.harden(
        ...     features, reports, rl.Pairs(patient=range(300), labels={"Edema": [0, 1] * 150}),
        ...     epsilon=8, delta=1e-5, population=400, batch=64, steps=3, dimension=4,
        ... )
        >>> round(heads.statement.epsilon, 1)
        8.0
    """
    known = public_of(start, public, anchors)
    embeddings = in_training(embeddings_of(images, reports, pairs), train)
    made = harden_embeddings(embeddings, train, chosen(HardenSettings, settings, choices), known)
    return TrainedHeads(made.pair, made.manifest, made.name)


def public_of(
    start: Heads | str | PathLike[str] | None = None,
    public: Embeddings | str | PathLike[str] | None = None,
    anchors: Any = None,
) -> Public:
    """Return what a private training may look at freely, read where it is given by its place.

    Args:
        start: heads to start from, or their folder.
        public: embeddings of a public cohort, or their folder.
        anchors: an array with a vector per label, or its file.

    Raises:
        InputError: a file cannot be read.
    """
    return Public(
        heads_of(start),
        public if public is None or isinstance(public, Embeddings) else read_embeddings(Path(public)),
        None if anchors is None else as_matrix(anchors, "anchors")[:].astype("float32"),
    )


def harden_embeddings(
    embeddings: Embeddings, train: str, settings: HardenSettings, public: Public, out: Path | None = None
) -> Heads:
    """Train heads with differential privacy on a split of embeddings, and enter it into their ledger.

    Args:
        embeddings: features of a cohort.
        train: the split to train on.
        settings: the choices.
        public: what may be looked at freely.
        out: the folder to write; nothing is written where it is not given.

    Raises:
        InputError: as `harden`, or the ledger cannot be read or written.
    """
    if embeddings.given is None:
        read_ledger(embeddings.path)  # a damaged one is found before anything is spent
    made = train_privately(embeddings, train, settings, out, public)
    if not isinstance(made.manifest, HardenedHeads) or made.manifest.privacy is None:
        return made
    if embeddings.given is None:
        enter(embeddings.path, made.manifest)
    else:
        say(
            "Note: arrays have no ledger: keep count yourself of what all trainings on these patients spent, "
            f"of which this is ({made.manifest.privacy.epsilon:.3g}, {made.manifest.privacy.delta:g})."
        )
    return made
