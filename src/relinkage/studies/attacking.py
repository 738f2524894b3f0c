"""Attacks: the same audit with stronger scorers, which may know pairs of other patients."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import msgspec
import numpy as np

from relinkage.alignment import Heads
from relinkage.attackers import (
    ATTACKERS,
    Attacker,
    AttackSettings,
    AuxiliaryPairs,
    Family,
    Fitted,
    load_attackers,
)
from relinkage.attackers.own import OwnFamily
from relinkage.attackers.settings import Knowledge
from relinkage.embeddings import Embeddings
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings
from relinkage.linkage.result import AttackerUsed
from relinkage.linkage.settings import On
from relinkage.options import chosen
from relinkage.progress import say
from relinkage.records import plain
from relinkage.studies.attacks import Attack
from relinkage.studies.auditing import Sides, audit_embeddings, title
from relinkage.studies.audits import Audit
from relinkage.studies.auxiliary import Known, attacked_sides, check_space, known_pairs, stated_pools
from relinkage.studies.opening import embeddings_of, heads_of

_AUXILIARY = ("auxiliary images", "auxiliary reports", "auxiliary pairs")


def attack(
    images: Any,
    reports: Any = None,
    pairs: Any = None,
    *,
    attackers: str | Attacker | Sequence[str | Attacker] = "all",
    auxiliary: Any = None,
    auxiliary_pairs: int | None = None,
    on: On = "embeddings",
    heads: Heads | str | PathLike[str] | None = None,
    split: str | None = None,
    name: str | None = None,
    settings: AuditSettings | None = None,
    **choices: Any,
) -> Attack:
    """Audit the same pairs once for each of several attackers.

    Args:
        images: as in `relinkage.audit`: an array, or embeddings or their folder.
        reports: likewise.
        pairs: likewise.
        attackers: names, objects of classes derived from `relinkage.Attacker`, or "all" for all that have a
            name and can work on what is given.
        auxiliary: the pairs that attackers know: (images, reports, pairs) or (images, reports) of other
            patients, embeddings of them, or the name of a split. The split "train" where the pairs have
            splits and nothing is given; else attackers know none.
        auxiliary_pairs: how many of them the attackers know; 1,000 of a split, and all that were given.
        on: what attackers see: embeddings, or the features before any head.
        heads: as in `relinkage.audit`.
        split: the split that is attacked; "test" where the pairs have splits, else all of them.
        name: what pages call what is attacked.
        settings: the choices of the audits, as a record.
        choices: the same one by one, as in `relinkage.audit`.

    Returns:
        An audit for each attacker, and how strong the strongest is.

    Raises:
        InputError: something cannot be read or does not fit, an attacker lacks what it needs, or auxiliary
            pairs are of patients that are attacked.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> random = np.random.default_rng(0)
        >>> images = random.normal(size=(400, 8))
        >>> reports = images @ np.linalg.qr(random.normal(size=(8, 8)))[0]
        >>> known = (images[:100], reports[:100])
        >>> attack = rl.attack(
        ...     images[100:], reports[100:], auxiliary=known, attackers=["cosine", "procrustes"]
        ... )
        >>> attack["procrustes"].recall().value > 0.9 > attack["cosine"].recall().value
        True
    """
    embeddings, trained = embeddings_of(images, reports, pairs), heads_of(heads)
    splits = "split" in embeddings.pairs.columns
    if split is None and splits:
        split = "test"
    if auxiliary is None and splits:
        auxiliary = Knowledge().auxiliary
    most = auxiliary_pairs
    if isinstance(auxiliary, str) and splits:
        most = most or Knowledge().auxiliary_pairs
        knows = Known(split=auxiliary, most=most)
    elif auxiliary is not None:
        parts = auxiliary if isinstance(auxiliary, tuple | list) else (auxiliary,)
        knows = Known(embeddings=embeddings_of(*parts, names=_AUXILIARY), most=most)
    else:
        knows = Known()
    wanted = [attackers] if isinstance(attackers, str | Attacker) else list(attackers)
    chosen_settings = chosen(AuditSettings, settings, choices)
    families, notes = _families(wanted, embeddings, trained, on, knows, chosen_settings.seed)
    return _attack(embeddings, trained, split, families, knows, on, chosen_settings, name, notes)


def attack_embeddings(
    embeddings: Embeddings,
    heads: Heads | None,
    split: str,
    attack: AttackSettings,
    settings: AuditSettings,
    name: str | None = None,
) -> Attack:
    """Audit a split of embeddings once for each attacker that settings name.

    Args:
        embeddings: all of a folder, or of arrays with a split.
        heads: trained heads that the embeddings come from; the encoder's own where not given.
        split: the split that is attacked.
        attack: the attackers and what they know.
        settings: the choices of the audits.
        name: what pages call the attacked model; the encoder's id where not given.

    Raises:
        InputError: as in `attack`.
    """
    knows = Known(split=attack.auxiliary, most=attack.auxiliary_pairs)
    families, notes = _families(attack.attackers, embeddings, heads, attack.on, knows, settings.seed)
    return _attack(embeddings, heads, split, families, knows, attack.on, settings, name, notes)


def _attack(
    embeddings: Embeddings,
    heads: Heads | None,
    split: str | None,
    families: Mapping[str, Family],
    knows: Known,
    on: On,
    settings: AuditSettings,
    name: str | None,
    notes: tuple[str, ...],
) -> Attack:
    audited = embeddings if split is None else embeddings.split(split)
    pair = None if heads is None else heads.pair
    drawn = None
    if any(family.needs_pairs for family in families.values()) or (
        any(family.uses_pairs for family in families.values()) and knows.there(embeddings)
    ):
        drawn = knows.draw(embeddings, audited, settings.seed)
    attacked = attacked_sides(audited, pair, on)
    for called, family in families.items():
        check_space(called, family, attacked)
    known = None if drawn is None else known_pairs(drawn, pair, on)
    about = name or title(embeddings, heads)
    if on == "features" and name is None:
        about = f"features of {about}"
    audits = {}
    for called, family in families.items():
        if len(families) > 1:
            say(f"Attacking with {called} …")
        fitted = family.fit(known if family.needs_pairs or family.uses_pairs else None)
        scored = fitted.transform(*attacked)
        stated = stated_pools(family, _tempered(settings, fitted, scored))
        audit = audit_embeddings(
            embeddings, heads, split, stated, f"{called} on {about}", on=on, scored=scored
        )  # fmt: skip
        described = _describe(called, family, fitted, knows, known, on, settings.seed)
        result = msgspec.structs.replace(
            audit.result,
            attacker=described,
            curve=tuple(row for row in audit.result.curve if family.pools == "every" or row.full),
            notes=(*audit.result.notes, *_notes(described, heads, embeddings)),
        )
        audits[called] = Audit(result, audit.tables)
    made = Attack(audits, notes)
    apart = [called for called in audits if called not in made.tried]
    if not apart:
        return made
    said = f"No row is shared by all attackers, so at_least and at_most leave out {', '.join(apart)}."
    return Attack(audits, (*notes, said))


def _families(
    wanted: Sequence[str | Attacker],
    embeddings: Embeddings,
    heads: Heads | None,
    on: On,
    knows: Known,
    seed: int,
) -> tuple[dict[str, Family], tuple[str, ...]]:
    """Return the attackers by name; of "all", those that can work here, and a note on the others."""
    if heads is not None and on == "features":
        raise InputError("--heads goes with --on embeddings; features are what comes before any head.")
    families: dict[str, Family] = {}
    left: list[str] = []
    own_names = [each for each in wanted if isinstance(each, str) and each != "all"]
    named = load_attackers([*own_names, *(ATTACKERS if "all" in wanted else ())], seed)
    for each in wanted:
        if isinstance(each, Attacker):
            own = OwnFamily(each)
            families[own.name] = own
        elif each != "all":
            families[each] = named[each]
        else:
            one_space = heads is not None or embeddings.image_embeddings is not None
            if on == "features":
                one_space = embeddings.image_features.shape[1] == embeddings.text_features.shape[1]
            for name in ATTACKERS:
                family = named[name]
                possible = (one_space or not family.one_space) and not (knows.none and family.needs_pairs)
                if possible:
                    families[name] = family
                else:
                    left.append(name)
    if not left:
        return families, ()
    why = "know no pairs" if knows.none else "need one space for both sides"
    note = f"Left out, as they {why}: {', '.join(left)}."
    if not families:
        raise InputError(f"No attacker can work on what is given. {note[:-1]}; give auxiliary pairs.")
    return families, (note,)


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
    family: Family,
    fitted: Fitted,
    knows: Known,
    known: AuxiliaryPairs | None,
    on: On,
    seed: int,
) -> AttackerUsed:
    learned = known if family.needs_pairs or family.uses_pairs else None
    return AttackerUsed(
        name=name,
        on=on,
        auxiliary_pairs=0 if learned is None else len(learned),
        auxiliary_patients=0 if learned is None else learned.patients,
        auxiliary_split=None if learned is None else knows.split,
        asked_for=None if learned is None else knows.most,
        pools=family.pools,
        seed=seed,
        settings=plain(dict(fitted.settings)),
    )


def _notes(attacker: AttackerUsed, heads: Heads | None, embeddings: Embeddings) -> list[str]:
    pairs, split = attacker.auxiliary_pairs, attacker.auxiliary_split
    sees = attacker.settings.get("sees")
    saw = [] if sees is None else [f"The attacker {attacker.name} saw {sees}."]
    if attacker.pools == "full":
        saw.append(
            f"The attacker {attacker.name} is fitted on the attacked gallery, so it is stated for the full "
            "gallery only: one who holds fewer reports would fit it on those."
        )
    if not pairs:
        return saw
    source = "that were given" if split is None else f"of the split {split}"
    notes = [
        *saw,
        f"The attacker {attacker.name} learned from {pairs:,} pairs of {attacker.auxiliary_patients:,} "
        + (
            f"other patients, {source}."
            if embeddings.patients_known
            else f"other studies, {source}; as patients are not known, some may be of attacked patients."
        ),
    ]
    if attacker.asked_for is not None and pairs < attacker.asked_for:
        notes.append(f"There are {pairs:,} pairs {source}, fewer than the {attacker.asked_for:,} asked for.")
    if heads is not None and split is not None and _trained_on(heads, embeddings, split):
        notes.append(
            f"The split {split} trained the heads too, so its pairs may lie closer together than those of "
            "new patients, and an attacker who knows fresh pairs may reach more."
        )
    return notes


def _trained_on(heads: Heads, embeddings: Embeddings, split: str) -> bool:
    told = heads.manifest
    if told is None:
        return False
    return told.cohort_fingerprint == embeddings.manifest.cohort.fingerprint and told.train_split == split
