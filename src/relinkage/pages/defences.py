"""What a person reads of a table of defences: its figures, and their words."""

from collections.abc import Iterator, Sequence
from statistics import stdev

from relinkage.defences.result import (
    DefenceCohort,
    DefenceFigures,
    DefenceRow,
    DefencesResult,
    LinkageRow,
    Search,
    UseRow,
)
from relinkage.linkage.estimates import Difference, RelativeChange
from relinkage.pages.wording import (
    count,
    counted,
    one_line,
    percent,
    signed_interval,
    signed_percent,
    signed_points,
)

MEASURES = {
    ("precision", "image-to-report"): "label precision of image to report",
    ("precision", "report-to-image"): "label precision of report to image",
    ("auroc", None): "macro AUROC of a linear probe on images",
    ("zero-shot", None): "macro AUROC of zero-shot labels",
}
"""Measures of use, by their names and who asks, in the order they are shown."""
Measure = tuple[str, str | None]


def judged(result: DefencesResult, cohort: DefenceCohort) -> Iterator[tuple[DefenceRow, DefenceFigures]]:
    """Go through the rows that have figures on a cohort: each row's description, and its figures."""
    for row in result.rows:
        if row.key in cohort.figures:
            yield row, cohort.figures[row.key]


def linked(figures: DefenceFigures, attacker: str, search: Search) -> LinkageRow | None:
    """Return the linkage figures of one attacker in one search, None where it was not run."""
    wanted = (attacker, search.direction, search.negatives, search.pool)
    return next(
        (
            found
            for found in figures.linkage
            if (found.attacker, found.direction, found.negatives, found.pool) == wanted
        ),
        None,
    )


def use_of(figures: DefenceFigures, measure: Measure) -> UseRow | None:
    """Return the figures of one measure of use, None where there are none."""
    return next((row for row in figures.use if (row.measure, row.direction) == measure), None)


def search_title(search: Search) -> str:
    """Say who asks and among whom: `image to report, among 100 with the same labels`."""
    asks, sought = search.direction.split("-to-")
    alike = " with the same labels" if search.negatives == "labels" else ""
    return f"{asks} to {sought}, among {count(search.pool)} {sought}s{alike}"


def cohort_title(cohort: DefenceCohort, place: int) -> str:
    """Name a cohort, the tested one or the one that the same heads were carried over to."""
    carried = "" if place == 0 else "Carried over to "
    return f"{carried}{one_line(cohort.name, 60)}"


def cohort_facts(cohort: DefenceCohort) -> str:
    """Say how large a cohort is, who is searched among, and what attackers know."""
    known = counted(cohort.auxiliary_pairs, "pair")
    patients = counted(cohort.auxiliary_patients, "other patient")
    return (
        f"{counted(cohort.pairs, 'image')} of {counted(cohort.patients, 'patient')}, "
        f"{counted(cohort.candidates, 'report')}; attackers know {known} of {patients}"
    )


def privacy_sentence(result: DefencesResult) -> str:
    """Give what the hardened heads state of themselves."""
    stated = result.inputs.hardened.privacy
    if stated is None:
        return "No differential privacy is stated for the hardened heads."
    return f"{stated.sentence[0].upper()}{stated.sentence[1:]}".rstrip(".") + "."


def matched_note(row: DefenceRow) -> str:
    """Say what a row is, and how a matched baseline was matched."""
    found, note = row.matched, row.note
    if found is None:
        return note
    what = {
        "both": "in one direction, with no less in the other",
        "image-to-report": "from image to report alone",
        "report-to-image": "from report to image alone",
    }[found.measure]
    setting = f"{row.knob} {found.setting:.3g}"
    reached, target = found.reached, found.target
    figures = (
        f"label precision {percent(reached.image_to_report)} / {percent(reached.report_to_image)} (image to "
        f"report / report to image), hardened {percent(target.image_to_report)} / "
        f"{percent(target.report_to_image)}"
    )
    if found.held:
        return f"{note} Matched {what} at {setting}: {figures}."
    return f"{note} No setting has the hardened use; the nearest is {setting}: {figures}."


def change(relative: RelativeChange | None, bare: bool = False) -> str:
    """Give a relative change with its interval in words, or without it; a dash where there is none."""
    if relative is None:
        return "–" if bare else "no change can be stated"
    said = signed_percent(relative.value)
    return said if bare else f"{said}, {change_interval(relative)}"


def change_interval(relative: RelativeChange | None) -> str:
    """Give the interval of a relative change, or a dash."""
    if relative is None or relative.low is None:
        return "–"
    low, high = relative.low, relative.high
    return f"{signed_percent(low)} or more" if high is None else signed_interval(low, high)


def points(difference: Difference | None, bare: bool = False) -> str:
    """Give a difference in percentage points, with its interval unless bare; a dash where there is none."""
    if difference is None:
        return "–"
    said = signed_points(difference.value)
    return said if bare else f"{said}, {points_interval(difference)}"


def points_interval(difference: Difference | None) -> str:
    """Give the interval of a difference in percentage points, or a dash."""
    if difference is None:
        return "–"
    return " to ".join(signed_points(end) for end in (difference.low, difference.high))


def deviation(trainings: Sequence[float]) -> str:
    """Return the standard deviation over trainings (n - 1) as a percentage, or a dash where there is one."""
    if len(trainings) < 2:
        return "–"
    found = stdev(trainings)
    return percent(found if found > 1e-9 else 0.0)


def lines(columns: Sequence[Sequence[str]]) -> str:
    """Set columns side by side, the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in zip(*columns, strict=True)
    )
