"""Finished blocks of a long run, kept on disk until the run is done, so that a killed run can go on.

A folder belongs to one run: its key holds the fingerprints of all inputs and every choice. Inside, each pass
has a folder named by the digest of its question and of how it is cut. A block's counts are a file; now and
then the files are added up into one, so that they take no more room than a few dozen blocks.
"""

import contextlib
import json
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from relinkage.errors import InputError
from relinkage.files import (
    check_folder,
    fingerprint_of,
    read_json,
    whole_file,
    whole_folder,
    write_json,
)
from relinkage.leftovers import PARTIAL
from relinkage.linkage.engines.question import Question, Tally
from relinkage.progress import say

SCHEMA = "relinkage.partial/1"
_KEY, _SUM, _BLOCK = "key.json", "sum.safetensors", "block-*.safetensors"
_TOGETHER = 64
"""Files of single blocks that are added up into one, at least."""
_SUMS = 1024
"""Sums that are written in a pass, at most: each is as large as its answer."""
_COUNTS = ("above", "ties", "column_above", "column_ties")


class Kept:
    """The folder of one run.

    Args:
        out: what the run will write; the folder lies beside it as `.NAME.partial`.
        key: what tells this run from others, as JSON.

    Raises:
        InputError: something that relinkage did not write lies in the folder's place.
    """

    def __init__(self, out: Path, key: Mapping[str, Any]) -> None:
        self.folder = _beside(out)
        self._key = json.loads(json.dumps({"schema": SCHEMA, **key}))  # as it will be read back
        self._turn = threading.Lock()
        self._open: set[str] = set()
        check_folder(self.folder, _KEY, SCHEMA)
        if self.folder.is_dir():
            if self._is_same():
                say(f"{out}: finished blocks of an earlier run with the same inputs are taken over.")
            else:
                if any(self.folder.iterdir()):  # else a kill left it empty
                    say(f"{out}: an earlier run had other inputs or choices; what it began is removed.")
                _remove(self.folder)

    @staticmethod
    def discard(out: Path) -> None:
        """Remove the folder of a run that is done."""
        folder = _beside(out)
        if (folder / _KEY).is_file():
            with contextlib.suppress(OSError):
                _remove(folder)

    @contextmanager
    def opened(self, question: Question, cuts: Sequence[tuple[int, ...]]) -> "Iterator[KeptPass | None]":
        """Give the kept blocks of a pass; None where the same pass is under way at this moment.

        Args:
            question: the whole question.
            cuts: where its blocks begin and end.
        """
        name = digest(question, cuts)
        with self._turn:
            free = name not in self._open
            self._open.add(name)
        try:
            yield KeptPass(self, name, len(cuts)) if free else None
        finally:
            if free:
                self._open.discard(name)

    def place(self, name: str) -> Path:
        """Give the folder of a pass, made where it is missing."""
        with self._turn:
            if not (self.folder / _KEY).is_file():
                with whole_folder(self.folder, _KEY, SCHEMA) as made:  # so that it never lacks its key
                    write_json(made / _KEY, self._key)
        (self.folder / name).mkdir(exist_ok=True)
        return self.folder / name

    def _is_same(self) -> bool:
        try:
            return read_json(self.folder / _KEY, "the key of a run") == self._key
        except InputError:
            return False


class KeptPass:
    """The finished blocks of one pass."""

    def __init__(self, kept: Kept, name: str, blocks: int) -> None:
        self._kept, self._name = kept, name
        self._done = np.zeros(blocks, np.uint8)
        self._single: list[int] = []
        self._together = max(_TOGETHER, blocks // _SUMS)

    def restore(self, total: Tally) -> set[int]:
        """Add what is kept to an empty tally and give the numbers of its blocks."""
        folder = self._kept.folder / self._name
        whole = _load(folder / _SUM)
        if whole is not None and len(whole["done"]) == len(self._done):
            self._done[:] = whole["done"]
            for count in _COUNTS:
                getattr(total, count)[:] += whole.get(count, 0)
        for file in sorted(folder.glob(_BLOCK)):
            number, block = int(file.stem.partition("-")[2]), _load(file)
            if block is None or self._done[number]:  # damaged, or in the sum already
                file.unlink()
                continue
            rows, columns = (slice(*bounds) for bounds in block.pop("at").tolist())
            total.add(_wide(block), rows, columns)
            self._done[number] = 1
            self._single.append(number)
        return set(np.flatnonzero(self._done).tolist())

    def keep(self, number: int, tally: Tally, total: Tally, at: tuple[slice, slice]) -> None:
        """Keep a block.

        Args:
            number: the block's.
            tally: its counts.
            total: the sum of all blocks so far, this one included.
            at: its rows and columns.
        """
        folder = self._kept.place(self._name)
        self._done[number] = 1
        self._single.append(number)
        if len(self._single) < self._together:
            bounds = np.array([[part.start, part.stop] for part in at])
            _write(_file(folder, number), {"at": bounds, **_narrow(tally)})
            return
        _write(folder / _SUM, {"done": self._done, **_asked(total)})
        for one in self._single:
            _file(folder, one).unlink(missing_ok=True)
        self._single.clear()


def _beside(out: Path) -> Path:
    out = out.resolve()
    return out.with_name(f".{out.name}{PARTIAL}")


def _remove(folder: Path) -> None:
    """Remove a run's folder, its key last: whatever a kill leaves is known for what it is."""
    for inside in folder.iterdir():
        if inside.is_dir():
            shutil.rmtree(inside)
    shutil.rmtree(folder)


def digest(question: Question, cuts: Sequence[tuple[int, ...]]) -> str:
    """Tell a pass from others of the same run: what is asked, by whom, and how it is cut."""
    sides = [question.mates] if question.column_mates is None else [question.mates, question.column_mates]
    arrays: list[NDArray[Any]] = [np.array(cuts), question.starts, question.ends, *question.centres]
    arrays += [array for mates in sides for array in (mates.place, mates.identity, mates.score)]
    shapes = f"{len(question.rows)} {len(question.columns)} {[array.shape for array in arrays]}"
    return fingerprint_of([shapes.encode(), *(np.ascontiguousarray(array).data for array in arrays)])[7:39]


def _asked(tally: Tally) -> dict[str, NDArray[np.int64]]:
    """Give the counts that are kept: where columns ask nothing, nothing of them."""
    counts = {count: getattr(tally, count) for count in _COUNTS}
    return {name: array for name, array in counts.items() if not name.startswith("column") or array.any()}


def _narrow(tally: Tally) -> dict[str, NDArray[np.uint32]]:
    """A block has fewer than 2³² rows and columns."""
    return {name: array.astype(np.uint32) for name, array in _asked(tally).items()}


def _wide(block: Mapping[str, NDArray[Any]]) -> Tally:
    nothing = np.zeros((1, 1), np.int64)
    return Tally(*(block[count].astype(np.int64) if count in block else nothing for count in _COUNTS))


def _file(folder: Path, number: int) -> Path:
    return folder / f"block-{number:07d}.safetensors"


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with whole_file(path) as temporary:
        temporary.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def _load(path: Path) -> dict[str, NDArray[Any]] | None:
    """Read a file of counts; a damaged one is as good as none."""
    with contextlib.suppress(OSError, SafetensorError):
        return load(path.read_bytes())
    return None
