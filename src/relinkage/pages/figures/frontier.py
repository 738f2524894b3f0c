"""The frontier: how much linkage each kind of heads leaves, against what it is still useful for."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from relinkage.defences.result import STRONGEST, DefenceCohort, DefencesResult
from relinkage.pages.defences import MEASURES, Measure, judged, linked, search_title, use_of
from relinkage.pages.figures.canvas import SMALL, Figure, Sheet, colour, drawn, log_ticks
from relinkage.pages.wording import bare_percent, interval, percent

_LEGEND, _LINE = 256, 20
_BOTTOM = 46
_ROLES = {"published": "series-1", "hardened": "series-2", "rotation": "alert"}


@dataclass(frozen=True)
class Point:
    """One kind of heads: usefulness across, linkage upwards.

    Attributes:
        number: that it has in the picture.
        title: what it is called beside the picture.
        use: its usefulness.
        use_ends: the interval of that.
        cosine: Recall@1 by plain cosine, where a stronger attacker is shown; drawn open.
        strongest: Recall@1, drawn filled.
        ends: the interval of that.
        role: a colour of the palette.
    """

    number: int
    title: str
    use: float
    use_ends: tuple[float, float]
    cosine: float | None
    strongest: float
    ends: tuple[float, float]
    role: str


def frontier_figures(result: DefencesResult, cohort: DefenceCohort, prefix: str) -> list[Figure]:
    """Draw Recall@1 against each measure of usefulness that at least two rows have.

    Args:
        result: the content of `defences.json`.
        cohort: one of its cohorts.
        prefix: starts the figures' keys; unique on the page.
    """
    figures = []
    for measure in MEASURES:
        points = _points(result, cohort, measure)
        if len(points) > 1:
            figures.append(
                _figure(points, measure, cohort, f"{prefix}-{'-'.join(part for part in measure if part)}")
            )
    return figures


def _points(result: DefencesResult, cohort: DefenceCohort, measure: Measure) -> list[Point]:
    points = []
    for number, (row, figures) in enumerate(judged(result, cohort), 1):
        use, cosine, most = (
            use_of(figures, measure),
            linked(figures, "cosine", cohort.searches[0]),
            linked(figures, STRONGEST, cohort.searches[0]),
        )
        if use is None or most is None:
            continue
        points.append(
            Point(
                number,
                row.title,
                use.measured.value,
                (use.measured.low, use.measured.high),
                None if cosine is None else cosine.recall.value,
                most.recall.value,
                (most.recall.low, most.recall.high),
                _ROLES.get(row.key, "muted"),
            )
        )
    return points


def _figure(points: Sequence[Point], measure: Measure, cohort: DefenceCohort, key: str) -> Figure:
    first, second = points[:2]
    takeaway = (
        f"{first.title}: the strongest attacker links {percent(first.strongest)} at {percent(first.use)}; "
        f"{second.title.lower()}: {percent(second.strongest)} at {percent(second.use)}. Lower and further "
        f"right is better; linkage is {search_title(cohort.searches[0])}. A filled dot is the strongest "
        "attacker, an open one plain cosine; a long line "
        "between them is protection that realigning undoes."
    )
    return frontier_figure(
        key,
        MEASURES[measure],
        1 / cohort.searches[0].pool,
        points,
        takeaway,
        ("Heads", "Usefulness", "Interval", "Recall@1, cosine", "Strongest attacker", "Interval"),
        tuple(
            (
                f"{point.number} {point.title}",
                percent(point.use),
                interval(*point.use_ends),
                "–" if point.cosine is None else percent(point.cosine),
                percent(point.strongest),
                interval(*point.ends),
            )
            for point in points
        ),
    )


def frontier_figure(
    key: str,
    across: str,
    chance: float,
    points: Sequence[Point],
    takeaway: str,
    columns: tuple[str, ...],
    rows: tuple[tuple[str, ...], ...],
) -> Figure:
    """Draw Recall@1 on a logarithmic axis against usefulness.

    Args:
        key: of the figure, unique on the page.
        across: what usefulness is measured by.
        chance: Recall@1 of a scorer without knowledge.
        points: the kinds of heads, by their numbers.
        takeaway: what the picture says.
        columns: heads of the table of the same figures.
        rows: the table.
    """
    every = [value for point in points for value in (point.strongest, point.cosine, *point.ends) if value]
    low, high = max(min(*every, chance), chance / 4) / 1.6, min(max(*every, chance) * 1.6, 1.0)
    uses = [point.use for point in points]
    room = max(0.08 * (max(uses) - min(uses)), 0.002)
    legend = len(points) * _LINE + 26

    def paint(sheet: Sheet) -> None:
        below = legend if sheet.narrow else 0
        axes = sheet.axes(left=66, right=16 if sheet.narrow else _LEGEND, top=14, bottom=_BOTTOM + below)
        axes.set(yscale="log", ylim=(low, high), xlim=(min(uses) - room, max(uses) + room))
        axes.yaxis.set_major_locator(FixedLocator(log_ticks(low, high)))
        axes.yaxis.set_minor_locator(NullLocator())
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda share, _: bare_percent(round(share, 8))))
        axes.locator_params(axis="x", nbins=4 if sheet.narrow else 5)
        axes.set_xlabel(across, labelpad=8)
        axes.axhline(chance, color=colour("muted"), linewidth=1.2, linestyle=(0, (2, 2)))
        for point in points:
            ink = colour(point.role)
            top = max(point.strongest, low)
            if point.cosine is not None:
                floor = max(point.cosine, low)
                axes.plot([point.use] * 2, [floor, top], color=ink, linewidth=1.1, alpha=0.6)
                axes.plot(
                    point.use, floor, marker="o", markersize=7, color=colour("ground"),
                    markeredgecolor=ink, markeredgewidth=1.6, clip_on=False,
                )  # fmt: skip
            axes.plot(point.use, top, marker="o", markersize=8, color=ink, clip_on=False)
            axes.annotate(
                str(point.number), xy=(point.use, top), xytext=(7, 5), textcoords="offset points",
                fontsize=SMALL, color=ink, annotation_clip=False,
            )  # fmt: skip
        for line, point in enumerate(points):
            drop = -(_BOTTOM + 18 + line * _LINE) if sheet.narrow else -(8 + line * _LINE)
            axes.annotate(
                f"{point.number}  {point.title}", xy=(0 if sheet.narrow else 1, 0 if sheet.narrow else 1),
                xycoords="axes fraction", xytext=(0 if sheet.narrow else 22, drop),
                textcoords="offset points", va="center", fontsize=SMALL, color=colour(point.role),
                annotation_clip=False,
            )  # fmt: skip

    wide, narrow = drawn(key, (max(360, legend + 40), 320 + legend), paint)
    return Figure(
        key,
        f"Recall@1 against {across}",
        takeaway,
        f"Scatter plot, linkage on a logarithmic axis. {takeaway} The dashed line is chance.",
        wide,
        narrow,
        columns,
        rows,
    )
