"""Checking what hardened heads state of themselves, by accountants and by attack."""

from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from relinkage.alignment import read_heads
from relinkage.embeddings import read_embeddings
from relinkage.encoders.trained.manifest import HardenedHeads
from relinkage.encoders.trained.statement import PrivacyStatement
from relinkage.errors import InputError
from relinkage.privacy import CanarySettings, Public, Recheck, recheck
from relinkage.privacy.canaries import CanaryAudit, audit_by_canaries
from relinkage.privacy.ledger import Ledger, read_ledger
from relinkage.privacy.retraining import settings_of
from relinkage.records import Record
from relinkage.studies.same_training import check_public


class PrivacyCheck(Record, frozen=True):
    """What `relinkage privacy` found of heads.

    Attributes:
        schema: The kind of the result and its version.
        heads: The name of their folder.
        statement: What they state.
        recheck: The statement computed again.
        canaries: What guessing about canaries said; null where nobody asked.
        positive_control: What it said of a training with a tenth of the noise; null where nobody asked.
        ledger: What was spent on the embeddings in all; null where they were not named.
    """

    schema: Literal["relinkage.privacy/1"] = "relinkage.privacy/1"
    heads: str
    statement: PrivacyStatement
    recheck: Recheck
    canaries: CanaryAudit | None = None
    positive_control: CanaryAudit | None = None
    ledger: Ledger | None = None

    @property
    def faults(self) -> list[str]:
        """What does not hold, a sentence each."""
        faults, canaries = list(self.recheck.faults), self.canaries
        if canaries is not None and canaries.contradicts:
            faults.append(
                f"Guessing about canaries shows an epsilon of {canaries.lower_bound:.3g} at least, which is "
                f"more than the stated {canaries.stated:.3g}."
            )
        return faults


def check_statement(heads: Path, embeddings: Path | None = None) -> PrivacyCheck:
    """Read the statement of hardened heads and compute it again.

    Args:
        heads: the folder that `relinkage harden` wrote.
        embeddings: what they were trained on, to look into its ledger.

    Raises:
        InputError: the heads cannot be read or state nothing, or dp-accounting is missing.
    """
    manifest, statement = _stated(heads)
    found = recheck(statement, manifest.settings)
    return PrivacyCheck(
        heads=heads.resolve().name,
        statement=statement,
        recheck=found,
        ledger=None if embeddings is None else read_ledger(embeddings),
    )


def check_by_canaries(heads: Path, embeddings: Path, attack: CanarySettings, public: Public) -> PrivacyCheck:
    """Do what `check_statement` does, and train again with canaries under the statement's settings.

    Args:
        heads: the folder that `relinkage harden` wrote.
        embeddings: what they were trained on.
        attack: how many canaries there are, and how many are guessed.
        public: what the training looked at freely; it is not kept beside the heads.

    Raises:
        InputError: as `check_statement` and `audit_by_canaries`, or the public data are other ones.
    """
    manifest, statement = _stated(heads)
    settings = settings_of(manifest)
    check_public(manifest, public, str(heads))
    result, held = check_statement(heads, embeddings), read_embeddings(embeddings)
    found, control = (
        audit_by_canaries(
            held,
            manifest.train_split,
            settings,
            public,
            attack,
            noise_multiplier=statement.noise_multiplier,
            noise_divided_by=divided_by,
            stated=statement.epsilon,
        )
        if asked
        else None
        for divided_by, asked in ((1.0, True), (10.0, attack.positive_control))
    )
    return replace(result, canaries=found, positive_control=control)


def statement_text(result: PrivacyCheck) -> str:
    """Return a checked statement as lines for a terminal."""
    stated, again = result.statement, result.recheck
    word = "ε" if stated.kind == "proven" else f"{stated.kind} ε"
    found = "infinite" if again.epsilon is None else f"{again.epsilon:.4g}"
    by_losses = stated.accountant.startswith("privacy loss distributions")
    renyi = "does not apply" if again.renyi is None else f"{again.renyi:.4g}"
    computed_by = f"by loss distributions, {renyi} by Rényi" if by_losses else "by Rényi"
    rows = [
        (word, f"{stated.epsilon:.4g} at δ = {stated.delta:g}; neighbours: {stated.neighbours}"),
        ("computed again", f"{word} = {found} {computed_by}"),
        ("mechanism", f"{stated.mechanism}: {stated.reason}"),
        ("sampling", f"{stated.sampling}, q = {stated.rate:.4g}, {stated.steps} steps"),
        (
            "noise",
            f"σ = {stated.noise_multiplier:.4g} times {stated.sensitivity:.4g} clipping norms of "
            f"{stated.clip:g}, on sums divided by {stated.divisor:g}",
        ),
        ("coins", stated.seed_policy),
        ("population", f"at most {stated.population} patients, as stated"),
        ("accountant", stated.accountant + f", interval {stated.discretisation:g}" * by_losses),
    ]
    if stated.pair_epsilon is not None:
        rows.insert(1, ("of a single pair", f"{word} = {stated.pair_epsilon:.4g}"))
    rows += [("not checkable", told) for told in stated.not_checkable]
    rows += [("caution", told) for told in again.cautions]
    if result.ledger is not None:
        rows += [("ledger", result.ledger.in_words(split)) for split in result.ledger.splits]
    if result.canaries is not None:
        rows += [("by attack", told) for told in _attacked(result.canaries, word)]
    if result.positive_control is not None:
        rows.append(("positive control", _controlled(result.positive_control)))
    lines = [stated.sentence, *(f"  {name:16} {text}" for name, text in rows)]
    faults = result.faults
    end = "No fault was found in what can be checked."
    if result.canaries is not None:
        end = "No evidence against the statement was found."
    return "\n".join([*lines, *(f"Fault: {fault}" for fault in faults)] + [end] * (not faults))


def _attacked(canaries: CanaryAudit, word: str) -> list[str]:
    """Say what an attack found, and what it could have found."""
    could = "no number of right guesses among these could have refuted it: take more canaries"
    if canaries.needed is not None:
        could = (
            f"{canaries.needed} right guesses would have refuted it, which the best of attacks has in four "
            f"of five audits where the true ε is {canaries.refutable:.3g}, and more seldom below"
        )
    return [
        f"ε is at least {canaries.lower_bound:.3g} with {canaries.confidence:.0%} confidence; "
        f"stated is {word} = {canaries.stated:.4g} ({canaries.correct} of {canaries.guesses} "
        f"guesses about {canaries.canaries} canaries were right)",
        could,
    ]


def _controlled(control: CanaryAudit) -> str:
    found = (
        "which contradicts the statement, as it should"
        if control.contradicts
        else "which the attack does not tell from the statement, so it is no evidence for it either"
    )
    return f"with a tenth of the noise, ε is at least {control.lower_bound:.3g}, {found}"


def _stated(path: Path) -> tuple[HardenedHeads, PrivacyStatement]:
    manifest = read_heads(path).manifest
    if not isinstance(manifest, HardenedHeads) or manifest.privacy is None:
        raise InputError(f"{path} states no privacy; name a folder that `relinkage harden` wrote.")
    return manifest, manifest.privacy
