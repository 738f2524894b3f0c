"""An attack: the same audit with a stronger scorer, which may know pairs of other patients."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from relinkage.alignment import Heads
from relinkage.attackers import Attacker, AttackSettings, AuxiliaryPairs, Fitted, load_attacker
from relinkage.embeddings import Embeddings, read_embeddings
from relinkage.encoders import HeadPair
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, Measurement
from relinkage.linkage.grid import grid
from relinkage.linkage.measures import recall_rows
from relinkage.linkage.result import Attacker as Described
from relinkage.linkage.rows import RecallRow, Size
from relinkage.linkage.settings import On
from relinkage.linkage.table import ALL
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.privacy import read_stated_heads
from relinkage.progress import say
from relinkage.records import plain
from relinkage.reports.headlines import usual_row
from relinkage.studies.attacks.auxiliary import attacked_sides, draw_auxiliary, known_pairs
from relinkage.studies.audits.embedded import Sides, audit_folder


class AttackerRow(RecallRow, frozen=True):
    """Recall@K of one attacker.

    Attributes:
        attacker: The attacker.
        auxiliary_pairs: Pairs of other patients that it learned from.
        auxiliary_patients: Patients of these pairs; studies where patients are not known.
    """

    attacker: str
    auxiliary_pairs: Size
    auxiliary_patients: Size


def attack_embeddings(
    path: Path,
    heads: Path | None,
    split: str,
    attack: AttackSettings,
    settings: AuditSettings,
    name: str | None = None,
) -> list[Measurement]:
    """Audit a split of an embeddings folder once for each attacker.

    Args:
        path: the folder that `relinkage embed` wrote.
        heads: trained heads that the embeddings come from; the encoder's own where not given.
        split: the split that is attacked.
        attack: the attackers and what they know.
        settings: the choices of the audits.
        name: what the reports call the attacked model; the encoder's id where not given.

    Returns:
        An audit for each attacker in the order of their names, with the attacker in its result.

    Raises:
        InputError: the folder or heads cannot be read or do not fit, the sides share no space and an attacker
            needs one, or the auxiliary pairs are too few or of patients that are attacked.
    """
    if heads is not None and attack.on == "features":
        raise InputError("--heads goes with --on embeddings; features are what comes before any head.")
    embeddings = read_embeddings(path)
    trained = None if heads is None else read_stated_heads(heads)
    audited = embeddings.split(split)
    attackers = {called: load_attacker(called, settings.seed) for called in attack.attacker}
    drawn = None
    if any(attacker.needs_pairs for attacker in attackers.values()):
        drawn = draw_auxiliary(embeddings, audited, attack.auxiliary, attack.auxiliary_pairs, settings.seed)
    pair = None if trained is None else trained.pair
    attacked = attacked_sides(audited, pair, attack.on)
    for called, attacker in attackers.items():
        _check_space(called, attacker, attacked)
    known = None if drawn is None else known_pairs(drawn, pair, attack.on)
    title = name or _title(embeddings, heads, attack.on)
    audits = []
    for called, attacker in attackers.items():
        if len(attackers) > 1:
            say(f"Attacking with {called} …")
        fitted = attacker.fit(known if attacker.needs_pairs else None)
        scored = fitted.transform(*attacked)
        audit = audit_folder(
            embeddings, heads, split, _tempered(settings, fitted, scored), f"{called} on {title}", attack.on,
            scored,
        )  # fmt: skip
        described = _describe(called, attacker, fitted, attack, known, settings.seed)
        notes = (*audit.result.notes, *_notes(described, trained, embeddings))
        result = msgspec.structs.replace(audit.result, attacker=described, notes=notes)
        audits.append(replace(audit, result=result))
    return audits


def strongest_first(audits: Sequence[Measurement]) -> list[Measurement]:
    """Order audits of the same queries by the recall that their headlines speak of, the highest first."""
    return sorted(audits, key=lambda audit: -usual_row(audit.result).recall)


def attacker_rows(
    audited: Embeddings,
    drawn: Embeddings,
    heads: HeadPair | None,
    attackers: Sequence[str],
    settings: AuditSettings,
    on: On = "embeddings",
    seed: int = 0,
) -> list[AttackerRow]:
    """Give each attacker's recall against a pair of heads, and nothing else of an audit.

    This is what a search over many pairs of heads calls: one pass an attacker, no figures, no controls.

    Args:
        audited: the pairs that are attacked.
        drawn: the pairs that `draw_auxiliary` gave, once for all heads.
        heads: the heads to judge, in memory; the encoder's own where not given.
        attackers: names.
        settings: pools, ranks, direction, distractors and resampling; hard negatives are left out.
        on: embeddings, or the features, for which heads do not matter.
        seed: of whatever an attacker draws.

    Returns:
        Rows as in `closed_set` of an audit, each with its attacker.

    Raises:
        InputError: as in `attack_embeddings`, and where no pool fits.
    """
    attacked, known = attacked_sides(audited, heads, on), known_pairs(drawn, heads, on)
    pairs = audited.pairs
    links = Links.from_pairs(
        pairs,
        len(pairs),
        len(pairs),
        str(audited.path / "pairs.parquet"),
        patients_known=audited.patients_known,
    )
    report_row = pairs["report_row"].to_numpy()[links.candidate_row]
    rows: list[AttackerRow] = []
    for called in attackers:
        attacker = load_attacker(called, seed)
        _check_space(called, attacker, attacked)
        images, texts = attacker.fit(known if attacker.needs_pairs else None).transform(*attacked)
        sources = (f"{audited.path} (images)", f"{audited.path} (reports)")
        ways = link(
            Vectors.prepare(images, sources[0]),
            Vectors.prepare(texts[report_row], sources[1]),
            links,
            settings,
        )
        cells = grid(ways[0].table.standings[ALL], settings).cells
        pairs_known, patients_known = (len(known), known.patients) if attacker.needs_pairs else (0, 0)
        rows += [
            AttackerRow(
                attacker=called,
                auxiliary_pairs=pairs_known,
                auxiliary_patients=patients_known,
                **msgspec.structs.asdict(row),
            )
            for way in ways
            for row in recall_rows(way.table, cells, settings)
        ]
    return rows


def _check_space(name: str, attacker: Attacker, attacked: Sides) -> None:
    widths = [side.shape[1] for side in attacked]
    if attacker.one_space and widths[0] != widths[1]:
        raise InputError(
            f"The attacker {name} compares vectors of one space, but images have {widths[0]} dimensions and "
            f"reports {widths[1]}; take procrustes, ridge, cca or heads, which bring them into one."
        )


def _title(embeddings: Embeddings, heads: Path | None, on: On) -> str:
    model = embeddings.manifest.encoder.id
    if on == "features":
        return f"features of {model}"
    return model if heads is None else f"{model} + {heads.name}"


def _tempered(settings: AuditSettings, fitted: Fitted, scored: Sides) -> AuditSettings:
    """Put the score's temperature in units of its cosine, for the entropy of the match."""
    if fitted.temperature is None or settings.temperature is not None:
        return settings
    lengths = [float(np.linalg.norm(side[0])) for side in scored]
    # An audit takes no lower one; there, the best candidate already takes all of the softmax.
    return msgspec.structs.replace(
        settings, temperature=max(fitted.temperature / (lengths[0] * lengths[1]), 1e-4)
    )


