"""Embeddings: what an encoder left of a cohort, read back from its folder."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import ArrayLike, NDArray

from relinkage.cohorts.tabular import read_table
from relinkage.embeddings.arrays import LARGE
from relinkage.embeddings.grid import Grid, open_grid
from relinkage.embeddings.shards import Side, read_shard, shard_name, shard_shapes
from relinkage.embeddings.stored import Stored, choose, in_safetensors
from relinkage.embeddings.table import ADDED, IDS
from relinkage.encoders.heads import HeadPair, load_heads
from relinkage.errors import InputError
from relinkage.files import read_json

SCHEMA = "relinkage.embeddings/1"
MANIFEST, PROGRESS, PAIRS, HEADS, LEFT_OUT = (
    "manifest.json",
    "progress.json",
    "pairs.parquet",
    "heads.safetensors",
    "left_out.csv",
)
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Frozen features of the kept pairs of a cohort.

    Attributes:
        pairs: a row per pair: ids, split, view, sex, age, kept columns, labels, `report_hash`,
            `report_words` (both of the full report), `report_row` (the row of its text in the text
            arrays), `cut` (by the token budget) and `truncated` (by the model's own limit after that).
        image_features: float32, shape (pairs, image features); of a grid, the mean over its positions.
        text_features: float32, shape (distinct texts, text features).
        image_embeddings: unit vectors of the encoder's own heads, shape (pairs, embedding), or None.
        text_embeddings: likewise, shape (distinct texts, embedding).
        manifest: what made them.
        path: the folder they were read from.
        image_grid: where the image tower gives a grid of features, that grid, on disk.

    Arrays of features and embeddings are in memory, but for large ones that were asked to stay on disk: those
    are `Stored`, which gives rows when it is indexed.
    """

    pairs: pl.DataFrame
    image_features: Floats
    text_features: Floats
    image_embeddings: Floats | None
    text_embeddings: Floats | None
    manifest: dict[str, Any]
    path: Path
    image_grid: Grid | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the label columns."""
        return tuple(self.manifest["labels"])

    @property
    def token_budget(self) -> int | None:
        """Tokens of a report that the encoder was given at most, None where it was given all."""
        budget: int | None = self.manifest.get("settings", {}).get("token_budget")
        return budget

    @cached_property
    def heads(self) -> HeadPair | None:
        """The encoder's own heads, None where it has none.

        Raises:
            InputError: their file is missing or damaged.
        """
        return load_heads(self.path / HEADS) if self.image_embeddings is not None else None

    def select(self, rows: ArrayLike) -> "Embeddings":
        """Keep some pairs, and of the text arrays the rows that these pairs refer to.

        Args:
            rows: row numbers, or a bool for every row.
        """
        chosen = np.asarray(rows)
        chosen = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.intp)
        pairs = self.pairs[chosen]
        texts, places = np.unique(pairs["report_row"].to_numpy(), return_inverse=True)
        return replace(
            self,
            pairs=pairs.with_columns(pl.Series("report_row", places, dtype=pl.Int32)),
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
        inside = (self.pairs["split"] == name).fill_null(False)
        if not inside.any():
            splits = ", ".join(sorted(self.pairs["split"].drop_nulls().unique())) or "none"
            raise InputError(
                f"{self.path} has no pair in the split {name} (it has: {splits}); name one of them."
            )
        return self.select(inside.to_numpy())

    @torch.inference_mode()
    def project(self, heads: HeadPair, batch: int = 8192) -> tuple[Floats, Floats]:
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
        heads.eval()
        device = next(heads.parameters()).device
        sides = (
            (self._image_batches(heads, batch), heads.embed_images),
            (_batches(self.text_features, batch), heads.embed_texts),
        )
        images, texts = (
            np.concatenate([embed(torch.from_numpy(part).to(device)).cpu().numpy() for part in parts])
            for parts, embed in sides
        )
        return images, texts

    def _image_batches(self, heads: HeadPair, batch: int) -> Iterator[Floats]:
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
    return (features[start : start + size] for start in range(0, len(features), size))


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
    if not (path / MANIFEST).is_file():
        if (path / PROGRESS).is_file():
            raise InputError(
                f"{path} is unfinished; run `relinkage embed` again with the same cohort, model and --out, "
                "which resumes."
            )
        raise InputError(f"{path} is no embeddings folder; name one that `relinkage embed` wrote.")
    manifest = read_json(path / MANIFEST, "an embeddings manifest")
    schema = str(manifest.get("schema"))
    if schema.startswith("relinkage.") and not schema.startswith("relinkage.embeddings/"):
        raise InputError(f"{path} is no embeddings folder; name one that `relinkage embed` wrote.")
    if schema != SCHEMA:
        raise InputError(f"{path / MANIFEST} is not of the schema {SCHEMA}; embed the cohort again.")
    try:
        card, shards = manifest["encoder"], manifest["shards"]
        positions = card.get("image_positions")
        manifest["labels"] = [str(label) for label in manifest["labels"]]
        embedding = card["embedding"]
        side = _open_side if large_on_disk else _read_side
        images = side(path, "image", shards["image"], card["image_features"], embedding)
        texts = side(path, "text", shards["text"], card["text_features"], embedding)
        grid = open_grid(path, shards["image"], positions, card["image_features"]) if positions else None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{path / MANIFEST} is damaged; embed the cohort again.") from None
    pairs = _read_pairs(path / PAIRS, len(images["features"]), len(texts["features"]))
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


def _read_side(
    path: Path, side: Side, rows: list[int], features: int, embedding: int | None
) -> dict[str, Floats]:
    widths = _widths(features, embedding)
    arrays = {name: np.empty((sum(rows), width), np.float32) for name, width in widths.items()}
    start = 0
    for index, count in enumerate(rows):
        file = path / shard_name(side, index)
        shard = read_shard(file, arrays)
        for name, target in arrays.items():
            part = shard.get(name)
            if part is None or part.shape != (count, target.shape[1]) or part.dtype != np.float32:
                raise InputError(
                    f"{file} does not hold the {name} that the manifest states; embed the cohort again."
                )
            if not np.isfinite(part).all():
                raise InputError(f"{file} holds NaN or infinity among its {name}; embed the cohort again.")
            target[start : start + count] = part
        start += count
    return arrays


def _open_side(
    path: Path, side: Side, rows: list[int], features: int, embedding: int | None
) -> dict[str, Any]:
    """Do what `_read_side` does, but leave arrays on disk where one of them is large."""
    widths = _widths(features, embedding)
    if sum(rows) * max(widths.values()) * 4 < LARGE:
        return _read_side(path, side, rows, features, embedding)
    files = [path / shard_name(side, index) for index in range(len(rows))]
    for file, count in zip(files, rows, strict=True):
        shapes = shard_shapes(file)
        for name, width in widths.items():
            if shapes.get(name) != ("F32", [count, width]):
                raise InputError(
                    f"{file} does not hold the {name} that the manifest states; embed the cohort again."
                )
    opened: dict[str, Any] = {}
    for name, width in widths.items():
        found = [in_safetensors(file, name) for file, count in zip(files, rows, strict=True) if count]
        pieces = [piece for stored in found if stored is not None for piece in stored.pieces]
        opened[name] = Stored(tuple(pieces), width, "<f4")
    return opened


def _widths(features: int, embedding: int | None) -> dict[str, int]:
    return {"features": features} | ({"embeddings": embedding} if embedding is not None else {})


def _read_pairs(path: Path, images: int, texts: int) -> pl.DataFrame:
    pairs = read_table(path)
    if "cut" not in pairs.columns:  # as before there were token budgets
        pairs = pairs.with_columns(cut=pl.lit(False))
    lacking = [column for column in (*IDS, "split", *ADDED) if column not in pairs.columns]
    if lacking:
        raise InputError(f"{path} lacks the column {lacking[0]}; embed the cohort again.")
    if len(pairs) != images or not pairs["report_row"].is_between(0, texts - 1).all():
        raise InputError(
            f"{path} does not fit its shards ({len(pairs)} rows, {images} images, {texts} reports); "
            "embed the cohort again."
        )
    return pairs
