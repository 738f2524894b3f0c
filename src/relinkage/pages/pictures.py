"""The figures as SVG files of their own, for slides and papers."""

from collections.abc import Sequence
from pathlib import Path

from relinkage.files import whole_file
from relinkage.linkage.result import AuditResult
from relinkage.pages.figures import Figure, ladder_figures, standalone
from relinkage.pages.sections import SECTIONS


def write_figures(audits: Sequence[AuditResult], folder: Path) -> list[Path]:
    """Write every figure of the page, in the colours of paper.

    Args:
        audits: results, at least one.
        folder: where to; it is made where it is missing.

    Returns:
        The files, `run-1-closed_set-1-recall.svg` and so on.
    """
    figures: list[Figure] = ladder_figures(audits, "ladder") if len(audits) > 1 else []
    for number, audit in enumerate(audits, 1):
        for section in SECTIONS:
            view = section.view(audit, f"run-{number}-{section.key}") or {}
            figures += view.get("figures", [])
    paths = []
    for figure in figures:
        path = folder / f"{figure.key}.svg"
        with whole_file(path) as temporary:
            temporary.write_text(standalone(figure), encoding="utf-8")
        paths.append(path)
    return paths
