"""What a reader is asked, and what it finds; one reader a format, which the rest knows only by this."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from relinkage.cohorts.readers.on_disk import Survey
from relinkage.cohorts.readers.settings import ReadOptions

LONGEST_REPORT = 1_000_000
"""Bytes; a radiology report has some thousands, and a file that claims more is damaged or a bomb."""


@dataclass
class Found:
    """What a reader found: a row per image, not yet filtered.

    Attributes:
        table: strings in `pair_id`, `study_id`, `image`, `report` (null where there is none,
            empty where it has no text in the sections asked for), optionally `patient_id`, `text_from`,
            `view`, `frontal` (Boolean), `split`, `sex`, `age` (Float64), the labels, and `trouble`: why a row
            cannot be used.
        root: the folder that image paths are relative to.
        labels: the label columns.
        places: folders below `root` that images may lie in, tried in order; only where `listed`.
        listed: whether image files can be looked for (not inside containers).
        pictured: whether a folder for images is there at all; a tree of tables alone is read without.
        read: what was read, in numbers by name.
        dropped: what the reader left out before there was a row, in numbers by reason.
        notes: what a person has to know.
    """

    table: pl.DataFrame
    root: Path
    labels: tuple[str, ...] = ()
    places: tuple[str, ...] = ("",)
    listed: bool = True
    pictured: bool = True
    read: dict[str, int] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Format:
    """One layout of a data set on disk.

    Attributes:
        name: what `--format` calls it.
        title: what people call it.
        marks: what it is known by, for messages.
        fits: whether a survey of a folder (or of a file's folder) shows the layout.
        read: reads it.
    """

    name: str
    title: str
    marks: str
    fits: Callable[[Survey], bool]
    read: Callable[[Survey, ReadOptions], Found]
