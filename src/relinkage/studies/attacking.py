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
    Family,
    Fitted,
    load_attackers,
)
from relinkage.attackers.own import OwnFamily
from relinkage.attackers.settings import Knowledge, Together
from relinkage.embeddings import Embeddings
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings
from relinkage.linkage.rows import RecallRow
from relinkage.linkage.settings import On
from relinkage.options import chosen
from relinkage.progress import say
from relinkage.studies.assigning import ASSIGNMENT, assigned, assigning
from relinkage.studies.attacker_used import described, note_on_assignment, notes_on_attacker
from relinkage.studies.attacks import Attack
from relinkage.studies.auditing import Sides, audit_embeddings, title
from relinkage.studies.audits import Audit
from relinkage.studies.auxiliary import Known, attacked_sides, check_space, known_pairs, stated_pools
from relinkage.studies.opening import embeddings_of, heads_of
from relinkage.studies.refitting import refitted_rows
from relinkage.studies.together import summed

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
    together: Together = "image",
    refits: int = 0,
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
            name and can work on what is given. With "assignment", cosine and ensemble also match all studies
            and reports one to one: `result.assignment`, which is no ranking.
        auxiliary: the pairs that attackers know: (images, reports, pairs) or (images, reports) of other
            patients, embeddings of them, or the name of a split. The split "train" where the pairs have
            splits and nothing is given; else attackers know none.
        auxiliary_pairs: how many of them the attackers know; 1,000 of a split, and all that were given.
        on: what attackers see: embeddings, or the features before any head.
        together: what attackers know to belong together and add up: each image alone, the images of a study,
            or those of a patient.
        refits: rounds in which all candidates are dealt into pools of each size, and attackers that are
            fitted on the gallery are fitted on each pool; with 0 they are stated for the full gallery only.
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
    how = Knowledge(on=on, together=together, refits=refits)
    families, notes = _families(wanted, embeddings, trained, on, knows, chosen_settings.seed)
    matching = assigning(wanted, families)
    return _attack(embeddings, trained, split, families, knows, how, chosen_settings, name, notes, matching)


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
    matching = assigning(attack.attackers, families)
    return _attack(embeddings, heads, split, families, knows, attack, settings, name, notes, matching)


def _attack(
    embeddings: Embeddings,
    heads: Heads | None,
    split: str | None,
    families: Mapping[str, Family],
    knows: Known,
    how: Knowledge,
    settings: AuditSettings,
    name: str | None,
    notes: tuple[str, ...],
    matching: Sequence[str],
) -> Attack:
    on = how.on
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
        scored = summed(fitted.transform(*attacked), audited, how.together)
        stated = stated_pools(family, _tempered(settings, fitted, scored))
        audit = audit_embeddings(
            embeddings, heads, split, stated, f"{called} on {about}", on=on, scored=scored
        )  # fmt: skip
        used = described(called, family, fitted, knows, known, how, settings.seed)
        refitted: list[RecallRow] = []
        if used.refits:
            refitted = refitted_rows(
                audited, attacked, fitted, audit.tables, how.refits, settings,
                lambda sides, part: summed(sides, part, how.together),
            )  # fmt: skip
        matched = assigned(scored, audited, settings) if called in matching else None
        said = [note_on_assignment(called, matched)] if called in matching else []
        pools = (*dict.fromkeys(row.pool for row in refitted), *(audit.result.settings.pool or ()))
        result = msgspec.structs.replace(
            audit.result,
            attacker=used,
            assignment=matched,
            settings=msgspec.structs.replace(audit.result.settings, pool=pools),
            closed_set=(*refitted, *audit.result.closed_set),
            curve=tuple(row for row in audit.result.curve if family.pools == "every" or row.full),
            notes=(*audit.result.notes, *notes_on_attacker(used, heads, embeddings), *said),
        )
        audits[called] = Audit(result, audit.tables)
    made = Attack(audits, notes)
    apart = [called for called in audits if called not in made.tried]
    if not apart:
        return made
    left_out = f"No row is shared by all attackers, so at_least and at_most leave out {', '.join(apart)}."
    return Attack(audits, (*notes, left_out))


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
    if set(wanted) == {ASSIGNMENT}:
        wanted = ["cosine"]
    own_names = [each for each in wanted if isinstance(each, str) and each not in ("all", ASSIGNMENT)]
    named = load_attackers([*own_names, *(ATTACKERS if "all" in wanted else ())], seed)
    for each in wanted:
        if isinstance(each, Attacker):
            own = OwnFamily(each)
            families[own.name] = own
        elif each == ASSIGNMENT:
            continue
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
