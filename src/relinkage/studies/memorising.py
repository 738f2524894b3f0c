"""What heads keep of the patients who trained them: half of them are held out by coin, again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

import relinkage
from relinkage.alignment import Heads
from relinkage.embeddings import Embeddings
from relinkage.encoders import HeadPair
from relinkage.encoders.trained.manifest import AlignedHeads, HardenedHeads
from relinkage.encoders.trained.statement import PrivacyStatement
from relinkage.errors import InputError
from relinkage.files import fingerprint, whole_folder
from relinkage.linkage import AuditSettings
from relinkage.linkage.estimates import Estimate
from relinkage.linkage.grid import grid
from relinkage.linkage.measures import chance, recalls, size
from relinkage.linkage.settings import FULL
from relinkage.linkage.several_reports import candidates_of
from relinkage.linkage.table import ALL, LinkageTable
from relinkage.linkage.thresholds import HITS
from relinkage.linkage.uncertainty import Estimates
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.pages.memorisation_page import render_memorisation
from relinkage.privacy import Public
from relinkage.privacy.canaries import epsilon_at_least
from relinkage.privacy.membership import (
    BANK,
    log_likelihood_ratios,
    log_odds,
    rates_at,
    shadow_coins,
    true_positive_rate,
)
from relinkage.privacy.memorisation import gaps, most_by_privacy
from relinkage.privacy.memorisation_result import (
    MEMORISATION,
    SCHEMA,
    LinkageGap,
    Membership,
    MemorisationInputs,
    MemorisationResult,
)
from relinkage.privacy.retraining import again
from relinkage.privacy.settings import MemorisationSettings
from relinkage.progress import progress
from relinkage.records import write_record
from relinkage.studies.auditing import BY_STUDY, sides
from relinkage.studies.held_out import used
from relinkage.studies.opening import links_of
from relinkage.studies.places import PAGE
from relinkage.studies.same_training import check_public
from relinkage.usefulness.auroc import auroc_bootstrap

LEAST_PATIENTS = 20
"""With fewer a coin may leave nobody on one side."""
RATE = 0.01
"""The false positive rate at which membership is told."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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
    trainings = settings.coins + settings.shadows
    temperature = told.settings.temperature if isinstance(told, AlignedHeads) else told.settings.tau
    inside, odds, tables = training.coins(settings), np.zeros((trainings, training.patients)), []
    with progress(trainings, "memorisation", "trainings") as bar:
        for number, seed in enumerate(np.random.SeedSequence([settings.seed, 31]).generate_state(trainings)):
            pair = train_again(inside[number][training.patient], int(seed))
            if number < settings.coins:
                tables.append(training.linked(pair, settings))
            if settings.shadows:
                odds[number] = training.log_odds(pair, temperature, settings.seed)
            bar.update()
    tables.append(training.linked(published.pair if published else None, settings))
    stated = told.privacy
    linkage, dropped, strict = _linkage(training, tables, inside[: settings.coins], settings, stated)
    membership = _membership(odds, inside, settings, stated, strict) if settings.shadows else None
    notes = [*dropped, *([] if embeddings.patients_known else [BY_STUDY])]
    if membership is not None and membership.tpr is None:
        notes.append(
            f"There are too few patients to say what is claimed where {RATE:.0%} of those who did not train "
            f"are: it takes {HITS / RATE:,.0f} of them, all trainings together; give more --coins."
        )
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
        made = cls(pairs, (pairs.pairs["patient_id"].rank("dense").cast(pl.Int64) - 1).to_numpy(), published)
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


