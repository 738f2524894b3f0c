"""What a person reads of a sweep: its table in the terminal."""

from collections.abc import Iterator

from relinkage.alignment.sweep_result import SweepFigure, SweepResult, SweptHeads
from relinkage.pages.wording import SPACE, bare_percent, count, counted, interval, one_line, percent

SIDES = {"image-to-report": "image → report", "report-to-image": "report → image"}
_NAME = 34


def measure_title(measure: str, sweep: SweepResult) -> str:
    """Say what a measure is called."""
    name, _, k = measure.partition("@")
    return {
        "recall": f"Recall@{k}, pool {count(sweep.pool)}",
        "precision": f"label precision@{k}",
        "ndcg": f"nDCG@{k}",
        "map": "mAP",
        "abnormal-auroc": "normal/abnormal AUROC",
    }[name]


def measures(sweep: SweepResult) -> list[str]:
    """List the measures in the order of the table."""
    return list(dict.fromkeys(figure.measure for figure in sweep.rows[0].figures))


def figure_of(row: SweptHeads, measure: str, side: str) -> SweepFigure:
    """Find one figure of a row."""
    return next(f for f in row.figures if (f.measure, f.direction) == (measure, side))


def sweep_facts(sweep: SweepResult) -> str:
    """Say what was judged on whom."""
    return (
        f"{counted(sweep.pairs, 'image')} of {counted(sweep.patients, 'patient')}, split "
        f"{one_line(sweep.split, 40)}; trained on {one_line(sweep.train, 40)}; intervals "
        f"{bare_percent(sweep.interval)} over patients, ± is the deviation over seeds"
    )


def sweep_table(sweep: SweepResult) -> str:
    """Give a sweep as lines of plain text: a block per measure, a line per kind of heads.

    Args:
        sweep: the content of `sweep.json`.
    """
    blocks = [f"{one_line(sweep.model, 60)}: {sweep_facts(sweep)}"]
    blocks += ["\n".join(_block(sweep, measure)) for measure in measures(sweep)]
    return "\n\n".join(blocks).replace(SPACE, " ")


def _block(sweep: SweepResult, measure: str) -> Iterator[str]:
    chances = [figure_of(sweep.rows[0], measure, side).chance for side in SIDES]
    heads = [f"{title} (chance {percent(c)})" for title, c in zip(SIDES.values(), chances, strict=True)]
    title = measure_title(measure, sweep)
    yield f"{title:<{_NAME}}  {heads[0]:<36}  {heads[1]:<36}  apart"
    for row in sweep.rows:
        cells = [cell(figure_of(row, measure, side)) for side in SIDES]
        yield (
            f"  {one_line(row.title, _NAME - 2):<{_NAME - 2}}  {cells[0]:<36}  {cells[1]:<36}  "
            f"{percent(row.balance[measure])}"
        )


def cell(figure: SweepFigure) -> str:
    """Give a figure with its interval and, of several trainings, their deviation."""
    value = figure.measured
    spread = figure.seed_deviation
    over = "" if spread is None else f" ± {percent(spread)}"
    return f"{percent(value.value)} ({interval(value.low, value.high)}){over}"
