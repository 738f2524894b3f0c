"""Audits: from an embeddings folder, or from arrays, to how well images find their reports."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from numpy.typing import NDArray

import relinkage
from relinkage.cohorts.unused import unused_columns
from relinkage.embeddings import Embeddings
from relinkage.embeddings.stored import Matrix, choose, fingerprint_of_rows
from relinkage.encoders.trained.statement import what_epsilon_leaves_open
from relinkage.linkage import AuditSettings, measure
from relinkage.linkage.engines import Engine, Kept, in_blocks
from relinkage.linkage.engines import choose as choose_engine
from relinkage.linkage.links import READ
from relinkage.linkage.result import AuditedHeads, InputFile, Inputs
from relinkage.linkage.settings import On
from relinkage.options import chosen
from relinkage.records import plain
from relinkage.studies.audits import Audit
from relinkage.studies.held_out import not_held_out
from relinkage.studies.opening import embeddings_of, heads_of, links_of

if TYPE_CHECKING:  # heads bring torch, which audits of arrays do without
    from relinkage.alignment import Heads
    from relinkage.encoders import HeadPair

BY_STUDY = (
    "Splits are by study, as patients are not known: a patient may stand in several splits, so what is "
    "learned on one split is not surely held out from another."
)
Sides = tuple[NDArray[Any], NDArray[Any]]
"""A vector per image, and one per distinct report; large ones may lie on disk (`embeddings.stored`)."""


def audit(
    images: Any,
    reports: Any = None,
    pairs: Any = None,
    *,
    heads: "Heads | str | PathLike[str] | None" = None,
    split: str | None = None,
    name: str | None = None,
    settings: AuditSettings | None = None,
    **choices: Any,
) -> Audit:
    """Measure how well images find their reports, exactly, at any pool size.

    Args:
        images: the vectors of the images: numpy, torch, nested lists, a memory map or a file, shape
            (images, d). Or embeddings, as `relinkage.open` gives them, or their folder; then no reports.
        reports: the vectors of the reports, shape (reports, d).
        pairs: `Pairs`, or a data frame with its columns, a row per image; row i of one array belongs to row i
            of the other where it is not given.
        heads: trained heads for embeddings: what `relinkage.align` or `harden` gives, or their folder. The
            encoder's own where not given.
        split: the split to audit; all pairs where not given.
        name: what pages call the audited model.
        settings: the choices of the audit, as a record.
        choices: the same one by one, such as `pool=[100, "full"]`, `k=[1, 10]`, `hard_negatives="labels"`;
            see `AuditSettings`.

    Returns:
        The audit; nothing is written.

    Raises:
        InputError: something cannot be read, or does not fit.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> random = np.random.default_rng(0)
        >>> images = random.normal(size=(300, 8))
        >>> reports = images + 0.5 * random.normal(size=(300, 8))
        >>> audit = rl.audit(images, reports, pool=[100], k=1)
        >>> audit.recall(k=1, pool=100).value > 0.5
        True
    """
    embeddings = embeddings_of(images, reports, pairs, large_on_disk=True)
    asked = chosen(AuditSettings, settings, choices)
    return audit_embeddings(embeddings, heads_of(heads), split, asked, name)


def audit_embeddings(
    embeddings: Embeddings,
    heads: "Heads | None",
    split: str | None,
    settings: AuditSettings,
    name: str | None = None,
    *,
    on: On = "embeddings",
    scored: Sides | None = None,
    out: Path | None = None,
) -> Audit:
    """Do what `audit` does with embeddings that were read, or let an attacker score their pairs.

    Args:
        embeddings: all of a folder, or of arrays.
        heads: trained heads; the encoder's own, or the arrays as they are, where not given.
        split: the split to audit; all pairs where not given.
        settings: the choices of the audit.
        name: what pages call the audited model; the encoder's id or the files' names where not given.
        on: what is compared.
        scored: what an attacker made of these vectors, a row per image and per distinct report; their
            cosine is then the score.
        out: the run folder that will be written, beside which finished blocks are kept until
            `finish_blocks`; where not given, none are. Not for what an attacker scored.

    Raises:
        InputError: as in `audit`.
    """
    embeddings = embeddings if split is None else embeddings.split(split)
    images, texts = sides(embeddings, None if heads is None else heads.pair, on)
    links, report_row = links_of(embeddings)
    inputs = _inputs(embeddings, images, texts, heads, split, on)
    if scored is not None:
        images, texts = scored
    called = _sources(embeddings)
    measured = measure(
        images,
        choose(texts, report_row),
        links,
        settings,
        name=name or title(embeddings, heads),
        inputs=inputs,
        sources=called,
        labels=embeddings.labels,
        engine=resumable(out, inputs, settings),
    )
    notes = (
        *measured.result.notes,
        *_made_equal(embeddings),
        *not_held_out(heads, embeddings, split),
        *_stated(heads),
        *_of_table(embeddings, settings),
    )
    if split is not None and not embeddings.patients_known:
        notes += (BY_STUDY,)
    return Audit(msgspec.structs.replace(measured.result, notes=notes), measured.tables)


def sides(embeddings: Embeddings, heads: "HeadPair | None", on: On = "embeddings") -> Sides:
    """Return the vectors of the images and of the distinct reports.

    Args:
        embeddings: a folder, or some pairs of one.
        heads: heads to put on the features; the encoder's own where not given.
        on: what is wanted; features know no heads.

    Raises:
        InputError: the heads do not fit, or there are none.
    """
    if on == "features":
        return embeddings.image_features, embeddings.text_features
    return embeddings.shared_space() if heads is None else embeddings.project(heads)


def title(embeddings: Embeddings, heads: "Heads | None") -> str:
    """Return what pages call what is audited, where nobody said."""
    given = embeddings.given
    model = embeddings.manifest.encoder.id if given is None else f"{given.images} × {given.reports}"
    return model if heads is None else f"{model} + {heads.name}"


def resumable(out: Path | None, inputs: Inputs, settings: AuditSettings) -> Engine:
    """Let an audit keep finished blocks beside its run folder, where another run of it finds them."""
    engine = choose_engine(settings.engine)
    if out is None:
        return in_blocks(engine)
    # Every engine gives the same counts, so a run that was killed on one resumes on another.
    choices = {key: value for key, value in plain(settings).items() if key != "engine"}
    return in_blocks(
        engine, Kept(out, {"version": relinkage.__version__, "inputs": plain(inputs), "settings": choices})
    )


def finish_blocks(out: Path) -> None:
    """Remove the finished blocks that were kept beside a run folder, which is written now."""
    Kept.discard(out)


def _inputs(
    embeddings: Embeddings, images: Matrix, texts: Matrix, heads: "Heads | None", split: str | None, on: On
) -> Inputs:
    given, manifest = embeddings.given, embeddings.manifest
    put_on = None if heads is None else AuditedHeads(file=heads.name, manifest=heads.manifest)
    if given is not None:
        table = None
        if given.pairs is not None:
            name, content = Path(given.pairs).name, given.fingerprints[2]
            table = InputFile(file=name, rows=len(embeddings), fingerprint=content)
        # Of whole arrays as they were given; those that may lie on disk are not read once more.
        whole = heads is None and split is None and on == "embeddings"
        known = given.fingerprints if whole else (None, None)
        return Inputs(
            kind="arrays",
            images=_described(given.images, images, known[0]),
            reports=_described(given.reports, texts, known[1]),
            pairs=table,
            heads=put_on,
            split=split,
        )
    return Inputs(
        kind="embeddings",
        images=_described(embeddings.path.name, images),
        reports=_described(embeddings.path.name, texts),
        model=manifest.encoder,
        heads=put_on,
        cohort=manifest.cohort,
        split=split,
        truncated_share=float(embeddings.pairs["truncated"].to_numpy().mean()),
        token_budget=embeddings.token_budget,
        cut_share=None
        if embeddings.token_budget is None
        else float(embeddings.pairs["cut"].to_numpy().mean()),
    )


def _described(file: str, array: Matrix, fingerprint: str | None = None) -> InputFile:
    """Return what an audit's result says of an array: where it lies, its size, and a fingerprint."""
    fingerprint = fingerprint or fingerprint_of_rows(array)
    return InputFile(file=Path(file).name, rows=len(array), dtype=str(array.dtype), fingerprint=fingerprint)


