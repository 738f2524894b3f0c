"""Embeddings: what an encoder left of a cohort, read back from its folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from relinkage.cohorts.tabular import read_table
from relinkage.embeddings.arrays import LARGE
from relinkage.embeddings.given import Given, no_shared_space
from relinkage.embeddings.grid import Grid, open_grid
from relinkage.embeddings.manifest import HEADS, MANIFEST, PAIRS, Manifest, read_manifest
from relinkage.embeddings.shards import WHOLE, Side, heads_widths, read_shard, shard_name, shard_shapes
from relinkage.embeddings.stored import Stored, choose, in_safetensors
from relinkage.embeddings.table import ADDED, IDS
from relinkage.encoders.card import EncoderCard
from relinkage.errors import InputError
from relinkage.printing import known_of

if TYPE_CHECKING:  # heads bring torch, which audits of arrays do without
    from relinkage.encoders.heads import HeadPair

Floats = NDArray[np.float32]
Arrays = dict[str, Any]

SPLITS = ("train", "valid", "validate", "validation", "val", "dev", "test")
"""What splits are called; other names may be those of wards or of patients."""

_KINDS = {
    **dict.fromkeys((*IDS, "split", "report_hash"), (pl.String,)),
    **dict.fromkeys(("report_words", "report_row"), (pl.Int32, pl.Int64)),
    **dict.fromkeys(("cut", "truncated"), (pl.Boolean,)),
}


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Frozen features of the kept pairs of a cohort.

    Attributes:
        pairs: a row per pair: ids (where patients are not known, a study's id stands for its patient's),
            split, view, sex, age, kept columns, labels, `report_hash`, `report_words` (both of the full
            report), `report_row` (the row of its text in the text arrays), `cut` (by the token budget) and
            `truncated` (by the model's own limit after that). Of arrays that were given, `report_row` alone
            is sure to be there, and `candidate` where it was given.
        image_features: float32, shape (pairs, image features); of a grid, the mean over its positions.
        text_features: float32, shape (distinct texts, text features).
        image_embeddings: unit vectors of the encoder's own heads, shape (pairs, embedding), or None.
        text_embeddings: likewise, shape (distinct texts, embedding).
        manifest: what made them.
        path: the folder they were read from; of arrays, what messages call them.
        image_grid: where the image tower gives a grid of features, that grid, on disk.
        given: how the arrays are called, where no encoder of ours made them and there is no folder.

    Arrays of features and embeddings are in memory, but for large ones that were asked to stay on disk: those
    are `Stored`, which gives rows when it is indexed.
    """

    pairs: pl.DataFrame
    image_features: Floats
    text_features: Floats
    image_embeddings: Floats | None
    text_embeddings: Floats | None
    manifest: Manifest
    path: Path
    image_grid: Grid | None = None
    given: Given | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def name(self) -> str:
        """What results call them: the name of their folder, or of the array of the images."""
        return self.path.resolve().name if self.given is None else Path(self.given.images).name

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the label columns."""
        return self.manifest.labels

    @property
    def patients_known(self) -> bool:
        """Whether the cohort says which studies are of one patient; where not, each counts as one."""
        return self.manifest.patients_known

    @property
    def token_budget(self) -> int | None:
        """Tokens of a report that the encoder was given at most, None where it was given all."""
        return self.manifest.settings.token_budget

    @cached_property
    def heads(self) -> "HeadPair | None":
        """The encoder's own heads, None where it has none.

        Raises:
            InputError: their file is missing or damaged.
        """
        if self.manifest.encoder.embedding is None:
            return None
        from relinkage.encoders.heads import load_heads

        return load_heads(self.path / HEADS)

    def select(self, rows: ArrayLike) -> "Embeddings":
        """Keep some pairs, and of the text arrays the rows that these pairs refer to.

        Args:
            rows: row numbers, or a bool for every row.
        """
        chosen = np.asarray(rows)
        chosen = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.intp)
        pairs = self.pairs[chosen]
        texts, places = np.unique(pairs["report_row"].to_numpy(), return_inverse=True)
        renumbered = [pl.Series(name, places, dtype=pl.Int32) for name in ("report_row", "candidate")]
        return replace(
            self,
            pairs=pairs.with_columns(row for row in renumbered if row.name in pairs.columns),
            image_features=choose(self.image_features, chosen),
            text_features=choose(self.text_features, texts),
            image_embeddings=None if self.image_embeddings is None else choose(self.image_embeddings, chosen),
            text_embeddings=None if self.text_embeddings is None else choose(self.text_embeddings, texts),
            image_grid=None if self.image_grid is None else self.image_grid.select(chosen),
        )

    def split(self, name: str) -> "Embeddings":
        """Keep the pairs of one split.

        Raises:
            InputError: no pair is in that split.
        """
        if "split" not in self.pairs.columns:
            raise InputError(
                f"{self.path} comes without a column split in its table of pairs, so there is no split "
                f"{name}; add the column, or leave the split out."
            )
        inside = (self.pairs["split"] == name).fill_null(False)
        if not inside.any():
            splits = known_of(sorted(self.pairs["split"].drop_nulls().unique()), SPLITS)
            raise InputError(
                f"{self.path} has no pair in the split {name} (it has: {splits}); name one of its splits."
            )
        return self.select(inside.to_numpy())

    def shared_space(self) -> tuple[Floats, Floats]:
        """Return the vectors that both sides share without trained heads: of the images, of distinct texts.

        Raises:
            InputError: the two sides share no space.
        """
        if self.image_embeddings is not None and self.text_embeddings is not None:
            return self.image_embeddings, self.text_embeddings
        if self.given is not None:
            widths = self.image_features.shape[1], self.text_features.shape[1]
            raise no_shared_space((self.given.images, self.given.reports), widths)
        raise InputError(
            f"{self.path} holds the features of towers that share no space; train heads first "
            f"(`relinkage align {self.path} --out HEADS`) and name them with --heads HEADS."
        )

    def project(self, heads: "HeadPair", batch: int = 8192) -> tuple[Floats, Floats]:
        """Project the features through heads.

        Args:
            heads: an image head and a text head that fit these features; they are put in evaluation mode.
            batch: rows projected at a time.

        Returns:
            float32 unit vectors of the images, shape (pairs, embedding), and of the distinct reports.

        Raises:
            InputError: the heads were made for features of another width, or need a grid of features where
                there are only pooled ones.
        """
        wanted = (heads.image_spec.features, heads.text_spec.features)
        found = (self.image_features.shape[1], self.text_features.shape[1])
        if wanted != found:
            raise InputError(
                f"The heads take image and text features of {wanted[0]} and {wanted[1]} dimensions, "
                f"{self.path} has {found[0]} and {found[1]}; train heads on these embeddings with "
                "`relinkage align`."
            )
        import torch

        heads.eval()
        device = next(heads.parameters()).device
        sides = (
            (self._image_batches(heads, batch), heads.embed_images),
            (_batches(self.text_features, batch), heads.embed_texts),
        )
        with torch.inference_mode():
            images, texts = (
                np.concatenate([embed(torch.from_numpy(part).to(device)).cpu().numpy() for part in parts])
                for parts, embed in sides
            )
        return images, texts

    def _image_batches(self, heads: "HeadPair", batch: int) -> Iterator[Floats]:
        if heads.image_spec.kind != "grid":
            return _batches(self.image_features, batch)
        if self.image_grid is None:
            raise InputError(
                f"The image head needs the grid of image features and {self.path} holds pooled ones, one "
                "vector an image; embed the cohort with an encoder that keeps the grid, or name other heads."
            )
        # A grid is a few hundred times the size of a pooled vector.
        return self.image_grid.batches(max(batch // self.image_grid.shape[0], 1))


def _batches(features: Floats, size: int) -> Iterator[Floats]:
    starts = range(0, len(features), size)
    return (np.asarray(features[start : start + size], np.float32) for start in starts)


def read_embeddings(path: str | Path, *, large_on_disk: bool = False) -> Embeddings:
    """Read an embeddings folder and check that it is whole.

    Args:
        path: the folder.
        large_on_disk: leave large arrays on disk. Whether their numbers are finite is then not looked at.

    Raises:
        InputError: the folder is unfinished or none of ours, or a file is missing, damaged, of the wrong
            shape or with NaN or infinity.
    """
    path = Path(path)
    manifest = read_manifest(path)
    card, shards = manifest.encoder, manifest.shards
    side = _open_side if large_on_disk else _read_side
    images = side(path, "image", shards.image, card.image_features, card)
    texts = side(path, "text", shards.text, card.text_features, card)
    grid = None
    if card.image_positions is not None:
        grid = open_grid(path, shards.image, card.image_positions, card.image_features)
    if card.embedding is not None:
        _check_heads(path / HEADS, card)
    shape = len(images["features"]), len(texts["features"])
    pairs = _read_pairs(path / PAIRS, *shape, manifest.patients_known)
    _check_labels(path, pairs, manifest.labels)
    return Embeddings(
        pairs,
        images["features"],
        texts["features"],
        images.get("embeddings"),
        texts.get("embeddings"),
        manifest,
        path,
        grid,
    )


def _read_side(path: Path, side: Side, rows: Sequence[int], features: int, card: EncoderCard) -> Arrays:
    files, widths = _checked(path, side, rows, features, card)
    arrays = {name: np.empty((sum(rows), width), np.float32) for name, width in widths.items()}
    start = 0
    for file, count in zip(files, rows, strict=True):
        shard = read_shard(file, arrays)
        for name, target in arrays.items():
            if not np.isfinite(shard[name]).all():
                raise InputError(
                    f"{file} holds NaN or infinity among its {name}; check the weights of the model, "
                    "then embed the cohort again."
                )
            target[start : start + count] = shard[name]
        start += count
    return arrays


def _open_side(path: Path, side: Side, rows: Sequence[int], features: int, card: EncoderCard) -> Arrays:
    """Do what `_read_side` does, but leave arrays on disk where one of them is large."""
    files, widths = _checked(path, side, rows, features, card)
    if sum(rows) * max(widths.values()) * 4 < LARGE:
        return _read_side(path, side, rows, features, card)
    opened: Arrays = {}
    for name, width in widths.items():
        found = [in_safetensors(file, name) for file, count in zip(files, rows, strict=True) if count]
        pieces = [piece for stored in found if stored is not None for piece in stored.pieces]
        opened[name] = Stored(tuple(pieces), width, "<f4")
    return opened


def _checked(
    path: Path, side: Side, rows: Sequence[int], features: int, card: EncoderCard
) -> tuple[list[Path], dict[str, int]]:
    """Return the shards of a side and the widths of their arrays, once each has what the manifest states."""
    widths = {"features": features} | ({} if card.embedding is None else {"embeddings": card.embedding})
    files = [path / shard_name(side, index) for index in range(len(rows))]
    for file, count in zip(files, rows, strict=True):
        shapes = shard_shapes(file)
        for name, width in widths.items():
            if shapes.get(name) != ("F32", [count, width]):
                raise InputError(
                    f"{file} does not hold the {name} that the manifest states; embed the cohort again."
                )
    return files, widths


def _read_pairs(path: Path, images: int, texts: int, patients_known: bool) -> pl.DataFrame:
    pairs = read_table(path)
    if not patients_known and "study_id" in pairs.columns:
        pairs = pairs.with_columns(patient_id=pl.col("study_id"))
    lacking = [column for column in (*IDS, "split", *ADDED) if column not in pairs.columns]
    if lacking:
        raise InputError(f"{path} lacks the column {lacking[0]}; embed the cohort again.")
    wrong = [column for column, kinds in _KINDS.items() if pairs.schema[column].base_type() not in kinds]
    if wrong:
        raise InputError(f"{path} has another column {wrong[0]} than was written; embed the cohort again.")
    if len(pairs) != images or not pairs["report_row"].is_between(0, texts - 1).fill_null(False).all():
        raise InputError(
            f"{path} does not fit its shards ({len(pairs)} rows, {images} images, {texts} reports); "
            "embed the cohort again."
        )
    return pairs


def _check_heads(file: Path, card: EncoderCard) -> None:
    """Check that the encoder's own heads are there, whole, and of the widths of its features."""
    if not file.is_file():
        raise InputError(f"{file} is missing; {WHOLE}.")
    image, text = heads_widths(file)
    if image != (card.image_features, card.embedding) or text != (card.text_features, card.embedding):
        raise InputError(f"{file} holds other heads than the manifest states; {WHOLE}.")


def _check_labels(path: Path, pairs: pl.DataFrame, labels: Sequence[str]) -> None:
    """Check that every label is a column of its own, of whole numbers."""
    taken = len(set(labels)) < len(labels) or {*labels} & {*IDS, *ADDED}
    if taken or not all(pairs.schema.get(label, pl.Null()).is_integer() for label in labels):
        raise InputError(
            f"{path / MANIFEST} names labels that {PAIRS} does not hold; embed the cohort again."
        )
