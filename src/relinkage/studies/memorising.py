"""What heads keep of the patients who trained them: half of them are held out by coin, again and again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

import relinkage
from relinkage.alignment import Heads
from relinkage.embeddings import Embeddings
from relinkage.encoders import HeadPair
from relinkage.encoders.trained.manifest import AlignedHeads, HardenedHeads
from relinkage.errors import InputError
from relinkage.files import fingerprint, whole_folder
from relinkage.linkage import AuditSettings
from relinkage.linkage.several_reports import candidates_of
from relinkage.linkage.table import LinkageTable
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.pages.memorisation_page import render_memorisation
from relinkage.privacy import Public
from relinkage.privacy.membership import BANK, log_odds, shadow_coins
from relinkage.privacy.memorisation_result import (
    MEMORISATION,
    SCHEMA,
    MemorisationInputs,
    MemorisationResult,
)
from relinkage.privacy.retraining import again
from relinkage.privacy.settings import MemorisationSettings
from relinkage.progress import progress
from relinkage.records import write_record
from relinkage.studies.auditing import BY_STUDY, sides
from relinkage.studies.held_out import used
from relinkage.studies.memorisation_rows import FEW, measure_linkage, measure_membership
from relinkage.studies.opening import links_of
from relinkage.studies.places import PAGE
from relinkage.studies.same_training import check_public
from relinkage.threads import one_thread_each, set_torch_threads
from relinkage.usefulness.parts import numbers

LEAST_PATIENTS = 20
"""With fewer a coin may leave nobody on one side."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
T = TypeVar("T")


def measure_memorisation(
    embeddings: Embeddings,
    heads: Heads,
    settings: MemorisationSettings,
    public: Public | None = None,
    against: Heads | None = None,
) -> MemorisationResult:
    """Train heads again, as these were, on halves of their patients, and see whom one can tell apart.

    Args:
        embeddings: what the heads were trained on.
        heads: the heads whose training is repeated; trained by `relinkage align` or `harden`.
        settings: the choices.
        public: what their training looked at freely; it is not kept beside the heads.
        against: the published heads: those that the training started from, the model's own, or else
            `heads` themselves, where not given.

    Returns:
        The content of `memorisation.json`.

    Raises:
        InputError: the heads do not say what trained them, or something else did.
    """
    public = public or Public()
    told = _told(heads, embeddings, public)
    published = against or public.start or (heads if embeddings.heads is None else None)
    training = _Training.of(embeddings, told.train_split, published)
    train_again = again(training.pairs, told, public)
    inside = training.coins(settings)
    seeds = np.random.SeedSequence([settings.seed, 31]).generate_state(len(inside)).tolist()
    temperature = told.settings.temperature if isinstance(told, AlignedHeads) else told.settings.tau
    odds, tables = np.zeros((len(inside), training.patients)), []

    def train(number: int) -> list[LinkageTable]:
        pair = train_again(inside[number][training.patient], seeds[number])
        if settings.shadows:
            odds[number] = training.log_odds(pair, temperature, settings.seed)
        return training.linked(pair, settings) if number < settings.coins else []

    with progress(len(inside), "memorisation", "trainings") as bar:
        for linked in _each(train, len(inside)):
            tables.append(linked)
            bar.update()
    tables[settings.coins :] = [training.linked(published.pair if published else None, settings)]
    stated = told.privacy
    linkage, dropped, strict = measure_linkage(
        training.patient, tables, inside[: settings.coins], settings, stated
    )
    membership = measure_membership(odds, inside, settings, stated, strict) if settings.shadows else None
    notes = [*dropped, *([] if embeddings.patients_known else [BY_STUDY])]
    notes += [FEW] if membership is not None and membership.tpr is None else []
    return MemorisationResult(
        version=relinkage.__version__,
        settings=settings,
        inputs=_inputs(embeddings, heads, training),
        linkage=tuple(linkage),
        membership=membership,
        notes=tuple(notes),
    )