def _sources(embeddings: Embeddings) -> tuple[str, str]:
    """Return how messages name the vectors of the images and of the reports."""
    given = embeddings.given
    if given is not None:
        return given.images, given.reports
    return f"{embeddings.path} (images)", f"{embeddings.path} (reports)"


def _stated(heads: "Heads | None") -> tuple[str, ...]:
    """Say what a privacy statement of the heads does not speak of."""
    stated = None if heads is None or heads.manifest is None else heads.manifest.privacy
    return () if stated is None else what_epsilon_leaves_open(stated)


def _made_equal(embeddings: Embeddings) -> list[str]:
    """Say where the token budget left different reports the same text."""
    if embeddings.token_budget is None:
        return []
    reports, texts = (embeddings.pairs[column].n_unique() for column in ("report_hash", "report_row"))
    if texts == reports:
        return []
    return [
        f"The token budget of {embeddings.token_budget} leaves {texts} distinct texts of {reports} distinct "
        "reports: reports that became equal tie, and no model can tell them apart."
    ]


def _of_table(embeddings: Embeddings, settings: AuditSettings) -> list[str]:
    """Say what of a table that somebody gave was read as something else, or not looked at."""
    given = embeddings.given
    if given is None or given.pairs is None:
        return []
    # Where all pairs are attacked, their split is no longer there.
    table = embeddings.pairs.select(column for column in given.columns if column in embeddings.pairs.columns)
    used = {*given.columns} & {*READ, *embeddings.labels, *settings.hard_negatives}
    return [*embeddings.manifest.notes, *unused_columns(table, used, "--pairs", READ)]
