"""The engine that runs on a CUDA device: products of float16 vectors by torch, counted block by block.

`gpu_sides` brings vectors to the device and proves the bands. This file cuts a question into panels that fit
the device and panels into blocks, counts what lies clearly above, and settles the rest in float64.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from relinkage.errors import InputError
from relinkage.linkage.engines.gpu_sides import Side, bands, bring, bytes_each, product_bound, upload
from relinkage.linkage.engines.question import Mates, Question, Tally
from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.vectors import Vectors
from relinkage.progress import progress

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """How the work is cut. Any choice gives the same counts; `python -m bench.gpu` compares some.

    Attributes:
        rows: rows of a block.
        columns: columns of a block, which takes 6 bytes of device memory for each of its pairs.
        panel: bytes of device memory for each side's vectors.
        settled: pairs that are settled at a time, 16 bytes each for every dimension.
    """

    rows: int = 8192
    columns: int = 16_384
    panel: int = 2**30
    settled: int = 2**18


def missing() -> str | None:
    """Say in one sentence why the engine cannot run here; None where it can."""
    if not torch.cuda.is_available():
        return "The GPU engine needs a CUDA device, and torch sees none; use --engine cpu."
    if torch.cuda.get_device_capability() < (8, 0):
        return "The GPU engine needs a CUDA device of compute capability 8.0 or later; use --engine cpu."
    return None


class Gpu:
    """Matrix products on a CUDA device in half precision, and what they leave open in float64."""

    name = "gpu"

    def __init__(self, device: str = "cuda", shape: Shape | None = None) -> None:
        """Make an engine.

        Args:
            device: where it runs; "cpu" for tests of its arithmetic.
            shape: how the work is cut.

        Raises:
            InputError: the device is missing, or its products are less accurate than the bands allow for.
        """
        reason = None if device == "cpu" else missing()
        if reason:
            raise InputError(reason)
        self._device, self._shape = torch.device(device), shape or Shape()
        if not accurate(self._device):
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
                turned, _ = question.turned()
                tally.column_above[:], tally.column_ties[:] = self._one_way(turned, bar.update)
        return tally

    def _one_way(self, question: Question, done: Callable[[int], object]) -> tuple[Ints, Ints]:
        """Let the rows ask: above and ties by depth, int64, shape (depths, rows) each.

        `done` is told how many pairs have been counted.
        """
        above, ties = np.zeros((2, question.depths, len(question.rows)), np.int64)
        row_centre, column_centre = question.centres
        for some in _parts(question.columns, self._shape.panel):
            columns = bring(question.columns[some], column_centre, row_centre, self._device)
            for who in _parts(question.rows, self._shape.panel):
                rows = bring(question.rows[who], row_centre, column_centre, self._device)
                panel = _Panel(self._shape, question.part(who, some), rows, columns)
                panel.count(done)
                above[:, who] += _by_depth(panel.above)
                ties[:, who] += _by_depth(panel.ties)
        return above, ties


class _Panel:
    """Rows and columns that are on the device, what is asked of them, and the counts so far."""

    def __init__(self, shape: Shape, question: Question, rows: Side, columns: Side) -> None:
        device, mates = rows.given.device, question.mates
        self._shape, self._rows, self._columns = shape, rows, columns
        everything = np.zeros((1, len(rows)), np.int64)
        self._starts = upload(np.concatenate([everything, question.starts]), device)
        self._ends = upload(np.concatenate([everything + len(columns), question.ends]), device)
        self._score = upload(mates.score, device)
        row_centre, column_centre = question.centres
        self._shift, self._low, self._high = bands(
            rows, columns, self._score, float(row_centre @ column_centre)
        )
        self._place, self._identity = upload(mates.place, device), upload(mates.identity, device)
        counts = torch.zeros((2, len(self._starts), len(rows)), dtype=torch.int64, device=device)
        self.above, self.ties = counts

    def count(self, done: Callable[[int], object]) -> None:
        """Count all rows against all columns, block by block."""
        shape, n, m = self._shape, len(self._rows), len(self._columns)
        for top in range(0, n, shape.rows):
            for left in range(0, m, shape.columns):
                rows = slice(top, min(top + shape.rows, n))
                columns = slice(left, min(left + shape.columns, m))
                self._block(rows, columns)
                done((rows.stop - top) * (columns.stop - left))

    def _block(self, rows: slice, columns: slice) -> None:
        scores = products(self._rows.halves[rows], self._columns.halves[columns])
        scores += self._shift[columns]
        above = scores > self._high[rows, None]
        undecided = (scores >= self._low[rows, None]).logical_xor_(above)
        del scores
        for level in range(len(self._starts)):
            self.above[level, rows] += self._inside(above, level, rows, columns)
        for pairs in undecided.nonzero().split(self._shape.settled):
            self._settle(pairs[:, 0] + rows.start, pairs[:, 1] + columns.start)

    def _inside(self, above: Tensor, level: int, rows: slice, columns: slice) -> Tensor:
        """Count the columns above each row that lie in its stratum at a level: int64, shape (rows,)."""
        if level == 0:
            return above.sum(dim=1)
        starts, ends = (edge[level, rows] - columns.start for edge in (self._starts, self._ends))
        width = columns.stop - columns.start
        # Rows are sorted by their runs, so those of a block have few columns between them.
        held = (starts < ends) & (starts < width) & (ends > 0)
        if not bool(held.any()):
            return torch.zeros_like(starts)
        first, last = max(0, int(starts[held].min())), min(width, int(ends[held].max()))
        column = torch.arange(first, last, device=above.device)
        inside = (column >= starts[:, None]) & (column < ends[:, None])
        return inside.logical_and_(above[:, first:last]).sum(dim=1)

    def _settle(self, row: Tensor, column: Tensor) -> None:
        """Decide listed pairs in float64; the mate itself is not a distractor."""
        a, b = self._rows, self._columns
        cosine = (a.given[row].double() * b.given[column].double()).sum(dim=1)
        cosine *= a.inverse_norm[row] * b.inverse_norm[column]
        apart = cosine - self._score[row]
        alike = b.identity[column] == self._identity[row]
        other = column != self._place[row]
        above = other & ~alike & (apart > TIE)
        ties = other & (alike | (apart.abs() <= TIE))
        for level, (starts, ends) in enumerate(zip(self._starts, self._ends, strict=True)):
            inside = (starts[row] <= column) & (column < ends[row])
            for counts, counted in ((self.above, above), (self.ties, ties)):
                counts[level].index_add_(0, row, (inside & counted).long())


def products(left: Tensor, right: Tensor) -> Tensor:
    """Multiply float16 vectors and add up in single precision.

    Args:
        left: float16, shape (n, d).
        right: float16, shape (m, d).

    Returns:
        float32, shape (n, m).
    """
    if left.device.type == "cuda":
        return torch.mm(left, right.T, out_dtype=torch.float32)
    # By numpy: torch may be set to multiply float32 in bfloat16 on a processor.
    return torch.from_numpy(left.float().numpy() @ right.float().numpy().T)


def _by_run(question: Question) -> Ints:
    """Sort rows by their runs, coarse to fine, so that neighbours share columns."""
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


def _parts(vectors: Vectors, budget: int) -> Iterator[slice]:
    """Cut vectors into panels that take at most `budget` bytes on the device."""
    size = max(1, budget // bytes_each(vectors))
    for start in range(0, len(vectors), size):
        yield slice(start, min(start + size, len(vectors)))


def _by_depth(by_level: Tensor) -> Ints:
    """Take from each level what lies in the next one: what is left has just this depth."""
    counts = by_level.cpu().numpy().copy()
    counts[:-1] -= counts[1:].copy()
    return counts


def accurate(device: torch.device) -> bool:
    """Say whether a device's products keep to the bound that `gpu_sides` takes from the literature.

    Vectors are multiplied that are hard to add up: a large term before or after many small ones, terms with
    all their bits set, terms that cancel, random terms. A device that adds with fewer than 24 bits fails.
    """
    return all(_accurate(device, width) for width in (64, 512))


def _accurate(device: torch.device, width: int) -> bool:
    size = 32
    random = np.random.default_rng(0)
    a = random.uniform(-1, 1, (size, width))
    a[0:8] = 2.0**-12 * (2 - 2.0**-10)
    a[np.arange(8), 8 * np.arange(8)] = 1
    a[8:16] = 1 + random.integers(1, 1024, (8, width)) * 2.0**-10
    a[16:24, ::2] = -a[16:24, 1::2]
    b = a[::-1].copy()
    b[-8:] = 1
    left, right = (torch.from_numpy(side).half().contiguous().to(device) for side in (a, b))
    true = left.double() @ right.double().T
    bound = product_bound(width) * (left.double().abs() @ right.double().abs().T)
    return bool(((products(left, right).double() - true).abs() <= bound).all())
