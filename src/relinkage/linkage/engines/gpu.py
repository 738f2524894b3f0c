"""The engine that runs on a CUDA device: half-precision tiles that never leave the matrix units' registers.

`gpu_sides` brings vectors to the device and proves the bands, `gpu_kernels` counts. This file cuts a question
into panels that fit the device, panels into launches, and adds up what comes back.
"""

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from relinkage.errors import InputError
from relinkage.linkage.engines.gpu_sides import Side, bands, bring, bytes_each, product_bound, steps, upload
from relinkage.linkage.engines.question import Mates, Question, Tally
from relinkage.linkage.scores import TIE
from relinkage.linkage.vectors import Vectors
from relinkage.progress import progress

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """How the work is cut. Any choice gives the same counts; `python -m bench.gpu` compares some.

    Attributes:
        rows: rows of a tile, a power of two from 16 on.
        columns: columns of a tile, likewise.
        tiles: tiles a program takes.
        warps: groups of 32 threads a program has.
        stages: loads that are under way while a tile is multiplied.
        panel: bytes of device memory for each side's vectors.
        flags: bytes of device memory for the flags of a launch.
        listed: undecided pairs there is room for, 8 bytes each.
    """

    rows: int = 128
    columns: int = 128
    tiles: int = 16
    warps: int = 8
    stages: int = 2
    panel: int = 2**30
    flags: int = 2**25
    listed: int = 2**25


def missing() -> str | None:
    """Say in one sentence why the engine cannot run here; None where it can."""
    if importlib.util.find_spec("triton") is None:
        return "The GPU engine needs triton; install relinkage[gpu]."
    if not torch.cuda.is_available():
        return "The GPU engine needs a CUDA device, and torch sees none; use --engine cpu."
    if torch.cuda.get_device_capability() < (8, 0):
        return "The GPU engine needs a CUDA device of compute capability 8.0 or later; use --engine cpu."
    return None


class Gpu:
    """Matrix products on a CUDA device in half precision, counted before they are stored."""

    name = "gpu"

    def __init__(self, device: str = "cuda", shape: Shape | None = None) -> None:
        """Make an engine.

        Args:
            device: where it runs; "cpu" only where triton interprets its kernels, for tests.
            shape: how the work is cut.

        Raises:
            InputError: triton or the device is missing, or the device's products are less accurate than
                the bands allow for.
        """
        reason = None if device == "cpu" else missing()
        if reason:
            raise InputError(reason)
        from relinkage.linkage.engines import gpu_kernels

        self._device, self._shape, self._kernels = torch.device(device), shape or Shape(), gpu_kernels
        if not accurate(self._kernels, self._device):
            raise InputError(
                "This device adds up half-precision products less accurately than the GPU engine's bound "
                "allows for; use --engine cpu."
            )

    def count(self, question: Question, *, threads: int | None = None) -> Tally:
        """Answer a question; see `Engine.count`. Columns that ask are served by a pass of their own."""
        tally, order = Tally.zeros(question), np.arange(len(question.rows))
        if question.depths > 1:
            order = _by_run(question)
            question = _sorted_rows(question, order)
        ways = 1 if question.column_mates is None else 2
        with progress(ways * len(question.rows) * len(question.columns), "linking", "pairs") as bar:
            tally.above[:, order], tally.ties[:, order] = self._one_way(question, bar.update)
            if question.column_mates is not None:
                tally.column_above[:], tally.column_ties[:] = self._one_way(_turned(question), bar.update)
        return tally

    def _one_way(self, question: Question, done: Callable[[int], object]) -> tuple[Ints, Ints]:
        """Let the rows ask: above and ties by depth, int64, shape (depths, rows) each.

        `done` is told how many pairs have been counted.
        """
        above, ties = np.zeros((2, question.depths, len(question.rows)), np.int64)
        row_centre, column_centre = question.centres
        for some in _parts(question.columns, self._shape.panel):
            columns = bring(
                question.columns[some], column_centre, row_centre, self._device, self._shape.columns
            )
            for who in _parts(question.rows, self._shape.panel):
                rows = bring(question.rows[who], row_centre, column_centre, self._device, self._shape.rows)
                panel = _Panel(self._kernels, self._shape, question.part(who, some), rows, columns)
                panel.count(done)
                above[:, who] += _by_depth(panel.above)
                ties[:, who] += _by_depth(panel.ties)
        return above, ties


