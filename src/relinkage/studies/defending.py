"""A table of defences: hardened heads beside every baseline, by the strongest attacker and by usefulness.

It shows what differential privacy itself contributed to a lower recall, and what less would have done.
"""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import relinkage
from relinkage.alignment import Heads
from relinkage.defences.protocol import Defence
from relinkage.defences.result import (
    DEFENCES,
    SCHEMA,
    DefenceCohort,
    DefenceFigures,
    DefenceRow,
    DefencesInputs,
    DefencesResult,
)
from relinkage.defences.settings import DefendSettings
from relinkage.embeddings import Embeddings
from relinkage.encoders import HeadPair
from relinkage.encoders.trained.manifest import HardenedHeads
from relinkage.errors import InputError
from relinkage.files import whole_folder
from relinkage.options import chosen
from relinkage.pages.defences_page import render_defences
from relinkage.privacy import LEAST_PATIENTS, Public, few_patients
from relinkage.privacy.retraining import settings_of
from relinkage.progress import progress, say
from relinkage.records import write_record
from relinkage.studies.defence_judging import Ground, Judged
from relinkage.studies.defence_rows import PUBLISHED, RANDOM_HEAD, PlannedRow, Recipe, planned_rows
from relinkage.studies.defence_statistics import Published, use_held
from relinkage.studies.hardening import public_of
from relinkage.studies.opening import embeddings_of, heads_of
from relinkage.studies.places import PAGE
from relinkage.studies.same_training import check_public, hardened_manifest


def defend(
    images: Any,
    reports: Any = None,
    pairs: Any = None,
    *,
    heads: Heads | str | PathLike[str],
    public: Embeddings | str | PathLike[str] | None = None,
    start: Heads | str | PathLike[str] | None = None,
    anchors: Any = None,
    against: Heads | str | PathLike[str] | None = None,
    at: Sequence[Embeddings | str | PathLike[str]] = (),
    defences: Sequence[Defence] = (),
    settings: DefendSettings | None = None,
    **choices: Any,
) -> DefencesResult:
    """Judge hardened heads beside all baselines, on patients that trained none of them.

    Args:
        images: what the heads were hardened on: embeddings, as `relinkage.open` gives them, or their folder;
            or the features of the images, as in `relinkage.harden`, and then reports and pairs with a split.
        reports: the features of the reports.
        pairs: as in `relinkage.harden`, with a column split.
        heads: heads that `relinkage.harden` trained, or their folder; their manifest says how.
        public: as in `relinkage.harden`: what that training looked at freely.
        start: likewise.
        anchors: likewise.
        against: heads that all are compared with; where not given, those that the hardening started from.
        at: further embeddings of the same model, on which the same heads are judged again.
        defences: defences of vectors of your own, put on the published heads.
        settings: the choices of the table, as a record.
        choices: the same one by one, such as `seeds=1, attackers=["cosine", "cca"]`.

    Returns:
        The content of `defences.json`.

    Raises:
        InputError: a folder cannot be read or does not fit, the tested split trained the heads, or the model
            has no heads to hold the hardened ones against.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> random = np.random.default_rng(0)
        >>> label = np.arange(400) % 2
        >>> scene = random.normal(size=(400, 6)) + 2 * label[:, None]
        >>> images, reports = scene + random.normal(size=(2, 400, 6))
        >>> elsewhere = random.normal(size=(200, 6))  # where the starting heads come from
        >>> start = rl.align(elsewhere, elsewhere + random.normal(size=(200, 6)), steps=20, dimension=4)
        >>> split = np.repeat(["train", "test"], 200)
        >>> pairs = rl.Pairs(patient=range(400), labels={"Edema": label}, split=split)
        >>> heads = rl.harden(
        ...     images, reports, pairs, start=start, epsilon=8, delta=1e-5, population=400, batch=64, steps=3
        ... )
        >>> table = rl.defend(
        ...     images, reports, pairs, heads=heads, start=start, seeds=1,
        ...     attackers=["cosine"], replicates=100,
        ... )
        >>> [row.key for row in table.rows][:2]
        ['published', 'hardened']
    """
    wanted, freely = chosen(DefendSettings, settings, choices), public_of(start, public, anchors)
    embeddings, hardened = embeddings_of(images, reports, pairs), heads_of(heads)
    others = [embeddings_of(one) for one in at]
    assert hardened is not None
    manifest = hardened_manifest(hardened)
    train = manifest.train_split
    published = _check(wanted, embeddings, hardened, freely, heads_of(against), others)
    recipe = Recipe(embeddings, train, settings_of(manifest), freely, hardened.pair, published)
    grounds = [Ground.prepare(one, wanted) for one in (embeddings, *others)]
    planned = []
    for row in planned_rows(recipe, grounds[0], wanted, defences):
        planned.append(row)
        say(f"Made: {row.title}.")
    cohorts = tuple(_judge_all(ground, planned) for ground in grounds)
    trained = embeddings.split(train).pairs["patient_id"].n_unique()
    return DefencesResult(
        version=relinkage.__version__,
        inputs=DefencesInputs(
            embeddings=embeddings.name,
            model=embeddings.manifest.encoder,
            train=train,
            hardened=manifest,
        ),
        settings=wanted,
        rows=tuple(_described(row) for row in planned),
        cohorts=cohorts,
        notes=tuple(_notes(manifest, wanted, train, grounds, trained)),
    )


