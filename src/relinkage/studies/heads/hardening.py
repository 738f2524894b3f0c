"""Hardening an embeddings folder, and checking what hardened heads state of themselves."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from relinkage.alignment import Heads, Weights, read_heads
from relinkage.embeddings import read_array, read_embeddings
from relinkage.errors import InputError
from relinkage.privacy import HardenSettings, PrivacyStatement, Public, harden, read_statement, recheck
from relinkage.privacy.canaries import audit_by_canaries

SCHEMA = "relinkage.privacy/1"


def read_public(start: Path | None, public: Path | None, anchors: Path | None) -> Public:
    """Read what a private training may look at freely.

    Args:
        start: heads to start from.
        public: embeddings of a public cohort.
        anchors: an array with a vector per label.

    Raises:
        InputError: a file cannot be read.
    """
    return Public(
        None if start is None else read_heads(start),
        None if public is None else read_embeddings(public),
        None if anchors is None else read_array(anchors).astype("float32"),
    )


def harden_embeddings(
    path: Path, train: str, settings: HardenSettings, out: Path, public: Public | None = None
) -> Heads:
    """Train heads with differential privacy on a split of an embeddings folder and write them.

    Args:
        path: the folder that `relinkage embed` wrote.
        train: the split to train on.
        settings: the choices.
        out: the folder to write.
        public: what may be looked at freely.

    Raises:
        InputError: as `read_embeddings` and `harden`.
    """
    return harden(read_embeddings(path), train, settings, out, public)


def check_statement(heads: Path) -> dict[str, Any]:
    """Read the statement of hardened heads and compute it again.

    Args:
        heads: the folder that `relinkage harden` wrote.

    Returns:
        Schema `relinkage.privacy/1`: the statement, ε by both accountants, and `faults`, a sentence each.

    Raises:
        InputError: the heads cannot be read or state nothing, or dp-accounting is missing.
    """
    statement = _statement(read_heads(heads), heads)
    return {
        "schema": SCHEMA,
        "heads": heads.resolve().name,
        "statement": statement.to_json(),
        "recheck": asdict(recheck(statement)),
        "canaries": None,
    }


def check_by_canaries(
    heads: Path,
    embeddings: Path,
    canaries: int,
    guesses: int,
    public: Public,
    seed: int = 0,
) -> dict[str, Any]:
    """Do what `check_statement` does, and train again with canaries under the statement's settings.

    Args:
        heads: the folder that `relinkage harden` wrote.
        embeddings: what they were trained on.
        canaries: how many.
        guesses: how many of them are guessed.
        public: what the training looked at freely; it is not kept beside the heads.
        seed: of the canaries and of who is in.

    Raises:
        InputError: as `check_statement` and `audit_by_canaries`, or the public data are other ones.
    """
    trained = read_heads(heads)
    statement = _statement(trained, heads)
    settings = _settings(trained, statement, heads)
    _check_public(trained, public, heads)
    result = check_statement(heads)
    audit = audit_by_canaries(
        read_embeddings(embeddings),
        str(trained.manifest.get("train_split")),
        settings,
        public,
        canaries=canaries,
        guesses=guesses,
        noise_multiplier=statement.noise_multiplier,
        seed=seed,
    )
    return {
        **result,
        "canaries": {**asdict(audit), "stated": statement.epsilon, "seed": seed},
    }


def faults_of(result: dict[str, Any]) -> list[str]:
    """Give what does not hold in a checked statement, a sentence each."""
    faults = list(result["recheck"]["faults"])
    canaries = result["canaries"]
    if canaries is not None and canaries["lower_bound"] > canaries["stated"]:
        faults.append(
            f"Guessing about canaries shows an epsilon of {canaries['lower_bound']:.3g} at least, which is "
            f"more than the stated {canaries['stated']:.3g}."
        )
    return faults


def statement_text(result: dict[str, Any]) -> str:
    """Give a checked statement as lines for a terminal."""
    stated, again = result["statement"], result["recheck"]
    word = "ε" if stated["kind"] == "proven" else f"{stated['kind']} ε"
    renyi = "does not apply" if again["renyi"] is None else f"{again['renyi']:.4g}"
    rows = [
        (word, f"{stated['epsilon']:.4g} at δ = {stated['delta']:g}; neighbours: {stated['neighbours']}"),
        ("computed again", f"{word} = {again['epsilon']:.4g} by loss distributions, {renyi} by Rényi"),
        ("mechanism", f"{stated['mechanism']}: {stated['reason']}"),
        ("sampling", f"{stated['sampling']}, q = {stated['rate']:.4g}, {stated['steps']} steps"),
        (
            "noise",
            f"σ = {stated['noise_multiplier']:.4g} times {stated['sensitivity']:.4g} clipping norms of "
            f"{stated['clip']:g}, on sums divided by {stated['divisor']:g}",
        ),
        ("coins", stated["seed_policy"]),
        ("population", f"at most {stated['population']} patients, as stated"),
        ("accountant", f"{stated['accountant']}, interval {stated['discretisation']:g}"),
    ]
    if stated["pair_epsilon"] is not None:
        rows.insert(1, ("of a single pair", f"{word} = {stated['pair_epsilon']:.4g}"))
    canaries = result["canaries"]
    if canaries is not None:
        told = (
            f"ε is at least {canaries['lower_bound']:.3g} with {canaries['confidence']:.0%} confidence; "
            f"stated is {word} = {canaries['stated']:.4g} ({canaries['correct']} of {canaries['guesses']} "
            f"guesses about {canaries['canaries']} canaries were right)"
        )
        rows.append(("by attack", told))
    lines = [stated["sentence"], *(f"  {name:16} {text}" for name, text in rows)]
    faults = faults_of(result)
    return "\n".join(
        [*lines, *(f"Fault: {fault}" for fault in faults)] + ["No fault was found."] * (not faults)
    )


def _statement(heads: Heads, path: Path) -> PrivacyStatement:
    if not isinstance(heads.manifest.get("privacy"), dict):
        raise InputError(f"{path} states no privacy; name a folder that `relinkage harden` wrote.")
    return read_statement(heads.manifest["privacy"], str(path))


def _settings(heads: Heads, statement: PrivacyStatement, path: Path) -> HardenSettings:
    """Give the settings of a training, those that the statement rests on as it tells them."""
    told = heads.manifest.get("settings")
    names = {field.name for field in fields(HardenSettings)} - {"seed_noise"}
    try:
        chosen = {name: told[name] for name in names if name in told}  # type: ignore[index,operator]
        if "weights" in chosen:
            chosen["weights"] = Weights(**chosen["weights"])
        settings = HardenSettings(**chosen)
    except (KeyError, TypeError):
        raise InputError(f"{path} does not hold the settings of its training; harden again.") from None
    if statement.mechanism == "one-shot":
        return replace(settings, mechanism="one-shot")
    return replace(
        settings,
        mechanism=statement.mechanism,
        unit=statement.unit,
        cap=statement.pairs_a_patient,
        population=statement.population,
        batch=round(statement.divisor),
        steps=statement.steps,
        clip=statement.clip,
        delta=statement.delta,
        temperature=statement.temperature,
    )


def _check_public(heads: Heads, public: Public, path: Path) -> None:
    manifest = heads.manifest
    anchors = manifest.get("anchors") or {}
    for option, used, given in (
        ("--start", str(manifest.get("start", "")).startswith("given"), public.start is not None),
        ("--anchors", anchors.get("source") == "given", public.anchors is not None),
        ("--public", manifest.get("public") is not None, public.embeddings is not None),
    ):
        if used != given:
            raise InputError(
                f"{path} was hardened {'with' if used else 'without'} {option}, so the training can only be "
                f"repeated {'with the same' if used else 'without it'}."
            )
    other = public.embeddings
    if other is not None and other.manifest["cohort"]["fingerprint"] != manifest["public"]:
        raise InputError(f"--public {other.path} is not the cohort that {path} was hardened with; name that.")