class _Panel:
    """Rows and columns that are on the device, what is asked of them, and the counts so far."""

    def __init__(
        self, kernels: ModuleType, shape: Shape, question: Question, rows: Side, columns: Side
    ) -> None:
        device, mates = rows.given.device, question.mates
        self._kernels, self._shape = kernels, shape
        self._rows, self._columns = rows, columns
        self._levels = len(question.starts)
        self._starts, self._ends = upload(question.starts, device).int(), upload(question.ends, device).int()
        self._extents = _extents(self._starts, self._ends, shape.rows)
        score = upload(mates.score, device)
        row_centre, column_centre = question.centres
        self._bands = bands(rows, columns, score, float(row_centre @ column_centre))
        self._mates = upload(mates.place, device), upload(mates.identity, device)
        self._edges = score - TIE, score + TIE
        counts = torch.zeros((2, self._levels + 1, len(rows)), dtype=torch.int32, device=device)
        self.above, self.ties = counts
        width, depth = steps(rows.given.shape[1])
        self._constants = {
            "LEVELS": self._levels, "WIDTH": width, "DEPTH": depth, "COLUMNS": shape.columns,
        }  # fmt: skip
        room = max(1, shape.listed // shape.columns) * shape.columns
        self._pairs = [torch.empty(room, dtype=torch.int32, device=device) for _ in range(2)]

    def count(self, done: Callable[[int], object]) -> None:
        """Count all rows against all columns, as many rows a launch as there is room for flags."""
        shape, n, m = self._shape, len(self._rows), len(self._columns)
        tiles = -(-m // shape.columns)
        rows_a_launch = max(1, shape.flags // (tiles * shape.rows)) * shape.rows
        for start in range(0, n, rows_a_launch):
            rows = min(rows_a_launch, n - start)
            flags = torch.empty((tiles, rows), dtype=torch.int8, device=self._rows.given.device)
            programs = -(-rows // shape.rows) * -(-tiles // shape.tiles)
            self._kernels.count_tiles[(programs,)](
                *self._operands(), self._extents, self.above, flags, start, rows, n, m,
                **self._constants, ROWS=shape.rows, TILES=shape.tiles,
                num_warps=shape.warps, num_stages=shape.stages,
            )  # fmt: skip
            self._judge(flags, start)
            done(rows * m)

    def _judge(self, flags: Tensor, start: int) -> None:
        """Count the flagged rows of each tile: list what is undecided, as much as fits, and settle it."""
        n, m, d = len(self._rows), len(self._columns), self._rows.given.shape[1]
        flagged = (flags.nonzero()[:, 1] + start).int()
        of_tile = torch.zeros(len(flags) + 1, dtype=torch.int32, device=flags.device)
        of_tile[1:] = flags.sum(dim=1, dtype=torch.int32).cumsum(0)
        places = len(self._pairs[0]) // self._shape.columns
        for first in range(0, len(flagged), places):
            length = torch.zeros(1, dtype=torch.int32, device=flags.device)
            last = min(first + places, len(flagged))
            self._kernels.list_tiles[(len(flags),)](
                *self._operands(), self._columns.identity, *self._mates, self._starts, self._ends,
                self.above, self.ties, flagged, of_tile, first, last, length,
                *self._pairs, n, m, **self._constants, ROWS=min(64, self._shape.rows),
                num_warps=8, num_stages=1,
            )  # fmt: skip
            rows, columns = self._rows, self._columns
            programs = min(-(-(last - first) * self._shape.columns // 128), _PROGRAMS)
            self._kernels.settle[(programs,)](
                *self._pairs, length, rows.given, rows.inverse_norm,
                columns.given, columns.inverse_norm, *self._edges,
                self._starts, self._ends, self.above, self.ties, n, d,
                LEVELS=self._levels, PAIRS=128, num_warps=4, enable_fp_fusion=False,
            )  # fmt: skip

    def _operands(self) -> tuple[Tensor, ...]:
        return (self._rows.halves, self._columns.halves, *self._bands)


_PROGRAMS = 2**12
"""Programs that share a list of pairs: more than any device runs at once."""


def _by_run(question: Question) -> Ints:
    """Sort rows by their runs, coarse to fine, so that neighbours share tiles."""
    keys = [edge for level in zip(question.starts, question.ends, strict=True) for edge in level]
    return np.lexsort(keys[::-1])


def _sorted_rows(question: Question, order: Ints) -> Question:
    """Put the rows in another order; the answer to the columns stays."""
    mates, asking = question.mates, question.column_mates
    place = np.full(len(order) + 1, -1)  # the last is for -1, elsewhere
    place[order] = np.arange(len(order))
    return replace(
        question,
        rows=question.rows.take(order),
        mates=Mates(mates.place[order], mates.identity[order], mates.score[order]),
        column_mates=None if asking is None else replace(asking, place=place[asking.place]),
        starts=question.starts[:, order],
        ends=question.ends[:, order],
    )


def _turned(question: Question) -> Question:
    """Let the columns ask; the rows are sorted by their runs.

    A row lies in the stratum of a column where the column lies in the stratum of the row. At one level runs
    are equal or apart, so both their ends ascend with the rows, and the rows of a column are a run too.
    """
    if (np.diff(question.starts) < 0).any() or (np.diff(question.ends) < 0).any():
        raise ValueError("strata must be nested, and equal or apart at each level")
    assert question.column_mates is not None
    columns = np.arange(len(question.columns))
    starts, ends = np.empty((2, len(question.starts), len(columns)), np.int64)
    for level in range(len(starts)):
        starts[level] = np.searchsorted(question.ends[level], columns, "right")
        ends[level] = np.searchsorted(question.starts[level], columns, "right")
    return Question(
        rows=question.columns,
        columns=question.rows,
        mates=question.column_mates,
        column_mates=None,
        starts=starts,
        ends=ends,
        centres=question.centres[::-1],
    )


def _parts(vectors: Vectors, budget: int) -> Iterator[slice]:
    """Cut vectors into panels that take at most `budget` bytes on the device."""
    size = max(1, budget // bytes_each(vectors))
    for start in range(0, len(vectors), size):
        yield slice(start, min(start + size, len(vectors)))


def _extents(starts: Tensor, ends: Tensor, rows: int) -> Tensor:
    """Give what runs in a block of rows have in common: int32, shape (levels, blocks, 4).

    The least start and the greatest end of those that hold a column, the greatest start and the least end.
    """
    far = torch.iinfo(torch.int32).max
    nothing = starts >= ends
    of_block = []
    for edge, least in ((starts.masked_fill(nothing, far), True), (ends.masked_fill(nothing, 0), False),
                        (starts, False), (ends, True)):  # fmt: skip
        padded = torch.nn.functional.pad(edge, (0, -edge.shape[1] % rows), value=far if least else 0)
        blocks = padded.view(len(edge), padded.shape[1] // rows, rows)
        of_block.append(blocks.amin(dim=2) if least else blocks.amax(dim=2))
    return torch.stack(of_block, dim=2).contiguous()


def _by_depth(by_level: Tensor) -> Ints:
    """Take from each level what lies in the next one: what is left has just this depth."""
    counts = by_level.cpu().numpy().astype(np.int64)
    counts[:-1] -= counts[1:].copy()
    return counts


def accurate(kernels: ModuleType, device: torch.device) -> bool:
    """Say whether a device's products keep to the bound that `gpu_sides` takes from the literature.

    One tile is multiplied whose rows and columns are hard to add up: a large term before or after many small
    ones, terms with all their bits set, terms that cancel, random terms. A device that adds with fewer than
    24 bits fails.
    """
    width, size = 64, 32
    random = np.random.default_rng(0)
    a = random.uniform(-1, 1, (size, width))
    a[0:8] = 2.0**-12 * (2 - 2.0**-10)
    a[np.arange(8), 8 * np.arange(8)] = 1
    a[8:16] = 1 + random.integers(1, 1024, (8, width)) * 2.0**-10
    a[16:24, ::2] = -a[16:24, 1::2]
    b = a[::-1].copy()
    b[-8:] = 1
    left, right = (torch.from_numpy(side).half().contiguous().to(device) for side in (a, b))
    out = torch.empty((size, size), dtype=torch.float32, device=device)
    kernels.multiply[(1,)](left, right, out, WIDTH=width, DEPTH=width, ROWS=size, COLUMNS=size)
    true = left.double() @ right.double().T
    bound = product_bound(width) * (left.double().abs() @ right.double().abs().T)
    return bool(((out.double() - true).abs() <= bound).all())
