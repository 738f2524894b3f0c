"""What a reader is asked, and what it finds; one reader a format, which the rest knows only by this."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from relinkage.cohorts.readers.on_disk import Survey
from relinkage.errors import InputError

Views = Literal["all", "frontal"]
Split = Literal["official", "random"]

LONGEST_REPORT = 1_000_000
"""Bytes; a radiology report has some thousands, and a file that claims more is damaged or a bomb."""


@dataclass(frozen=True)
class ReadOptions:
    """How a cohort is read. None means the format's own default.

    Attributes:
        section: which sections stand for the report, such as `findings+impression,last_paragraph`.
        views: `frontal` leaves out every row that is not known to be frontal.
        split: `official` is the data set's own, `random` a seeded one that no patient crosses.
        train: the share of patients that a random split gives to training, above 0 and below 1.
        seed: the seed of a random split.
        labels: which of the data set's label files.
        patients: MIMIC-IV's `patients.csv` or `.csv.gz`, for sex and age.
        reports: where the reports are, where not in the folder.
        root: the folder that image paths are relative to, where not the format's own.
        image_column: the column of images in a data set without fixed columns.
        check_images: look whether the image files are there.
    """

    section: str | None = None
    views: Views = "all"
    split: Split | None = None
    train: float = 0.8
    seed: int = 0
    labels: str | None = None
    patients: Path | None = None
    reports: Path | None = None
    root: Path | None = None
    image_column: str | None = None
    check_images: bool = True

    def refuse(self, format: str, *names: str) -> None:
        """Refuse options that a format has no use for.

        Raises:
            InputError: one of them is given.
        """
        for name in names:
            if getattr(self, name) is not None:
                raise InputError(
                    f"--{name.replace('_', '-')} says nothing to the format {format}; leave it out."
                )


@dataclass
class Found:
    """What a reader found: a row per image, not yet filtered.

    Attributes:
        table: strings in `pair_id`, `study_id`, `patient_id`, `image`, `report` (null where there is none,
            empty where it has no text in the sections asked for), optionally `text_from`, `view`,
            `frontal` (Boolean), `split`, `sex`, `age` (Float64), the labels, and `trouble`: why a row cannot
            be used.
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
