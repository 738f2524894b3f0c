"""What a study is about: an embeddings folder, or arrays that somebody has, as one kind of thing."""

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from relinkage.cohorts.cells import ids, label_values
from relinkage.cohorts.splits import train_rows
from relinkage.cohorts.tabular import read_table
from relinkage.cohorts.unused import read_as_empty
from relinkage.embeddings import Embeddings, read_embeddings
from relinkage.embeddings.given import Given, as_matrix, not_finite
from relinkage.embeddings.manifest import CohortOrigin, Counts, Manifest, Shards, SplitOrigin
from relinkage.embeddings.settings import PassSettings
from relinkage.embeddings.stored import Matrix, fingerprint_of_rows
from relinkage.encoders.card import EncoderCard
from relinkage.errors import InputError
from relinkage.files import fingerprint, fingerprint_of
from relinkage.linkage import Links
from relinkage.linkage.columns import label_columns
from relinkage.linkage.notes import absent_ids
from relinkage.studies.pairs import table_of

if TYPE_CHECKING:  # heads bring torch, which audits of arrays do without
    from relinkage.alignment import Heads

ARRAYS = "arrays"
"""The encoder of arrays that somebody gave: nothing is known of it."""


def open(path: str | PathLike[str], *, split: str | None = None, large_on_disk: bool = False) -> Embeddings:
    """Read an embeddings folder that `relinkage embed` wrote.

    Args:
        path: the folder.
        split: keep the pairs of this split only.
        large_on_disk: leave large arrays on disk and read their rows as they are needed.

    Raises:
        InputError: the folder is unfinished or none of ours, a file is missing or damaged, or no pair is in
            the split.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import relinkage as rl
        >>> from relinkage.cohorts.phantom import phantom_cohort
        >>> from relinkage.embeddings import embed
        >>> from relinkage.encoders import load_encoder
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cohort = phantom_cohort(Path(folder) / "cohort", pairs=30)
        ...     made = embed(cohort, load_encoder("phantom:general"), Path(folder) / "emb")
        ...     embeddings = rl.open(Path(folder) / "emb")
        >>> len(embeddings)
        30
    """
    embeddings = read_embeddings(Path(path), large_on_disk=large_on_disk)
    return embeddings if split is None else embeddings.split(split)


def embeddings_of(
    images: Any,
    reports: Any = None,
    pairs: Any = None,
    *,
    names: tuple[str, str, str] = ("images", "reports", "pairs"),
    large_on_disk: bool = False,
) -> Embeddings:
    """Return whatever somebody gave as embeddings: a folder, or two arrays and who belongs to whom.

    Args:
        images: `Embeddings`, or the path of an embeddings folder, and then nothing else; or an array
            (images, d) as `as_matrix` takes it.
        reports: an array (reports, d).
        pairs: `Pairs`, or a data frame with its columns, a row per image; row i of one array belongs to row i
            of the other where it is not given.
        names: how messages call the arrays and the table.
        large_on_disk: as in `open`.

    Returns:
        Embeddings. Those of arrays have no heads of their own; where both arrays are equally wide, they are
        embeddings and features at once, else features alone.

    Raises:
        InputError: something cannot be read or does not fit.
    """
    if isinstance(images, Embeddings | str | PathLike) and reports is None:
        if pairs is not None:
            raise InputError(f"{names[2]} does not go with an embeddings folder; give one or the other.")
        return images if isinstance(images, Embeddings) else open(images, large_on_disk=large_on_disk)
    if reports is None:
        raise InputError(f"There are {names[0]} and no {names[1]}; give both, or an embeddings folder.")
    names = (_called(images, names[0]), _called(reports, names[1]), _called(pairs, names[2]))
    image_side, report_side = (
        as_matrix(array, name, large_on_disk=large_on_disk)
        for array, name in ((images, names[0]), (reports, names[1]))
    )
    return _of_arrays(image_side, report_side, _table(pairs), names, large_on_disk)


def links_of(embeddings: Embeddings) -> tuple[Links, np.ndarray[Any, np.dtype[np.intp]]]:
    """Return who belongs to whom, and for each report row that the links count its row among the texts.

    Raises:
        InputError: the pairs contradict each other.
    """
    pairs, given = embeddings.pairs, embeddings.given
    if "candidate" in pairs.columns:
        rows = np.arange(len(embeddings.text_features))
    else:
        rows = pairs["report_row"].to_numpy().astype(np.intp)
    source = str(embeddings.path / "pairs.parquet") if given is None else given.pairs or "The table of pairs"
    known = embeddings.patients_known
    return Links.from_pairs(pairs, len(pairs), len(rows), source, patients_known=known), rows


def heads_of(heads: "Heads | str | PathLike[str] | None") -> "Heads | None":
    """Return heads that somebody gave as they are, or by their folder; a statement they make is checked.

    Raises:
        InputError: they cannot be read.
    """
    if not isinstance(heads, str | PathLike):
        return heads
    from relinkage.privacy import read_stated_heads

    return read_stated_heads(Path(heads))