def write_memorisation(result: MemorisationResult, out: Path) -> Path:
    """Write `memorisation.json` and `page.html` into a folder, whole or not at all.

    Args:
        result: what `measure_memorisation` gives.
        out: the folder to write; an earlier result there is replaced.

    Returns:
        The page.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    with whole_folder(out, MEMORISATION, SCHEMA) as folder:
        write_record(folder / MEMORISATION, result)
        (folder / PAGE).write_bytes(render_memorisation(result).encode("utf-8", "replace"))
    return out / PAGE


def _each(train: Callable[[int], T], trainings: int) -> Iterator[T]:
    """Give what each training gives, several side by side with a thread each.

    Heads are small: of several threads in one training, each waits for the others longer than it works.
    """
    with one_thread_each() as threads:
        pool = ThreadPoolExecutor(threads, initializer=set_torch_threads, initargs=(1,))
        try:
            yield from pool.map(train, range(trainings))
        finally:
            pool.shutdown(cancel_futures=True)


def _told(heads: Heads, embeddings: Embeddings, public: Public) -> AlignedHeads | HardenedHeads:
    """Return what heads say of their training, once it fits what is given."""
    told = heads.manifest
    if not isinstance(told, AlignedHeads | HardenedHeads):
        raise InputError(
            f"{heads.name} does not say how it was trained, so the training cannot be repeated; name heads "
            "that `relinkage align` or `relinkage harden` wrote with --heads."
        )
    cohort, card = embeddings.manifest.cohort, embeddings.manifest.encoder
    if (told.model, told.model_revision) != (card.id, card.revision) or told.cohort_fingerprint not in (
        None,
        cohort.fingerprint,
    ):
        raise InputError(f"{heads.name} was not trained on {embeddings.path}; name what it was trained on.")
    if isinstance(told, AlignedHeads):
        given = (("--start", public.start), ("--public", public.embeddings), ("--anchors", public.anchors))
        for option, value in given:
            if value is not None:
                raise InputError(f"{option} goes with heads that `relinkage harden` trained; leave it out.")
    elif told.privacy is not None:
        check_public(told, public, heads.name)
    return told


@dataclass(frozen=True, eq=False)
class _Training:
    """The pairs of the training split, and whose they are.

    Attributes:
        pairs: the pairs.
        patient: int64, shape (pairs,): patients numbered from 0 on without a gap.
        published: heads that no coin has to do with; None for the model's own.
    """

    pairs: Embeddings
    patient: Ints
    published: Heads | None

    @property
    def patients(self) -> int:
        return int(self.patient.max()) + 1

    @classmethod
    def of(cls, embeddings: Embeddings, split: str, published: Heads | None) -> "_Training":
        pairs = embeddings.split(split)
        made = cls(pairs, numbers(pairs.pairs["patient_id"]), published)
        if made.patients < LEAST_PATIENTS:
            raise InputError(
                f"The split {split} has {made.patients} patients, and to hold half of them out takes "
                f"{LEAST_PATIENTS} or more; name a larger cohort."
            )
        return made

    def coins(self, settings: MemorisationSettings) -> Bools:
        """Draw who trains, coins first: bool, shape (coins + shadows, patients)."""
        tossed = np.random.default_rng([settings.seed, 32]).random((settings.coins, self.patients)) < 0.5
        drawn = shadow_coins(settings.shadows, self.patients, np.random.default_rng([settings.seed, 33]))
        return np.concatenate([tossed, drawn])

    def linked(self, heads: HeadPair | None, settings: MemorisationSettings) -> list[LinkageTable]:
        """Link all pairs, those who trained and those who did not in one gallery; a table a direction."""
        images, texts = sides(self.pairs, heads)
        links, report_row = links_of(self.pairs)
        sources = (f"{self.pairs.path} (images)", f"{self.pairs.path} (reports)")
        reports = Vectors.prepare(texts[report_row], sources[1])
        searched = candidates_of(links, reports, "mean", sources[1])
        asked = AuditSettings(direction=settings.direction)
        ways = link(Vectors.prepare(images, sources[0]), searched.vectors, searched.links, asked)
        return [way.table for way in ways]

    def log_odds(self, heads: HeadPair, temperature: float, seed: int) -> Floats:
        """Compute how far each patient's own pairs stand out."""
        images, texts = self.pairs.project(heads)
        bank = np.random.default_rng([seed, 34]).permutation(len(images))[:BANK]
        reports = texts[self.pairs.pairs["report_row"].to_numpy()]
        return log_odds(images, reports, self.patient, bank, temperature)


def _inputs(embeddings: Embeddings, heads: Heads, training: _Training) -> MemorisationInputs:
    pairs, manifest = training.pairs, embeddings.manifest
    measured, published = used(heads, embeddings), used(training.published, embeddings)
    assert measured is not None
    assert published is not None
    return MemorisationInputs(
        embeddings=embeddings.name,
        model=manifest.encoder,
        cohort=manifest.cohort,
        features=fingerprint(pairs.image_features.data, pairs.text_features.data),
        heads=measured,
        published=published,
        pairs=len(pairs),
        patients=training.patients,
        patients_known=embeddings.patients_known,
    )
