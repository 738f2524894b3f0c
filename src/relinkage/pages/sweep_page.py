"""The HTML page about a sweep: one file that opens with the network off and runs no script."""

from typing import Any

from relinkage import __version__
from relinkage.alignment.sweep_result import SweepFigure, SweepResult, SweptHeads
from relinkage.pages.defences import points, points_interval
from relinkage.pages.figures.canvas import Figure
from relinkage.pages.figures.frontier import Point, frontier_figure
from relinkage.pages.pages import page_environment
from relinkage.pages.palette import DARK, LIGHT
from relinkage.pages.sweep import SIDES, figure_of, measure_title, measures, sweep_facts
from relinkage.pages.wording import bare_percent, interval, one_line, percent


def render_sweep(sweep: SweepResult) -> str:
    """Give the page about a sweep.

    Args:
        sweep: the content of `sweep.json`.
    """
    environment = page_environment()
    return environment.get_template("sweep.html.j2").render(
        version=__version__,
        light=LIGHT,
        dark=DARK,
        title=one_line(sweep.model, 80),
        headline=_headline(sweep),
        facts=sweep_facts(sweep),
        baseline=one_line(sweep.baseline, 80).lower(),
        level=bare_percent(sweep.interval),
        figures=sweep_figures(sweep),
        measures=[_measure(sweep, measure, place) for place, measure in enumerate(measures(sweep))],
    )


def sweep_figures(sweep: SweepResult) -> list[Figure]:
    """Draw linkage against use: a point for each kind of heads."""
    return [figure for side in SIDES if len(sweep.rows) > 1 for figure in [_frontier(sweep, side)]]


def _frontier(sweep: SweepResult, side: str) -> Figure:
    recall, precision = _linkage(sweep), _precision(sweep)
    rows = [
        (row, figure_of(row, precision, side).measured, figure_of(row, recall, side)) for row in sweep.rows
    ]
    drawn = [
        Point(
            number,
            one_line(row.title, 40),
            use.value,
            (use.low, use.high),
            None,
            linked.measured.value,
            (linked.measured.low, linked.measured.high),
            "series-1" if number == 1 else "series-2" if row.privacy else "muted",
        )
        for number, (row, use, linked) in enumerate(rows, 1)
    ]
    least = min(drawn, key=lambda point: point.strongest)
    said = " ".join(side.split("-"))
    return frontier_figure(
        f"sweep-frontier-{side}",
        f"{measure_title(precision, sweep)}, {said}",
        rows[0][2].chance,
        drawn,
        f"{drawn[0].title} link {percent(drawn[0].strongest)} at {percent(drawn[0].use)}; least of all "
        f"{least.title} ({percent(least.strongest)} at {percent(least.use)}). Lower and further right is "
        f"better. Both from {said}, by plain cosine.",
        ("Heads", "Usefulness", "Interval", "Recall@1", "Interval"),
        tuple(
            (
                f"{point.number} {point.title}",
                percent(point.use),
                interval(*point.use_ends),
                percent(point.strongest),
                interval(*point.ends),
            )
            for point in drawn
        ),
    )


def _linkage(sweep: SweepResult) -> str:
    return next(measure for measure in measures(sweep) if measure.startswith("recall@"))


def _precision(sweep: SweepResult) -> str:
    return next(measure for measure in measures(sweep) if measure.startswith("precision@"))


def _headline(sweep: SweepResult) -> str:
    """Name the heads with the highest label precision in both directions together, and state both."""
    measure = _precision(sweep)
    values = [[figure_of(row, measure, side).measured.value for side in SIDES] for row in sweep.rows]
    best = max(range(len(values)), key=lambda row: sum(values[row]))
    return (
        f"{one_line(sweep.rows[best].title, 60)} have the highest {measure_title(measure, sweep)} over both "
        f"directions, {_both(values[best])}; {one_line(sweep.baseline, 60).lower()} have {_both(values[0])}."
    )


def _both(values: list[float]) -> str:
    return f"{percent(values[0])} from image to report and {percent(values[1])} from report to image"


def _measure(sweep: SweepResult, measure: str, place: int) -> dict[str, Any]:
    title = measure_title(measure, sweep)
    return {
        "id": f"measure-{place}",
        "title": title if title.startswith(("mAP", "nDCG")) else f"{title[0].upper()}{title[1:]}",
        "sides": [
            {
                "caption": f"{said.capitalize()}; chance "
                f"{percent(figure_of(sweep.rows[0], measure, side).chance)}",
                "rows": [_cells(row, figure_of(row, measure, side)) for row in sweep.rows],
            }
            for side, said in SIDES.items()
        ],
        "balance": [[one_line(row.title, 60), percent(row.balance[measure])] for row in sweep.rows],
    }


def _cells(row: SweptHeads, figure: SweepFigure) -> list[str]:
    value, spread = figure.measured, figure.seed_deviation
    return [
        one_line(row.title, 60),
        percent(value.value),
        interval(value.low, value.high),
        "–" if spread is None else percent(spread),
        points(figure.difference, bare=True),
        points_interval(figure.difference),
    ]
