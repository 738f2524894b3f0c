"""Grids of image features: read from their shards a few at a time, for all of them rarely fit into memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from relinkage.embeddings.shards import shard_name
from relinkage.errors import InputError

GRID = "grid"
"""The name of the array in a shard: float16, shape (rows, positions, channels)."""


@dataclass(frozen=True, eq=False)
class Grid:
    """The grids of the kept images of an embeddings folder, on disk.

    Attributes:
        files: the image shards.
        starts: int, shape (files,): the number of the first row of each.
        rows: int, shape (images,): row numbers over all shards, in the order of the pairs.
        shape: positions and channels of a grid.
    """

    files: tuple[Path, ...]
    starts: NDArray[np.intp]
    rows: NDArray[np.intp]
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, rows: NDArray[np.intp]) -> "Grid":
        """Keep some images, by their place among those that are kept now."""
        return replace(self, rows=self.rows[rows])

    def batches(self, size: int) -> Iterator[NDArray[np.float32]]:
        """Read the grids, `size` images at a time.

        Yields:
            float32, shape (size or fewer, positions, channels).

        Raises:
            InputError: a shard is damaged, or a grid holds NaN or infinity.
        """
        for start in range(0, len(self.rows), size):
            yield self._read(self.rows[start : start + size])

    def _read(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        out = np.empty((len(rows), *self.shape), np.float32)
        owner = np.searchsorted(self.starts, rows, side="right") - 1
        for number in np.unique(owner):
            file = self.files[number]
            try:
                with safe_open(file, "np") as shard:
                    grids = shard.get_slice(GRID)
                    for place in np.flatnonzero(owner == number):
                        row = int(rows[place] - self.starts[number])
                        out[place] = grids[row : row + 1][0]
            except (SafetensorError, OSError) as error:
                raise InputError(
                    f"{file} is damaged ({type(error).__name__}); copy the embeddings folder again, or embed "
                    "the cohort again."
                ) from None
            if not np.isfinite(out[owner == number]).all():
                raise InputError(
                    f"{file} holds NaN or infinity among its grids; check the weights of the model, "
                    "then embed the cohort again."
                )
        return out


def open_grid(folder: Path, rows: Sequence[int], positions: int, channels: int) -> Grid:
    """Find the grids of an embeddings folder and check their shapes, without reading them.

    Args:
        folder: the embeddings folder.
        rows: the number of kept rows in each image shard.
        positions: positions of a grid, as the manifest states.
        channels: channels of a grid.

    Raises:
        InputError: a shard holds no grids of that shape.
    """
    files = tuple(folder / shard_name("image", index) for index in range(len(rows)))
    for file, count in zip(files, rows, strict=True):
        try:
            with safe_open(file, "np") as shard:
                grids = shard.get_slice(GRID)
                found = (tuple(grids.get_shape()), grids.get_dtype())
        except (SafetensorError, OSError):
            found = ((), "")
        if found != ((count, positions, channels), "F16"):
            raise InputError(
                f"{file} does not hold the grids that the manifest states; embed the cohort again."
            )
    starts = np.cumsum([0, *rows])[:-1].astype(np.intp)
    return Grid(files, starts, np.arange(sum(rows), dtype=np.intp), (positions, channels))