def write_defences(result: DefencesResult, out: Path) -> Path:
    """Write `defences.json` and `page.html` into a folder, all or nothing.

    Args:
        result: what `defend` gives.
        out: the folder to write; an earlier table there is replaced.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    with whole_folder(out, DEFENCES, SCHEMA) as folder:
        write_record(folder / DEFENCES, result)
        (folder / PAGE).write_bytes(render_defences(result).encode("utf-8", "replace"))
    return out / PAGE


def _check(
    wanted: DefendSettings,
    embeddings: Embeddings,
    hardened: Heads,
    public: Public,
    against: Heads | None,
    others: Sequence[Embeddings],
) -> HeadPair:
    """Check a request before work that may take long, and return the published heads."""
    manifest = hardened_manifest(hardened)
    if wanted.split == manifest.train_split:
        raise InputError(
            f"The split {wanted.split} trained the heads, so they cannot be judged on it; name another with "
            "--split."
        )
    model = embeddings.manifest.encoder
    if embeddings.given is None and (manifest.model, manifest.model_revision) != (model.id, model.revision):
        raise InputError(
            f"{hardened.name} was trained on features of {manifest.model} and {embeddings.path} has those of "
            f"{model.id}, or of another revision; name the embeddings that it was trained on."
        )
    check_public(manifest, public, hardened.name)
    for one in others:
        _check_same_model(embeddings, one)
        one.split(wanted.split)
    embeddings.split(wanted.split)
    return _published(against, public, embeddings)


def _published(against: Heads | None, public: Public, embeddings: Embeddings) -> HeadPair:
    if against is not None:
        return against.pair
    start = public.start.pair if public.start is not None else embeddings.heads
    if start is None:
        raise InputError(
            f"{embeddings.path} has no heads of its own to hold hardened ones against; train some with "
            "`relinkage align` and name them with --against HEADS."
        )
    return start


def _check_same_model(embeddings: Embeddings, other: Embeddings) -> None:
    model, second = embeddings.manifest.encoder, other.manifest.encoder
    if (model.id, model.revision) != (second.id, second.revision):
        raise InputError(
            f"{other.path} was embedded with {second.id} and {embeddings.path} with {model.id}, or with "
            "other revisions; embed the cohort that --at names with the same model."
        )


def _judge_all(ground: Ground, planned: Sequence[PlannedRow]) -> DefenceCohort:
    manifest = ground.benchmark.test.manifest
    figures: dict[str, DefenceFigures] = {}
    published = None
    with progress(len(planned), "judging", "defences") as bar:
        for row in planned:
            judged: list[Judged] = [ground.judge(released) for released in row.released]
            if row.key == PUBLISHED:
                published = Published.of(ground, judged[0])
            if judged and published is not None:
                figures[row.key] = published.figures(judged)
            bar.update()
    for key, one in figures.items():
        figures[key] = replace(one, use_held=use_held(one, figures[RANDOM_HEAD]))
    on = ground.benchmark
    return DefenceCohort(
        name=manifest.cohort.name,
        fingerprint=manifest.cohort.fingerprint,
        pairs=len(on.test),
        studies=len(on.reports),
        patients=on.test.pairs["patient_id"].n_unique(),
        candidates=len(ground.links.candidate_row),
        searches=ground.searches,
        auxiliary_pairs=len(ground.drawn),
        auxiliary_patients=ground.drawn.pairs["patient_id"].n_unique(),
        labels=tuple(on.labels),
        figures=figures,
    )


def _described(row: PlannedRow) -> DefenceRow:
    return DefenceRow(
        key=row.key,
        title=row.title,
        applies=bool(row.released),
        note=row.note,
        knob=row.knob,
        matched=row.matched,
    )


def _notes(
    hardened: HardenedHeads, choices: DefendSettings, train: str, grounds: Sequence[Ground], trained: int
) -> list[str]:
    notes = [
        "The baselines were made from the same pairs without privacy, and the hardening was repeated for its "
        "variance over seeds: the statement covers the hardened heads themselves, and not this table.",
        _about_trainings(choices.seeds),
    ]
    if trained < LEAST_PATIENTS:
        notes.append(few_patients(train))
    if choices.auxiliary == train:
        notes.append(
            f"Attackers know pairs of the split {train}, which trained the heads too; an attacker who knows "
            "fresh pairs may reach more or less."
        )
    for ground in grounds:
        notes += ground.benchmark.notes
        if all(search.negatives == "all" for search in ground.searches):
            notes.append(
                f"No image of {ground.benchmark.test.manifest.cohort.name} has {min(choices.pool):,} reports "
                "with its own labels, so nothing is searched inside label strata there."
            )
        if len(ground.drawn) < choices.auxiliary_pairs:
            notes.append(
                f"The split {choices.auxiliary} has {len(ground.drawn):,} pairs, fewer than the "
                f"{choices.auxiliary_pairs:,} asked for."
            )
    if hardened.privacy is None:
        notes.append("The hardened heads come without a privacy statement: nothing is proven of them.")
    return notes


def _about_trainings(seeds: int) -> str:
    if seeds == 1:
        return "Every row is one training: intervals are over patients alone, and another may differ more."
    return (
        f"Figures are those of the first of {seeds} trainings or draws; intervals are over patients and hold "
        "another training too."
    )
