"""A large question block by block, so that neither vectors nor time need be had all at once.

Blocks of vectors on disk are read as their turn comes. The answers add up; which blocks there are, who works
them out and in what order makes no difference to the sum.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from relinkage.linkage.engines import repeated
from relinkage.linkage.engines.kept import Kept, KeptPass
from relinkage.linkage.engines.portable import Portable
from relinkage.linkage.engines.question import Engine, Question, Tally
from relinkage.linkage.vectors import Vectors
from relinkage.progress import progress

BLOCK_NUMBERS = 2**25
"""Numbers of one side of a block: 128 MB in single precision."""
_MOST_ROWS = 2**18
_MOST_BLOCKS = 2**22
"""Beyond that many, blocks grow: the list of them is held in memory, some 500 bytes each."""
_LEAST_ROWS = 2**12
_WHOLE_TILES = 1024
_KeptOrNot = AbstractContextManager[KeptPass | None]


@dataclass(frozen=True)
class Block:
    """Some rows and some columns of a question; both slices have a start and an end."""

    rows: slice
    columns: slice

    @property
    def pairs(self) -> int:
        """How many comparisons it holds."""
        return (self.rows.stop - self.rows.start) * (self.columns.stop - self.columns.start)


class Runner(Protocol):
    """Who works out the blocks."""

    @property
    def name(self) -> str:
        """What `audit.json` calls the engine."""
        ...

    @property
    def numbers(self) -> int:
        """How many numbers one side of a block may have."""
        ...

    @property
    def fewest(self) -> int:
        """How many blocks a large question is cut into at least."""
        ...

    def run(
        self, question: Question, blocks: Iterable[Block], *, threads: int | None = None
    ) -> Iterator[tuple[Block, Tally]]:
        """Answer blocks, in any order."""
        ...


@dataclass(frozen=True)
class Local:
    """Blocks one after the other, by one engine in this process."""

    engine: Engine
    numbers: int = BLOCK_NUMBERS
    fewest: int = 1

    @property
    def name(self) -> str:
        """The engine's."""
        return self.engine.name

    def run(
        self, question: Question, blocks: Iterable[Block], *, threads: int | None = None
    ) -> Iterator[tuple[Block, Tally]]:
        """Answer blocks in order; see `Runner.run`."""
        rows, columns = _Side(question.rows), _Side(question.columns)
        for block in blocks:
            with _turn(question):
                part = question.part(block.rows, block.columns)
                part = replace(part, rows=rows.read(block.rows), columns=columns.read(block.columns))
                tally = repeated.count(self.engine, part, threads=threads)
            yield block, tally


@dataclass(frozen=True)
class InBlocks:
    """The engine that asks others block by block.

    Attributes:
        runner: who works out the blocks.
        kept: where finished blocks are kept until the run is done, or None.
    """

    runner: Runner
    kept: Kept | None = None

    @property
    def name(self) -> str:
        """The runner's."""
        return self.runner.name

    def count(self, question: Question, *, threads: int | None = None) -> Tally:
        """Answer a question; see `Engine.count`."""
        blocks = cut(question, self.runner.numbers, self.runner.fewest)
        total = Tally.zeros(question)
        with _kept(self.kept, question, blocks) as kept:
            done = kept.restore(total) if kept is not None else set()
            numbers = {_key(block): number for number, block in enumerate(blocks)}
            todo = [block for number, block in enumerate(blocks) if number not in done]
            pairs = sum(block.pairs for block in blocks)
            left = sum(block.pairs for block in todo)
            bar_of = progress(pairs, "linking", "pairs", done=pairs - left, scale=True)
            with bar_of if len(blocks) > 1 else nullcontext() as bar:
                for block, tally in self.runner.run(question, todo, threads=threads):
                    total.add(tally, block.rows, block.columns)
                    if kept is not None:
                        kept.keep(numbers[_key(block)], tally, total, (block.rows, block.columns))
                    if bar is not None:
                        bar.update(block.pairs)
        return total


def in_blocks(engine: Engine | None = None, kept: Kept | None = None) -> InBlocks:
    """Let an engine be asked block by block.

    Args:
        engine: what counts; the portable one where not given.
        kept: where finished blocks are kept; where not given, as the engine has it.
    """
    made = engine if isinstance(engine, InBlocks) else InBlocks(Local(engine or Portable()))
    return made if kept is None else replace(made, kept=kept)


def cut(question: Question, numbers: int = BLOCK_NUMBERS, fewest: int = 1) -> list[Block]:
    """Cut a question into blocks: strip by strip of rows, and each strip by columns.

    Args:
        question: the question.
        numbers: numbers of one side of a block, at most.
        fewest: blocks at least, as long as none gets smaller than 4,096 rows or columns.
    """
    sizes = len(question.rows), len(question.columns)
    most = min(max(numbers // question.rows.dimension, _WHOLE_TILES), _MOST_ROWS)
    parts = [-(-size // most) for size in sizes]
    while parts[0] * parts[1] > _MOST_BLOCKS:
        parts = [-(-part // 2) for part in parts]
    while parts[0] * parts[1] < fewest:
        heights = [size / part for size, part in zip(sizes, parts, strict=True)]
        longer = heights.index(max(heights))
        if heights[longer] < 2 * _LEAST_ROWS:
            break
        parts[longer] *= 2
    rows, columns = (_strips(size, part) for size, part in zip(sizes, parts, strict=True))
    return [Block(row, column) for row in rows for column in columns]


def _strips(size: int, parts: int) -> list[slice]:
    height = -(-size // parts)
    if parts > 1:
        height = -(-height // _WHOLE_TILES) * _WHOLE_TILES
    return [slice(start, min(start + height, size)) for start in range(0, size, height)]


def _key(block: Block) -> tuple[int, int]:
    return block.rows.start, block.columns.start


class _Side:
    """One side of a question, whose last strip stays in memory while it is asked for."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors, self._at, self._read = vectors, (-1, -1), vectors

    def read(self, rows: slice) -> Vectors:
        if self._at != (rows.start, rows.stop):
            self._at, self._read = (rows.start, rows.stop), self._vectors[rows].read()
        return self._read


_reading = threading.Lock()


def _turn(question: Question) -> AbstractContextManager[object]:
    """Several passes may run side by side; blocks from disk are in memory one at a time."""
    return _reading if question.rows.stored or question.columns.stored else nullcontext()


def _kept(kept: Kept | None, question: Question, blocks: list[Block]) -> _KeptOrNot:
    if kept is None or len(blocks) < 2:
        return nullcontext()
    cuts = [(*_key(block), block.rows.stop, block.columns.stop) for block in blocks]
    return kept.opened(question, cuts)
