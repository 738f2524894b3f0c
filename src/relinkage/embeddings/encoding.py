"""The embedding pass: a cohort through an encoder, in batches, shard by shard, resumable after any kill."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts import Cohort, with_split
from relinkage.cohorts.phantom.settings import is_phantom
from relinkage.cohorts.text import normalise
from relinkage.embeddings.alone import check_alone
from relinkage.embeddings.batches import Batches, over
from relinkage.embeddings.features import image_arrays, no_images, with_embeddings
from relinkage.embeddings.folder import Embeddings, read_embeddings
from relinkage.embeddings.image_digests import DIGESTS, check_images, salted
from relinkage.embeddings.left_out import EMPTY_REPORT, HopelessError, LeftOut
from relinkage.embeddings.manifest import (
    HEADS,
    LEFT_OUT,
    MANIFEST,
    PAIRS,
    PROGRESS,
    Beginning,
    CohortOrigin,
    Counts,
    Manifest,
    Shards,
    SplitOrigin,
)
from relinkage.embeddings.resuming import discard, prepare, versions
from relinkage.embeddings.settings import EmbedSettings
from relinkage.embeddings.shards import ANEW, read_left_out, read_shard, shard_name, write_shard
from relinkage.embeddings.table import (
    EncodedTexts,
    check_columns,
    distinct_texts,
    pairs_table,
    texts_to_encode,
)
from relinkage.encoders import Encoder, save_heads
from relinkage.errors import InputError
from relinkage.files import whole_file
from relinkage.progress import progress
from relinkage.records import write_record
from relinkage.tables import write_csv, write_parquet


def embed(
    cohort: Cohort,
    encoder: Encoder,
    out: str | Path,
    *,
    settings: EmbedSettings | None = None,
) -> Embeddings:
    """Embed a cohort into a folder, or finish there what a killed run began.

    Batches and shards are cut by row number alone, so a run that was killed anywhere and started again leaves
    the same bytes as one that was not. A finished folder of the same cohort, images, encoder and settings is
    read as it is.

    Args:
        cohort: the cohort; without a `split` column it gets one by `settings`.
        encoder: the frozen encoder; what it fits, it fits on the reports of the split `train`,
            cut to the token budget like all others.
        out: the folder to write.
        settings: choices of the pass.

    Raises:
        InputError: `out` holds something else or was made of other images, a column may not leave the cohort,
            too many rows have an unreadable image or an empty report, or the encoder gives values that are
            not finite or that depend on the batch. Nothing half-written stays then.
    """
    settings, out = settings or EmbedSettings(), Path(out)
    given = cohort
    if "split" not in cohort.pairs.columns:
        cohort = with_split(cohort, by=settings.split_by, train=settings.train_share, seed=settings.seed)
    if settings.label:
        cohort = cohort.with_labels(settings.label)
    check_columns(cohort, settings.keep)
    empty = np.array([not normalise(text) for text in cohort.pairs["report"]])
    encoded = texts_to_encode(cohort, settings.token_budget)
    encoder.fit(
        [
            text
            for text, split, blank in zip(encoded.texts, cohort.pairs["split"], empty, strict=True)
            if split == "train" and not blank
        ]
    )
    beginning = _beginning(given, encoder, settings)
    salt = given.salt()
    finished = prepare(out, beginning)
    shards = list(_image_shards(out, np.flatnonzero(~empty), settings))
    done = [(file, rows) for file, rows in shards if file.exists()]
    check_images(done, cohort.image_paths(), cohort.root, salt, settings.workers)
    if finished:
        return read_embeddings(out)
    try:
        batches = over(settings.engine, encoder, settings.workers)
        _run(cohort, encoder, out, settings, empty, encoded, shards, salt, beginning, batches)
    except HopelessError:
        discard(out)
        raise
    except OSError as error:
        raise InputError(
            f"{out} cannot be written ({error.strerror or type(error).__name__}); see to it, and the same "
            "command resumes."
        ) from None
    return read_embeddings(out)


def _beginning(given: Cohort, encoder: Encoder, settings: EmbedSettings) -> Beginning:
    """Return the part of the manifest that is known at once; it tells one run from another."""
    if "split" in given.pairs.columns:
        split = SplitOrigin(column="split")
    else:
        by = settings.split_by
        by = "study_id" if by == "patient_id" and not given.patients_known else by
        split = SplitOrigin(by=by, train=settings.train_share, seed=settings.seed)
    return Beginning(
        cohort=CohortOrigin(
            name=given.name, fingerprint=given.fingerprint(), synthetic=is_phantom(given.root)
        ),
        encoder=encoder.card,
        settings=settings.of_the_pass(),
        split=split,
        versions=versions(),
    )


def _run(
    cohort: Cohort,
    encoder: Encoder,
    out: Path,
    settings: EmbedSettings,
    empty: NDArray[np.bool_],
    encoded: EncodedTexts,
    shards: Sequence[tuple[Path, NDArray[np.intp]]],
    salt: str,
    beginning: Beginning,
    work: Batches,
) -> None:
    left_out = LeftOut(len(cohort), settings.max_left_out)
    left_out.add({int(row): EMPTY_REPORT for row in np.flatnonzero(empty)})
    if settings.batch > 1:
        usable, paths = np.flatnonzero(~empty), cohort.image_paths()
        texts = [encoded.texts[row] for row in usable]
        check_alone(encoder, [paths[row] for row in usable[: settings.batch]], cohort.root, texts)
    image_shards = _embed_images(cohort, encoder, shards, settings, salt, left_out, work)
    kept = np.setdiff1d(np.arange(len(cohort)), list(left_out.reasons)).astype(np.intp)
    if not len(kept):
        raise HopelessError(f"No row of the cohort has a readable image and a report ({left_out.summary()}).")
    texts, reports = distinct_texts(cohort, kept, salt, encoded)
    text_shards, truncated = _embed_texts(texts, encoder, out, settings, work)

    pairs = pairs_table(cohort, kept, reports, truncated, settings.keep)
    each = pairs.unique("report_hash")
    with whole_file(out / PAIRS) as temporary:
        write_parquet(pairs, temporary)
    with whole_file(out / LEFT_OUT) as temporary:
        rows = sorted(left_out.reasons)
        reasons = pl.Series("reason", [left_out.reasons[row] for row in rows], dtype=pl.String)
        write_csv(cohort.pairs.select("pair_id")[rows].with_columns(reasons), temporary)
    if encoder.heads is not None:
        save_heads(encoder.heads, out / HEADS)
    manifest = Manifest(
        **{name: getattr(beginning, name) for name in Beginning.__struct_fields__},
        patients_known=cohort.patients_known,
        counts=Counts(
            rows=len(cohort),
            pairs=len(pairs),
            studies=pairs["study_id"].n_unique(),
            patients=pairs["patient_id"].n_unique() if cohort.patients_known else None,
            reports=len(each),
            texts=len(texts),
            left_out=left_out.counts(),
            respelled=encoded.respelled,
        ),
        cut_share=None if settings.token_budget is None else float(each["cut"].to_numpy().mean()),
        truncated_share=float(each["truncated"].to_numpy().mean()),
        labels=cohort.labels,
        shards=Shards(image=tuple(image_shards), text=tuple(text_shards)),
        notes=cohort.notes,
    )
    write_record(out / MANIFEST, manifest)
    (out / PROGRESS).unlink()


def _embed_images(
    cohort: Cohort,
    encoder: Encoder,
    shards: Sequence[tuple[Path, NDArray[np.intp]]],
    settings: EmbedSettings,
    salt: str,
    left_out: LeftOut,
    work: Batches,
) -> list[int]:
    """Write the image shards that are missing; give the number of kept rows in every shard."""
    for file, _ in shards:
        if file.exists():
            left_out.add(read_left_out(file))
    todo = [(file, shard) for file, shard in shards if not file.exists()]
    batches = [batch for _, shard in todo for batch in _cut(shard, settings.batch)]
    paths = cohort.image_paths()
    encoded = work.images([[paths[row] for row in batch] for batch in batches], cohort.root)
    rows = sum(len(shard) for _, shard in shards)
    done = rows - sum(len(shard) for _, shard in todo)
    project = encoder.heads.embed_images if encoder.heads is not None else None
    with closing(encoded), progress(rows, "images", "images", done=done) as bar:
        for file, shard in todo:
            unusable: dict[int, str] = {}
            features, digests = [no_images(encoder.card)], []
            for batch in _cut(shard, settings.batch):
                part = next(encoded)
                unusable |= {int(batch[place]): reason for place, reason in part.unusable.items()}
                left_out.add(unusable)
                digests += part.digests
                if part.features is not None:
                    features.append(part.features)
                bar.update(len(batch))
            arrays = image_arrays(np.concatenate(features), project)
            write_shard(file, {**arrays, DIGESTS: salted(digests, salt)}, unusable)
    return [len(shard) - len(left_out.reasons.keys() & set(shard.tolist())) for _, shard in shards]


def _image_shards(
    out: Path, rows: NDArray[np.intp], settings: EmbedSettings
) -> Iterator[tuple[Path, NDArray[np.intp]]]:
    """Give the image shards of a pass, and the rows of the cohort that each is made of."""
    for index, shard in enumerate(_cut(rows, settings.shard_rows)):
        yield out / shard_name("image", index), shard


def _embed_texts(
    texts: list[str], encoder: Encoder, out: Path, settings: EmbedSettings, work: Batches
) -> tuple[list[int], NDArray[np.bool_]]:
    """Write the text shards that are missing; give the rows of every shard and the truncation flags."""
    project = encoder.heads.embed_texts if encoder.heads is not None else None
    flags: list[NDArray[np.bool_]] = []
    shards = list(_cut(texts, settings.shard_rows))
    missing = [shard for index, shard in enumerate(shards) if not (out / shard_name("text", index)).exists()]
    encoded = work.texts([batch for shard in missing for batch in _cut(shard, settings.batch)])
    with closing(encoded), progress(len(texts), "reports", "reports") as bar:
        for index, shard in enumerate(shards):
            file = out / shard_name("text", index)
            if file.exists():
                flags.append(_flags(file, len(shard)))
                bar.update(len(shard))
                continue
            features, truncated = [], []
            for batch in _cut(shard, settings.batch):
                part = next(encoded)
                features.append(part.features)
                truncated.append(part.truncated)
                bar.update(len(batch))
            flags.append(np.concatenate(truncated))
            write_shard(
                file, with_embeddings(np.concatenate(features), project) | {"truncated": flags[-1]}, {}
            )
    return [len(shard) for shard in shards], np.concatenate(flags)


def _flags(file: Path, rows: int) -> NDArray[np.bool_]:
    """Return which texts of a finished shard the model's own limit cut."""
    found = read_shard(file, ["truncated"]).get("truncated")
    if found is None or found.shape != (rows,) or found.dtype != np.bool_:
        raise InputError(f"{file} is not what this pass would have written; {ANEW}.")
    return found


def _cut(items: Sequence[Any] | NDArray[Any], size: int) -> Iterator[Any]:
    return (items[start : start + size] for start in range(0, len(items), size))
