"""What a plan will take, before it runs: sizes of what is read, and about how long and how much memory.

Times are those of docs/benchmarks.md scaled to what is there: an audit multiplies all pairs of vectors once,
an attack once for each attacker. Other machines may take a third or three times as long. How long a model
takes to encode is not known beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from relinkage.attackers.names import ATTACKERS
from relinkage.embeddings.manifest import read_manifest
from relinkage.errors import InputError
from relinkage.plans.plan import Plan, Stage
from relinkage.threads import available

_PAIRS_A_SECOND = 45e9
"""Numbers of pairs of vectors that one core takes a second, with `_OVERHEAD` more numbers a pair."""
_OVERHEAD = 60
_START_S, _START_GB = 3.0, 0.75
_COPIES = 10
"""Bytes that a number of the vectors takes: two and a half copies in single precision."""


@dataclass(frozen=True)
class Estimate:
    """What a stage will take.

    Attributes:
        sizes: what it reads, in words.
        seconds: about how long; None where that is not known beforehand.
        gigabytes: about how much memory; None likewise.
    """

    sizes: str
    seconds: float | None = None
    gigabytes: float | None = None


@dataclass(frozen=True)
class _Size:
    images: int
    reports: int
    width: int = 512
    known: bool = True


def estimate(plan: Plan) -> dict[str, Estimate]:
    """Return what each stage of a plan will take, by its name.

    Args:
        plan: the plan.
    """
    made: dict[str, _Size | None] = {}
    found = {}
    for stage in plan.stages:
        before = next((made[name] for name in stage.uses if made.get(name)), None)
        size = _size(stage) or before
        found[stage.name] = _of(stage, size)
        if stage.verb.name in ("phantom", "cohort", "embed"):
            made[stage.name] = size
    return found


def _of(stage: Stage, size: _Size | None) -> Estimate:
    if stage.verb.name in ("phantom", "embed") and size is not None:
        return Estimate(f"{size.images:,} pairs")
    if size is None:
        read = ", ".join(stage.uses) or ", ".join(path.name for path in stage.inputs)
        return Estimate(f"from {read}" if read else "")
    sizes = f"{size.images:,} images, {size.reports:,} reports, {size.width:,} numbers each"
    if stage.uses and not size.known:
        sizes = f"at most {size.images:,} pairs, taken to have {size.width:,} numbers"
    if stage.verb.name not in ("audit", "attack"):
        return Estimate(sizes)
    attackers = stage.option("attackers") or ("cosine",)
    passes = len(ATTACKERS) if "all" in attackers else len(attackers)
    passes *= 2 if stage.option("direction") == "both" else 1
    pairs = size.images * size.reports * (size.width + _OVERHEAD)
    return Estimate(
        sizes,
        _START_S + passes * (1 + pairs / (_PAIRS_A_SECOND * available())),
        _START_GB + _COPIES * (size.images + size.reports) * size.width / 1e9,
    )


def _size(stage: Stage) -> _Size | None:
    """Return how large what a stage reads is, as far as that is there and costs little to know."""
    if stage.verb.name == "phantom":
        pairs = int(stage.option("pairs"))
        return _Size(pairs, pairs, known=False)
    cohort = stage.option("cohort") or stage.option("path")
    if isinstance(cohort, Path) and cohort.is_file():
        return _of_table(cohort)
    embeddings, images, reports = (stage.option(name) for name in ("embeddings", "images", "reports"))
    if isinstance(embeddings, Path):
        return _of_folder(embeddings)
    sides = [_shape(side) for side in (images, reports) if isinstance(side, Path)]
    if len(sides) < 2 or sides[0] is None or sides[1] is None:
        return None
    return _Size(sides[0][0], sides[1][0], sides[0][1])


def _of_folder(path: Path) -> _Size | None:
    try:
        manifest = read_manifest(path)
    except InputError:
        return None  # a stage that is yet to run makes it, or it says so itself when it is read
    counts, encoder = manifest.counts, manifest.encoder
    return _Size(counts.pairs, counts.reports, encoder.embedding or encoder.image_features)


def _of_table(path: Path) -> _Size | None:
    import polars as pl

    from relinkage.tables import is_parquet, scan_csv, scan_parquet

    try:
        lazy = scan_parquet(path) if is_parquet(path) else scan_csv(path)
        rows = int(lazy.select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError):
        return None
    return _Size(rows, rows, known=False)


def _shape(path: Path) -> tuple[int, int] | None:
    if path.suffix != ".npy":
        return None
    import numpy as np

    try:
        shape = np.load(path, mmap_mode="r").shape
    except (OSError, ValueError):
        return None
    return (int(shape[0]), int(shape[1])) if len(shape) == 2 else None


def in_words(found: Mapping[str, Estimate], done: Mapping[str, bool]) -> list[tuple[str, str, str, str, str]]:
    """Return a row a stage: its name, whether it is done, sizes, time and memory.

    Args:
        found: what each stage takes.
        done: whether it is done.
    """
    return [
        (
            name,
            "done" if done[name] else "to run",
            told.sizes,
            "" if done[name] else "not known" if told.seconds is None else _time(told.seconds),
            "" if done[name] or told.gigabytes is None else f"about {told.gigabytes:.1f} GB",
        )
        for name, told in found.items()
    ]


def _time(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"about {seconds / length:.0f} {unit}"
    return f"about {seconds:.0f} s"
