"""A run folder: what an audit leaves for machines and for people."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relinkage.files import whole_folder
from relinkage.linkage import Measurement, write_tables
from relinkage.linkage.result import SCHEMA
from relinkage.linkage.risk import query_risk
from relinkage.linkage.settings import FULL
from relinkage.records import write_record
from relinkage.reports import render_card, render_report, write_figures
from relinkage.studies.audits.places import AUDIT, CARD, FIGURES, REPORT, TABLES


def write_run(audit: Measurement, out: Path) -> Path:
    """Write `audit.json`, `linkage.parquet`, `report.html`, `card.md` and `figures/`, all or nothing.

    Args:
        audit: the audit.
        out: the folder to write; an earlier run there is replaced.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    with whole_folder(out, AUDIT, SCHEMA) as folder:
        write_record(folder / AUDIT, audit.result)
        write_tables(audit.tables, folder / TABLES, _risk(audit))
        (folder / REPORT).write_text(render_report([audit.result]), encoding="utf-8")
        (folder / CARD).write_text(render_card([audit.result]), encoding="utf-8")
        write_figures([audit.result], folder / FIGURES)
    return out


def _risk(audit: Measurement) -> list[NDArray[np.float64]]:
    """Give the risk of each table's queries at the pool that the audit states it at."""
    return [
        query_risk(table, FULL if row.full else row.pool)
        for table, row in zip(audit.tables, audit.result.risk, strict=True)
    ]