def _linkage(
    training: _Training,
    tables: Sequence[Sequence[LinkageTable]],
    inside: Bools,
    settings: MemorisationSettings,
    stated: PrivacyStatement | None,
) -> tuple[list[LinkageGap], tuple[str, ...], float]:
    """Make a row for each direction, pool and rank; tables are those of each coin, then the published.

    Also gives what was left out, and the level at which each bound of the result is held to figures: two more
    are for membership.
    """
    *by_coin, published = tables
    asked = AuditSettings(pool=settings.pool, k=settings.k, direction=settings.direction)
    laid = [grid(table.standings[ALL], asked) for table in published]
    strict = 1 - (1 - settings.interval) / (sum(len(each.cells) for each in laid) + 2)
    queries = inside[:, training.patient]
    rows = []
    for place, (before, each) in enumerate(zip(published, laid, strict=True)):
        hits = np.stack([recalls(coin[place].standings[ALL], each.cells) for coin in by_coin])
        alone = recalls(before.standings[ALL], each.cells)
        measured = gaps(hits, alone, queries, training.patient, settings, strict)
        for cell, gap in zip(each.cells, measured, strict=True):
            standing = before.standings[ALL]
            rows.append(
                LinkageGap(
                    direction=before.direction,
                    pool=size(standing, cell.pool),
                    full=cell.pool == FULL,
                    k=cell.k,
                    chance=chance(standing, cell),
                    bound=_bound(gap.held_out.value, stated),
                    refuted=stated is not None and gap.least > (_bound(gap.most, stated) or 0.0),
                    deviation=_deviation(gap.by_coin),
                    **{name: getattr(gap, name) for name in _SHOWN},
                )
            )
    return rows, laid[0].dropped, strict


_SHOWN = ("trained", "held_out", "gap", "published_gap", "memorised", "by_coin", "queries", "patients")


def _membership(
    odds: Floats,
    inside: Bools,
    settings: MemorisationSettings,
    stated: PrivacyStatement | None,
    strict: float,
) -> Membership:
    coins, patients = settings.coins, odds.shape[1]
    ratios = log_likelihood_ratios(odds[:coins], odds[coins:], inside[coins:])
    trained, everyone = inside[:coins], np.tile(np.arange(patients), coins)
    truth = trained.ravel()[:, None].astype(np.int8)
    area = auroc_bootstrap(ratios.ravel()[:, None], truth, everyone, settings)
    auroc = area.take(slice(1)).interval(settings.interval)
    claimed, least = None, 0.0
    by_coin: tuple[float, ...] = ()
    if RATE * (~trained).sum() >= HITS:
        drawn = rates_at(ratios, trained, RATE, settings)
        claimed = drawn.interval(settings.interval)
        least = float(drawn.interval(strict).low[0])
        by_coin = tuple(true_positive_rate(*coin, RATE) for coin in zip(ratios, trained, strict=True))
    half = max(patients // 20, 1)
    order = np.argsort(ratios[0], kind="stable")
    correct = int(trained[0][order[-half:]].sum() + (~trained[0][order[:half]]).sum())
    delta = 0.0 if stated is None else stated.delta
    lower_bound, bound = epsilon_at_least(patients, 2 * half, correct, delta, strict), _bound(RATE, stated)
    return Membership(
        shadows=settings.shadows,
        auroc=_estimate(auroc),
        rate=RATE,
        tpr=None if claimed is None else _estimate(claimed),
        by_coin=by_coin,
        deviation=_deviation(by_coin),
        bound=bound,
        refuted=stated is not None and (least > (bound or 0.0) or lower_bound > stated.epsilon),
        guesses=2 * half,
        correct=correct,
        lower_bound=lower_bound,
        confidence=strict,
        patients=patients,
    )


def _bound(share: float, stated: PrivacyStatement | None) -> float | None:
    return None if stated is None else most_by_privacy(share, stated.epsilon, stated.delta)


def _deviation(by_coin: Sequence[float]) -> float | None:
    return float(np.std(by_coin, ddof=1)) if len(by_coin) > 1 else None


def _estimate(measured: Estimates) -> Estimate:
    mean, low, high = (float(ends[0]) for ends in (measured.mean, measured.low, measured.high))
    return Estimate(value=mean, low=low, high=high)
