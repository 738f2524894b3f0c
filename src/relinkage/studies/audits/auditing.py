"""Audits of two arrays in files, and what every audit that can resume needs."""

from dataclasses import replace
from pathlib import Path

import msgspec

import relinkage
from relinkage.cohorts.tabular import read_table
from relinkage.cohorts.unused import unused_columns
from relinkage.embeddings import open_array
from relinkage.embeddings.stored import Matrix, fingerprint_of_rows
from relinkage.files import fingerprint
from relinkage.linkage import AuditSettings, Links, Measurement, measure
from relinkage.linkage.columns import label_columns
from relinkage.linkage.engines import Engine, Kept, in_blocks
from relinkage.linkage.engines import choose as choose_engine
from relinkage.linkage.result import InputFile, Inputs
from relinkage.records import plain

READ = (
    "pair_id", "candidate", "study_id", "patient_id", "view", "sex", "age", "report_hash", "report_words"
)  # fmt: skip
"""The columns of `--pairs` that an audit reads, beside labels and those that it is asked about."""


def audit_arrays(
    images: Path,
    reports: Path,
    pairs: Path | None,
    settings: AuditSettings,
    name: str | None = None,
    *,
    out: Path | None = None,
) -> Measurement:
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
    labels = label_columns(links.pairs)
    used = {*links.pairs.columns} & {*READ, *labels, *settings.hard_negatives}
    inputs = Inputs(
        kind="arrays",
        images=described(images.name, image_array),
        reports=described(reports.name, report_array),
        pairs=None
        if pairs is None
        else InputFile(file=pairs.name, rows=len(links), fingerprint=fingerprint(pairs.read_bytes())),
    )
    made = measure(
        image_array, report_array, links, settings,
        name=name or f"{images.name} × {reports.name}", inputs=inputs, sources=(str(images), str(reports)),
        labels=labels, engine=resumable(out, inputs, settings),
    )  # fmt: skip
    notes = (*made.result.notes, *unused_columns(links.pairs, used, "--pairs", READ))
    return replace(made, result=msgspec.structs.replace(made.result, notes=notes))


def finish_blocks(out: Path) -> None:
    """Remove the finished blocks that were kept beside a run folder, which is written now."""
    Kept.discard(out)


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


def described(file: str, array: Matrix) -> InputFile:
    """Return what an audit's result says of an array: where it lies, its size, and a fingerprint."""
    return InputFile(
        file=file, rows=len(array), dtype=str(array.dtype), fingerprint=fingerprint_of_rows(array)
    )
