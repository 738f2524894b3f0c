"""The figures of a report, one subject a module, as SVG that follows the page it stands in."""

from relinkage.reports.figures.canvas import Figure, standalone
from relinkage.reports.figures.comparison import comparison_figures
from relinkage.reports.figures.controls import control_figure
from relinkage.reports.figures.det import det_figure
from relinkage.reports.figures.entropy import entropy_figure
from relinkage.reports.figures.hardness import added, hardness_figure
from relinkage.reports.figures.ladder import ladder_figures
from relinkage.reports.figures.patients import exposed_figure, patients_figure
from relinkage.reports.figures.pools import pool_figures
from relinkage.reports.figures.ranks import rank_figure
from relinkage.reports.figures.targets import targets_figure
from relinkage.reports.figures.worth import worth_figure

__all__ = [
    "Figure",
    "added",
    "comparison_figures",
    "control_figure",
    "det_figure",
    "entropy_figure",
    "exposed_figure",
    "hardness_figure",
    "ladder_figures",
    "patients_figure",
    "pool_figures",
    "rank_figure",
    "standalone",
    "targets_figure",
    "worth_figure",
]