def in_training(embeddings: Embeddings, train: str) -> Embeddings:
    """Return embeddings with a split to train on: arrays without one are all of them trained on."""
    if "split" in embeddings.pairs.columns:
        return embeddings
    return replace(embeddings, pairs=embeddings.pairs.with_columns(split=pl.lit(train)))


def split_by(embeddings: Embeddings, column: str, train: float, seed: int) -> Embeddings:
    """Return the embeddings with a split (train, test) that no value of a column crosses.

    Args:
        embeddings: those of arrays; a split they have is replaced.
        column: the column whose values stay together.
        train: the share of its values that go to training, on average.
        seed: the key of the draw.

    Raises:
        InputError: there is no such column, or it has a single value.
    """
    rows = train_rows(embeddings.pairs, by=column, train=train, seed=seed)
    split = pl.Series("split", np.where(rows, "train", "test"))
    return replace(embeddings, pairs=embeddings.pairs.with_columns(split))


def _of_arrays(
    images: Matrix,
    reports: Matrix,
    table: pl.DataFrame | None,
    names: tuple[str, str, str],
    large_on_disk: bool,
) -> Embeddings:
    links = (
        Links.row_by_row(len(images), len(reports))
        if table is None
        else Links.from_pairs(table, len(images), len(reports), names[2])
    )
    labels = label_columns(links.pairs)
    pairs = _with_ids(links)
    pairs = pairs.with_columns(label_values(pairs[label])[0].alias(label) for label in labels)
    one_space = images.shape[1] == reports.shape[1]
    prints = fingerprint_of_rows(images), fingerprint_of_rows(reports), _fingerprint(links.pairs)
    texts = len(np.unique(links.report_row))
    manifest = Manifest(
        cohort=CohortOrigin(name=ARRAYS, fingerprint=fingerprint(*(each.encode() for each in prints))),
        encoder=EncoderCard(
            id=ARRAYS,
            revision="not known",
            licence="not stated",
            preprocessing="not known",
            image_features=int(images.shape[1]),
            text_features=int(reports.shape[1]),
            embedding=None,
            token_limit=None,
        ),
        settings=PassSettings(),
        split=SplitOrigin(column="split" if "split" in pairs.columns else None),
        versions={},
        patients_known=links.patients_known,
        counts=Counts(
            rows=len(pairs),
            pairs=len(pairs),
            studies=links.studies,
            patients=links.patients if links.patients_known else None,
            reports=texts,
            texts=texts,
            left_out={},
        ),
        truncated_share=0.0,
        labels=labels,
        shards=Shards(image=(len(images),), text=(len(reports),)),
        notes=(*absent_ids(links), *read_as_empty(links.pairs, labels)),
    )
    return Embeddings(
        pairs,
        _features(images, names[0], large_on_disk),
        _features(reports, names[1], large_on_disk),
        images if one_space else None,  # type: ignore[arg-type]
        reports if one_space else None,  # type: ignore[arg-type]
        manifest,
        Path(names[0]),
        given=Given(
            names[0], names[1], None if table is None else names[2], prints, tuple(links.pairs.columns)
        ),
    )


def _with_ids(links: Links) -> pl.DataFrame:
    """Return the table with all ids that embeddings have, as texts; a study stands for an unknown patient."""
    pairs = links.pairs
    numbered = {"study_id": links.study, "patient_id": links.patient}
    added: list[pl.Expr | pl.Series] = [pl.col("pair_id").cast(pl.String)]
    for column, numbers in numbered.items():
        own = pl.Series(column, numbers).cast(pl.String)
        if column in pairs.columns:
            told, _ = ids(pairs[column])
            own = told.zip_with(told.is_not_null(), "row's own " + own)
        added.append(own.alias(column))
    if "split" in pairs.columns:
        added.append(pl.col("split").cast(pl.String))
    added.append(pl.Series("report_row", links.report_row, dtype=pl.Int32))
    return pairs.with_columns(added)


def _features(matrix: Matrix, name: str, large_on_disk: bool) -> Any:
    """Return vectors as features: float32 and finite, but for those that stay on disk."""
    if large_on_disk:
        return matrix
    features = np.ascontiguousarray(matrix[:], np.float32)
    odd = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(odd):
        raise not_finite(name, len(odd), len(features), int(odd[0]))
    return features


def _called(given: Any, name: str) -> str:
    """Return what messages call what somebody gave: its file, or else its name."""
    return str(given) if isinstance(given, str | PathLike) else name


def _table(pairs: Any) -> pl.DataFrame | None:
    return read_table(Path(pairs)) if isinstance(pairs, str | PathLike) else table_of(pairs)


def _fingerprint(table: pl.DataFrame) -> str:
    """Return the fingerprint of a table's content: names of columns and cells, as texts."""
    parts = (
        "\x1f".join([name, *("" if cell is None else str(cell) for cell in table[name].to_list())])
        for name in table.columns
    )
    return fingerprint_of(part.encode("utf-8", "surrogatepass") for part in parts)
