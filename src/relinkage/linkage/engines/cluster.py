"""Blocks as tasks of Ray: on all cores of this machine, or on those of a cluster.

Ray places the tasks, moves what they need and repeats those that a worker took down with it. A task gets
vectors by reference: those on disk as file and rows, read where the task runs, those in memory as shards that
are put into Ray's object store once. Counts are added up as they come.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from relinkage.cluster import Connection, Held, connect
from relinkage.linkage.engines.blocks import Block, InBlocks
from relinkage.linkage.engines.question import Question, Tally
from relinkage.linkage.vectors import Vectors

_NUMBERS = 2**23
"""Numbers of one side of a block: a task needs some 200 MB, and there may be one for each core."""
_FEWEST = 64
"""Blocks of a large question, whatever the cluster, so that a run killed on one resumes on another."""


@dataclass(frozen=True)
class Cluster:
    """Who works out blocks: the workers of a Ray.

    Attributes:
        address: `ray` for a Ray of this machine alone, or `ray://HOST:PORT`.
        engine: the engine that each worker uses, as `choose` knows it.
        numbers: see `Runner`.
        fewest: see `Runner`.
    """

    address: str = "ray"
    engine: str = "auto"
    numbers: int = _NUMBERS
    fewest: int = _FEWEST

    name: str = field(default="ray", init=False)

    def run(
        self, question: Question, blocks: Iterable[Block], *, threads: int | None = None
    ) -> Iterator[tuple[Block, Tally]]:
        """Answer blocks as workers finish them; see `Runner.run`.

        Args:
            question: the question.
            blocks: which of its blocks.
            threads: cores that a task takes; 1 where not given.

        Raises:
            InputError: Ray is not installed or cannot be reached, or a task fails whatever worker has it.
        """
        ray = connect(self.address)
        cores = threads or 1
        shards = _Shards(ray, question)
        waiting = iter(blocks)
        under_way: dict[int, Block] = {}
        room = max(2 * (ray.cores // cores), 2)
        try:
            while True:
                for block in _some(waiting, room - len(under_way)):
                    rows, columns = shards.rows(block.rows), shards.columns(block.columns)
                    rest = _without_vectors(question, block)
                    task = ray.submit(count_block, rows, columns, rest, self.engine, cores, cores=cores)
                    under_way[task] = block
                if not under_way:
                    return
                done, tally = ray.wait(under_way)
                yield under_way.pop(done), tally
        finally:
            ray.cancel(under_way)
            shards.forget()


def over_ray(address: str) -> InBlocks:
    """Give the engine that counts on the workers of a Ray.

    Args:
        address: `ray` or `ray://HOST:PORT`.

    Raises:
        InputError: Ray is not installed or cannot be reached.
    """
    connect(address)
    return InBlocks(Cluster(address))


def count_block(rows: Vectors, columns: Vectors, rest: Question, engine: str, threads: int) -> Tally:
    """Answer a block where a worker runs: read the vectors, count.

    Args:
        rows: the block's rows, in memory or on disk.
        columns: its columns, likewise.
        rest: the block's question; its vectors are left away.
        engine: the name of the engine.
        threads: threads to use.
    """
    from relinkage.linkage.engines import choose, repeated

    question = replace(rest, rows=rows.read(), columns=columns.read())
    return repeated.count(choose(engine), question, threads=threads)


class _Shards:
    """The rows and columns of blocks as Ray holds them; one that is done with is let go."""

    def __init__(self, ray: Connection, question: Question) -> None:
        self._ray, self._question = ray, question
        self._rows: dict[tuple[int, int], Held] = {}
        self._columns: dict[tuple[int, int], Held] = {}

    def rows(self, part: slice) -> Held:
        key = part.start, part.stop
        if key not in self._rows:
            self._forget(self._rows)  # Ray keeps what a task that is under way still needs
            self._rows[key] = self._ray.put(self._question.rows[part])
        return self._rows[key]

    def columns(self, part: slice) -> Held:
        key = part.start, part.stop
        if key not in self._columns:
            self._columns[key] = self._ray.put(self._question.columns[part])
        return self._columns[key]

    def forget(self) -> None:
        self._forget(self._rows)
        self._forget(self._columns)

    def _forget(self, some: dict[tuple[int, int], Held]) -> None:
        while some:
            self._ray.forget(some.popitem()[1])


def _without_vectors(question: Question, block: Block) -> Question:
    part = question.part(block.rows, block.columns)
    nothing = part.rows[0:0]
    return replace(part, rows=nothing, columns=nothing)


def _some(blocks: Iterator[Block], most: int) -> Iterator[Block]:
    for _ in range(most):
        block = next(blocks, None)
        if block is None:
            return
        yield block
