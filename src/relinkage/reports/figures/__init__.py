"""The figures of a report, one subject a module, as SVG that follows the page it stands in."""

from relinkage.reports.figures.canvas import Figure, standalone
from relinkage.reports.figures.controls import control_figure
from relinkage.reports.figures.ladder import ladder_figures
from relinkage.reports.figures.pools import pool_figures
from relinkage.reports.figures.ranks import rank_figure

__all__ = [
    "Figure",
    "control_figure",
    "ladder_figures",
    "pool_figures",
    "rank_figure",
    "standalone",
]
