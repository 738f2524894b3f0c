"""What an audit is made of: plain arrays, or embeddings with the heads that were asked for."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

import relinkage
from relinkage.alignment import Heads, read_heads
from relinkage.cohorts.tabular import read_table
from relinkage.embeddings import Embeddings, open_array, read_embeddings
from relinkage.embeddings.stored import Matrix, choose, fingerprint_of_rows
from relinkage.encoders import HeadPair
from relinkage.errors import InputError
from relinkage.files import fingerprint
from relinkage.linkage import Audit, AuditSettings, Links, audit
from relinkage.linkage.engines import Engine, Kept, in_blocks
from relinkage.linkage.engines import choose as choose_engine

On = Literal["embeddings", "features"]
"""What is compared: vectors of the shared space, or what the frozen encoders give before any head."""

Sides = tuple[NDArray[Any], NDArray[Any]]
"""A vector per image, and one per distinct report; large ones may lie on disk (`embeddings.stored`)."""


def audit_arrays(
    images: Path,
    reports: Path,
    pairs: Path | None,
    settings: AuditSettings,
    name: str | None = None,
    *,
    out: Path | None = None,
) -> Audit:
    """Audit two array files, row by row or as a table of pairs says. Large ones are read block by block.

    Args:
        images: `.npy`, `.npz`, `.safetensors` or `.parquet`, shape (queries, d).
        reports: the same, shape (candidates, d).
        pairs: CSV or Parquet with a row per query, or None.
        settings: the choices of the audit.
        name: what the report calls the audited model; the file names where not given.
        out: the run folder that will be written, beside which finished blocks are kept until
            `finish_blocks`; where not given, none are.

    Raises:
        InputError: a file cannot be read, or the three do not fit together.
    """
    image_array, report_array = open_array(images), open_array(reports)
    if pairs is not None:
        table = read_table(pairs)
        links = Links.from_pairs(table, len(image_array), len(report_array), str(pairs))
    else:
        links = Links.row_by_row(len(image_array), len(report_array))
    inputs = {
        "kind": "arrays",
        "images": _describe(images, image_array),
        "reports": _describe(reports, report_array),
        "pairs": None
        if pairs is None
        else {"file": pairs.name, "rows": len(links), "fingerprint": fingerprint(pairs.read_bytes())},
        "model": None,
        "heads": None,
        "cohort": None,
        "split": None,
        "truncated_share": None,
        "token_budget": None,
        "cut_share": None,
    }
    return audit(
        image_array, report_array, links, settings,
        name=name or f"{images.name} × {reports.name}", inputs=inputs, sources=(str(images), str(reports)),
        engine=_resumable(out, inputs, settings),
    )  # fmt: skip


def audit_embeddings(
    path: Path,
    heads: Path | None,
    split: str | None,
    settings: AuditSettings,
    name: str | None = None,
    *,
    out: Path | None = None,
) -> Audit:
    """Audit an embeddings folder through its own heads or through trained ones.

    Args:
        path: the folder that `relinkage embed` wrote.
        heads: trained heads; the encoder's own where not given.
        split: the split to audit; all pairs where not given.
        settings: the choices of the audit.
        name: what the report calls the audited model; the encoder's id where not given.
        out: as in `audit_arrays`.

    Raises:
        InputError: the folder or heads cannot be read, do not fit, or there are no heads at all.
    """
    embeddings = read_embeddings(path, large_on_disk=True)
    return audit_folder(embeddings, heads, split, settings, name, out=out)


def audit_folder(
    embeddings: Embeddings,
    heads: Path | None,
    split: str | None,
    settings: AuditSettings,
    name: str | None = None,
    on: On = "embeddings",
    scored: Sides | None = None,
    *,
    out: Path | None = None,
) -> Audit:
    """Do what `audit_embeddings` does with a folder that was read, or let an attacker score its pairs.

    Args:
        embeddings: the folder, all of it.
        heads: as in `audit_embeddings`.
        split: likewise.
        settings: likewise.
        name: likewise.
        on: what is compared.
        scored: what an attacker made of these vectors, a row per image and per distinct report; their
            cosine is then the score.
        out: as in `audit_arrays`; not for what an attacker scored.

    Raises:
        InputError: as in `audit_embeddings`.
    """
    path = embeddings.path
    if split is not None:
        embeddings = embeddings.split(split)
    trained = None if heads is None else read_heads(heads)
    images, texts = sides(embeddings, None if trained is None else trained.pair, on)
    links = Links.from_pairs(embeddings.pairs, len(images), len(embeddings), str(path / "pairs.parquet"))
    manifest = embeddings.manifest
    inputs = {
        "kind": "embeddings",
        "images": {"file": path.name, "rows": len(images), "fingerprint": fingerprint_of_rows(images)},
        "reports": {"file": path.name, "rows": len(texts), "fingerprint": fingerprint_of_rows(texts)},
        "pairs": None,
        "model": manifest["encoder"],
        "heads": None if trained is None else {"file": heads.name if heads else "", **trained.manifest},
        "cohort": manifest["cohort"],
        "split": split,
        "truncated_share": float(embeddings.pairs["truncated"].to_numpy().mean()),
        "token_budget": embeddings.token_budget,
        "cut_share": None
        if embeddings.token_budget is None
        else float(embeddings.pairs["cut"].to_numpy().mean()),
    }
    title = name or manifest["encoder"]["id"] + ("" if heads is None else f" + {heads.name}")
    if scored is not None:
        images, texts = scored
    reports = choose(texts, embeddings.pairs["report_row"].to_numpy())
    result = audit(
        images,
        reports,
        links,
        settings,
        name=title,
        inputs=inputs,
        sources=(f"{path} (images)", f"{path} (reports)"),
        labels=embeddings.labels,
        engine=_resumable(out, inputs, settings),
    )
    result.result["notes"] += [*_made_equal(embeddings), *_held_out(embeddings, trained, split)]
    return result


def finish_blocks(out: Path) -> None:
    """Remove the finished blocks that were kept beside a run folder, which is written now."""
    Kept.discard(out)


def _resumable(out: Path | None, inputs: dict[str, Any], settings: AuditSettings) -> Engine:
    """Let an audit keep finished blocks beside its run folder, where another run of it finds them."""
    engine = choose_engine(settings.engine)
    if out is None:
        return in_blocks(engine)
    # Every engine gives the same counts, so a run that was killed on one resumes on another.
    choices = {key: value for key, value in asdict(settings).items() if key != "engine"}
    return in_blocks(
        engine, Kept(out, {"version": relinkage.__version__, "inputs": inputs, "settings": choices})
    )


def _describe(path: Path, array: Matrix) -> dict[str, Any]:
    return {
        "file": path.name,
        "rows": len(array),
        "dtype": str(array.dtype),
        "fingerprint": fingerprint_of_rows(array),
    }


def sides(embeddings: Embeddings, heads: HeadPair | None, on: On = "embeddings") -> Sides:
    """Give the vectors of the images and of the distinct reports.

    Args:
        embeddings: a folder, or some pairs of one.
        heads: heads to put on the features; the encoder's own where not given.
        on: what is wanted; features know no heads.

    Raises:
        InputError: the heads do not fit, or there are none.
    """
    if on == "features":
        return embeddings.image_features, embeddings.text_features
    if heads is not None:
        return embeddings.project(heads)
    if embeddings.image_embeddings is None or embeddings.text_embeddings is None:
        raise InputError(
            f"{embeddings.path} holds the features of towers that share no space; train heads first "
            f"(`relinkage align {embeddings.path} --out HEADS`) and name them with --heads HEADS."
        )
    return embeddings.image_embeddings, embeddings.text_embeddings


def _made_equal(embeddings: Embeddings) -> list[str]:
    """Say where the token budget left different reports the same text."""
    reports, texts = (embeddings.pairs[column].n_unique() for column in ("report_hash", "report_row"))
    if texts == reports:
        return []
    return [
        f"The token budget of {embeddings.token_budget} leaves {texts} distinct texts of {reports} distinct "
        "reports: reports that became equal tie, and no model can tell them apart."
    ]


def _held_out(embeddings: Embeddings, trained: Heads | None, split: str | None) -> list[str]:
    """Say where audited pairs are not held out from what trained the heads."""
    if trained is None:
        return []
    if not trained.manifest:
        return ["What trained the heads is not known: the audited pairs may have been among it."]
    train = trained.manifest.get("train_split")
    same = trained.manifest.get("cohort_fingerprint") == embeddings.manifest["cohort"]["fingerprint"]
    # Hardened heads do not tell their cohort, which is private.
    silent = isinstance(trained.manifest.get("privacy"), dict) and not same
    if not (same or silent) or split not in (None, train):
        return []
    inside = int((embeddings.pairs["split"] == train).sum())
    if not inside:
        return []
    if silent:
        return [
            f"Hardened heads do not tell which cohort trained them: where it is this one, {inside} of the "
            f"{len(embeddings)} audited pairs are not held out."
        ]
    return [
        f"{inside} of the {len(embeddings)} audited pairs trained the heads: they are not held out, and "
        "linkage on them is higher than on new patients."
    ]
