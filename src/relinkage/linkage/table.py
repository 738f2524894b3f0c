"""The linkage table: the narrow waist between the one pass over similarities and every figure of an audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.errors import InputError
from relinkage.files import whole_file
from relinkage.linkage.settings import Direction
from relinkage.tables import BROKEN, read_parquet, write_parquet

Ints = NDArray[np.int64]
ALL = "all"


@dataclass(frozen=True)
class Standing:
    """How each query's mate stands among one kind of distractors.

    Attributes:
        eligible: int64, shape (q,): eligible candidates, the mate included.
        above: int64, shape (q,): distractors that score above the mate.
        ties: int64, shape (q,): distractors that tie with it.
    """

    eligible: Ints
    above: Ints
    ties: Ints

    @property
    def expected_rank(self) -> NDArray[np.float64]:
        """The mate's rank among all eligible candidates, ties in expectation: 1 + b + t/2."""
        return 1 + self.above + self.ties / 2


@dataclass(frozen=True)
class LinkageTable:
    """A row per query of one direction.

    Attributes:
        direction: who asks.
        pair_id: shape (q,).
        patient: int64, shape (q,): a number per patient.
        mate_score: float64, shape (q,): cosine of the query and its mate.
        standings: by kind of distractors; "all" is always there.
    """

    direction: Direction
    pair_id: pl.Series
    patient: Ints
    mate_score: NDArray[np.float64]
    standings: Mapping[str, Standing]

    def __len__(self) -> int:
        return len(self.pair_id)


def table_frame(
    tables: Sequence[LinkageTable], risk: Sequence[NDArray[np.float64]] | None = None
) -> pl.DataFrame:
    """Return linkage tables as one data frame, a row per direction and query.

    The columns of "all" are `eligible`, `above`, `ties`; those of other distractors carry their name before.

    Args:
        tables: a linkage table per direction.
        risk: of each table's queries, float64, shape (q,), NaN where there is none; becomes a column `risk`.
    """
    frames = []
    for number, table in enumerate(tables):
        columns = {
            "direction": pl.repeat(table.direction, len(table), eager=True),
            "pair_id": table.pair_id,
            "patient": table.patient,
            "mate_score": table.mate_score,
        }
        for name, standing in table.standings.items():
            prefix = "" if name == ALL else f"{name}: "
            columns |= {
                f"{prefix}eligible": standing.eligible,
                f"{prefix}above": standing.above,
                f"{prefix}ties": standing.ties,
            }
        if risk is not None:
            columns["risk"] = pl.Series(risk[number]).fill_nan(None)
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames)


WARNING = (
    "A row per query says how surely an image can be linked to its report. It helps whoever wants to "
    "re-identify patients: keep it where the vectors are, and delete it when it is read."
)
"""What the file says of itself."""


def write_tables(
    tables: Sequence[LinkageTable], path: Path, risk: Sequence[NDArray[np.float64]] | None = None
) -> None:
    """Write `table_frame` as a Parquet file that nobody but its owner may read.

    Args:
        tables: as there.
        path: the file to write.
        risk: as there.
    """
    with whole_file(path, private=True) as temporary:
        write_parquet(table_frame(tables, risk), temporary, WARNING)


def read_tables(path: Path) -> list[LinkageTable]:
    """Read what `write_tables` wrote.

    Raises:
        InputError: the file is missing or holds no linkage table.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; audit again with --linkage, which writes it.")
    try:
        frame = read_parquet(path)
        return [_read(part) for part in frame.partition_by("direction", maintain_order=True)]
    except BROKEN:
        raise InputError(f"{path} cannot be read as a linkage table; run the audit again.") from None


def _read(frame: pl.DataFrame) -> LinkageTable:
    names = [c.removesuffix("eligible").removesuffix(": ") for c in frame.columns if c.endswith("eligible")]
    standings = {}
    for name in names:
        prefix = f"{name}: " if name else ""
        standings[name or ALL] = Standing(
            *(frame[f"{prefix}{column}"].to_numpy() for column in ("eligible", "above", "ties"))
        )
    return LinkageTable(
        frame["direction"][0],
        frame["pair_id"],
        frame["patient"].to_numpy(),
        frame["mate_score"].to_numpy(),
        standings,
    )
