"""A table of defences: hardened heads beside every baseline, by the strongest attacker and by usefulness.

It shows what differential privacy itself contributed to a lower recall, and what less would have done.
"""

from collections.abc import Sequence
from pathlib import Path

import relinkage
from relinkage.alignment import Heads
from relinkage.defences.result import (
    DEFENCES,
    SCHEMA,
    DefenceCohort,
    DefenceFigures,
    DefenceRow,
    DefencesInputs,
    DefencesResult,
)
from relinkage.defences.settings import BaselineSettings
from relinkage.embeddings import Embeddings
from relinkage.encoders import HeadPair
from relinkage.encoders.trained.manifest import HeadsManifest
from relinkage.errors import InputError
from relinkage.files import check_folder, whole_folder
from relinkage.pages.defences_page import render_defences
from relinkage.privacy import LEAST_PATIENTS, HardenSettings, Public, few_patients
from relinkage.progress import progress
from relinkage.records import write_record
from relinkage.studies.defence_judging import Ground, Judged
from relinkage.studies.defence_rows import PUBLISHED, Defence, Recipe, defences
from relinkage.studies.defence_statistics import Published
from relinkage.studies.places import PAGE


def judge_baselines(
    embeddings: Embeddings,
    hardened: Heads,
    settings: HardenSettings,
    choices: BaselineSettings | None = None,
    *,
    train: str = "train",
    public: Public | None = None,
    against: Heads | None = None,
    transfer: Embeddings | None = None,
) -> DefencesResult:
    """Judge hardened heads beside all baselines, on patients that trained none of them.

    Args:
        embeddings: what the heads were hardened on.
        hardened: the heads, as `harden` or `read_heads` gives them.
        settings: the choices they were hardened with.
        choices: the choices of the table; the defaults where not given.
        train: the split they were hardened on.
        public: what the hardening might look at freely.
        against: heads that all are compared with; where not given, those that the hardening started from.
        transfer: second embeddings of the same model, on which the same heads are judged again.

    Returns:
        The content of `defences.json`.

    Raises:
        InputError: a folder cannot be read or does not fit, the tested split trained the heads, or the model
            has no heads to hold the hardened ones against.
    """
    choices, public = choices or BaselineSettings(), public or Public()
    _check_split(choices, train)
    published = _published(against, public, embeddings)
    recipe = Recipe(embeddings, train, settings, public, hardened.pair, published)
    grounds = [Ground.prepare(embeddings, choices)]
    assert hardened.manifest is not None
    if transfer is not None:
        _check_model(embeddings, transfer)
        grounds.append(Ground.prepare(transfer, choices))
    made = list(defences(recipe, grounds[0], choices))
    cohorts = tuple(_judge_all(ground, made) for ground in grounds)
    trained = embeddings.split(train).pairs["patient_id"].n_unique()
    return DefencesResult(
        version=relinkage.__version__,
        inputs=DefencesInputs(
            embeddings=embeddings.name,
            model=embeddings.manifest.encoder,
            train=train,
            hardened=hardened.manifest,
        ),
        settings=choices,
        rows=tuple(_described(defence) for defence in made),
        cohorts=cohorts,
        notes=tuple(_notes(hardened.manifest, choices, train, grounds, trained)),
    )


def check_baselines(
    out: Path,
    embeddings: Embeddings,
    train: str = "train",
    public: Public | None = None,
    against: Heads | None = None,
    transfer: Embeddings | None = None,
) -> None:
    """Check a request before work that may take long.

    Args:
        out: where the table is to be written.
        embeddings: as in `judge_baselines`, which says more about the others too.
        train: the split that trains the heads.
        public: what the hardening may look at freely.
        against: heads that all are compared with.
        transfer: second embeddings.

    Raises:
        InputError: as in `judge_baselines` and `write_baselines`.
    """
    check_folder(out, DEFENCES, SCHEMA)
    choices = BaselineSettings()
    _check_split(choices, train)
    embeddings.split(choices.split)
    _published(against, public or Public(), embeddings)
    if transfer is not None:
        _check_model(embeddings, transfer)


def write_baselines(result: DefencesResult, out: Path) -> Path:
    """Write `defences.json` and `page.html` into a folder, all or nothing.

    Args:
        result: what `judge_baselines` gives.
        out: the folder to write; an earlier table there is replaced.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    with whole_folder(out, DEFENCES, SCHEMA) as folder:
        write_record(folder / DEFENCES, result)
        (folder / PAGE).write_bytes(render_defences(result).encode("utf-8", "replace"))
    return out / PAGE


def _check_split(choices: BaselineSettings, train: str) -> None:
    if choices.split == train:
        raise InputError(f"The split {train} is what baselines are judged on; train on another with --train.")


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


def _check_model(embeddings: Embeddings, transfer: Embeddings) -> None:
    model, other = embeddings.manifest.encoder, transfer.manifest.encoder
    if (model.id, model.revision) != (other.id, other.revision):
        raise InputError(
            f"{transfer.path} was embedded with {other.id} and {embeddings.path} with {model.id}, or with "
            "other revisions; embed the cohort to transfer to with the same model."
        )


def _judge_all(ground: Ground, made: Sequence[Defence]) -> DefenceCohort:
    manifest = ground.benchmark.test.manifest
    figures: dict[str, DefenceFigures] = {}
    published = None
    with progress(len(made), "judging", "defences") as bar:
        for defence in made:
            judged: list[Judged] = [ground.judge(heads) for heads in defence.heads]
            if defence.key == PUBLISHED:
                published = Published.of(ground, judged[0])
            if judged and published is not None:
                figures[defence.key] = published.figures(judged)
            bar.update()
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


def _described(defence: Defence) -> DefenceRow:
    return DefenceRow(
        key=defence.key,
        title=defence.title,
        applies=bool(defence.heads),
        note=defence.note,
        knob=defence.knob,
        matched=defence.matched,
    )


def _notes(
    hardened: HeadsManifest, choices: BaselineSettings, train: str, grounds: Sequence[Ground], trained: int
) -> list[str]:
    notes = [
        "The baselines were made from the same pairs without privacy, and the hardening was repeated for its "
        "variance over seeds: the statement covers the hardened heads themselves, and not this table.",
        _told_of_trainings(choices.seeds),
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


def _told_of_trainings(seeds: int) -> str:
    if seeds == 1:
        return "Every row is one training: intervals are over patients alone, and another may differ more."
    return (
        f"Figures are those of the first of {seeds} trainings or draws; intervals are over patients and hold "
        "another training too."
    )