def _describe(
    name: str,
    attacker: Attacker,
    fitted: Fitted,
    attack: AttackSettings,
    known: AuxiliaryPairs | None,
    seed: int,
) -> Described:
    learned = known if attacker.needs_pairs else None
    return Described(
        name=name,
        on=attack.on,
        auxiliary_pairs=0 if learned is None else len(learned),
        auxiliary_patients=0 if learned is None else learned.patients,
        auxiliary_split=None if learned is None else attack.auxiliary,
        asked_for=None if learned is None else attack.auxiliary_pairs,
        seed=seed,
        settings=plain(dict(fitted.settings)),
    )


def _notes(attacker: Described, trained: Heads | None, embeddings: Embeddings) -> list[str]:
    pairs, split = attacker.auxiliary_pairs, attacker.auxiliary_split
    if not pairs or split is None:
        sees = attacker.settings.get("sees")
        return [] if sees is None else [f"The attacker {attacker.name} saw {sees}."]
    notes = [
        f"The attacker {attacker.name} learned from {pairs:,} pairs of {attacker.auxiliary_patients:,} "
        + (
            f"other patients, of the split {split}."
            if embeddings.patients_known
            else f"other studies, of the split {split}; as patients are not known, some may be of attacked "
            "patients."
        )
    ]
    if attacker.asked_for is not None and pairs < attacker.asked_for:
        notes.append(
            f"The split {split} has {pairs:,} pairs, fewer than the {attacker.asked_for:,} asked for."
        )
    if trained is not None and _trained_on(trained, embeddings, split):
        notes.append(
            f"The split {split} trained the heads too, so its pairs may lie closer together than those of "
            "new patients, and an attacker who knows fresh pairs may reach more."
        )
    return notes


def _trained_on(trained: Heads, embeddings: Embeddings, split: str) -> bool:
    told = trained.manifest
    if told is None:
        return False
    return told.cohort_fingerprint == embeddings.manifest.cohort.fingerprint and told.train_split == split
