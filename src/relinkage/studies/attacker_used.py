"""What an attack says of each attacker: what it knew and chose, and how its figures are to be read."""

from relinkage.alignment import Heads
from relinkage.attackers import AuxiliaryPairs, Family, Fitted
from relinkage.attackers.settings import Knowledge
from relinkage.embeddings import Embeddings
from relinkage.linkage.result import AttackerUsed
from relinkage.linkage.rows import AssignmentRow
from relinkage.pages.wording import bare_percent, counted, interval, percent
from relinkage.records import plain
from relinkage.studies.auxiliary import Known


def described(
    name: str,
    family: Family,
    fitted: Fitted,
    knows: Known,
    known: AuxiliaryPairs | None,
    how: Knowledge,
    seed: int,
) -> AttackerUsed:
    """Return who attacked, with what knowledge, and what was chosen."""
    learned = known if family.needs_pairs or family.uses_pairs else None
    return AttackerUsed(
        name=name,
        on=how.on,
        auxiliary_pairs=0 if learned is None else len(learned),
        auxiliary_patients=0 if learned is None else learned.patients,
        auxiliary_split=None if learned is None else knows.split,
        asked_for=None if learned is None else knows.most,
        pools=family.pools,
        together=how.together,
        refits=how.refits if family.pools == "full" else 0,
        seed=seed,
        settings=plain(dict(fitted.settings)),
    )


def notes_on_attacker(attacker: AttackerUsed, heads: Heads | None, embeddings: Embeddings) -> list[str]:
    """Say what a reader should know of an attacker, a sentence each."""
    pairs, split = attacker.auxiliary_pairs, attacker.auxiliary_split
    sees = attacker.settings.get("sees")
    saw = [] if sees is None else [f"The attacker {attacker.name} saw {sees}."]
    if attacker.refits:
        saw.append(
            "An attacker that is fitted on the attacked gallery has at smaller pools a mean over pools "
            f"drawn in {attacker.refits} rounds, on each of which it was fitted; intervals do not speak of "
            "which pools were drawn."
        )
    elif attacker.pools == "full":
        saw.append(
            "An attacker that is fitted on the attacked gallery is stated for the full gallery only: one who "
            "holds fewer reports would fit it on those."
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


def note_on_assignment(name: str, row: AssignmentRow | None) -> str:
    """Say how many studies got their own report, matched one to one by what an attacker scored."""
    if row is None:
        return f"Studies and reports are too many to be matched one to one by the scores of {name}."
    return (
        f"Matched one to one by the scores of {name}, {row.matched:,} of {counted(row.studies, 'study')} get "
        f"their own report ({percent(row.share)}, {interval(row.low, row.high)}; chance "
        f"{bare_percent(row.chance)})."
    )
