"""What a person reads of a table of defences: its findings, its table in the terminal."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from relinkage.defences.result import (
    STRONGEST,
    DefenceCohort,
    DefenceFigures,
    DefenceRow,
    DefencesResult,
    LinkageRow,
)
from relinkage.linkage.estimates import Compared, Difference, Estimate, RelativeChange
from relinkage.reports.wording import (
    SPACE,
    bare_percent,
    count,
    counted,
    interval,
    one_line,
    percent,
    signed_interval,
    signed_percent,
)

Measure = Literal["auroc", "precision", "zero_shot"]
MEASURES: dict[Measure, str] = {
    "auroc": "macro AUROC of a linear probe on images",
    "precision": "label precision of image to report",
    "zero_shot": "macro AUROC of zero-shot labels",
}


def judged(result: DefencesResult, cohort: DefenceCohort) -> Iterator[tuple[DefenceRow, DefenceFigures]]:
    """Go through the rows that have figures on a cohort: each row's description, and its figures."""
    for row in result.rows:
        if row.key in cohort.figures:
            yield row, cohort.figures[row.key]


def linked(figures: DefenceFigures, attacker: str) -> LinkageRow | None:
    """Give the linkage figures of one attacker, None where it was not run."""
    return next((found for found in figures.linkage if found.attacker == attacker), None)


def usefulness(figures: DefenceFigures, measure: Measure) -> Compared | None:
    """Give the figures of one measure of usefulness, None where there are none."""
    found: Compared | None = getattr(figures, measure)
    return found


def cohort_title(cohort: DefenceCohort, place: int) -> str:
    """Name a cohort, the tested one or the one that the same heads were carried over to."""
    carried = "" if place == 0 else "Carried over to "
    return f"{carried}{one_line(cohort.name, 60)}"


def cohort_facts(cohort: DefenceCohort) -> str:
    """Say how large a cohort is, who is searched among, and what attackers know."""
    known = counted(cohort.auxiliary_pairs, "pair")
    patients = counted(cohort.auxiliary_patients, "other patient")
    return (
        f"{counted(cohort.pairs, 'image')} of {counted(cohort.patients, 'patient')}; Recall@1 in pools "
        f"of {count(cohort.pool)}, chance {bare_percent(1 / cohort.pool)}; attackers know {known} of "
        f"{patients}"
    )


def privacy_sentence(result: DefencesResult) -> str:
    """Give what the hardened heads state of themselves."""
    stated = result.inputs.hardened.privacy
    if stated is None:
        return "No differential privacy is stated for the hardened heads."
    return f"{stated.sentence[0].upper()}{stated.sentence[1:]}".rstrip(".") + "."


def findings(result: DefencesResult, cohort: DefenceCohort) -> list[str]:
    """Say what the table shows of one cohort, a sentence each.

    Args:
        result: the content of `defences.json`.
        cohort: one of its cohorts.
    """
    figures = cohort.figures
    published, hardened = figures["published"], figures["hardened"]
    said = []
    for name in (STRONGEST, "cosine"):
        before, after = linked(published, name), linked(hardened, name)
        if before is None or after is None:
            continue
        who = f"by the strongest attacker ({hardened.strongest})" if name == STRONGEST else "by plain cosine"
        said.append(
            f"Hardening takes Recall@1 {who} from {percent(before.recall.value)} to "
            f"{percent(after.recall.value)} ({change(after.relative)}); chance is "
            f"{bare_percent(after.chance)}."
        )
    if "without-noise" in figures:
        same = figures["without-noise"]
        without = " and ".join(
            f"{change(found.relative, bare=True)} by {who}"
            for name, who in ((STRONGEST, "the strongest attacker"), ("cosine", "cosine"))
            if (found := linked(same, name)) is not None
        )
        said.append(f"The same training without DP already gives {without}.")
    said += [
        f"The {title} goes from {percent(row.baseline.value)} to "
        f"{percent(row.measured.value)} ({points(row.difference)} points)."
        for measure, title in MEASURES.items()
        if (row := usefulness(hardened, measure)) is not None and row.baseline is not None
    ]
    return [one_line(sentence) for sentence in said]


def matched_note(row: DefenceRow) -> str:
    """Say what a row is, and how a matched control was matched."""
    found, note = row.matched, row.note
    if found is None:
        return note
    name = "label precision" if found.measure == "precision" else "macro AUROC"
    setting = f"{row.knob} {found.setting:.3g}"
    figures = f"{name} {percent(found.reached)}, hardened {percent(found.target)}"
    if found.held:
        return f"{note} Matched at {setting}: {figures}."
    return f"{note} No setting has the hardened usefulness; the nearest is {setting}: {figures}."


def defences_table(result: DefencesResult) -> str:
    """Give a table of defences as lines of plain text: linkage, usefulness, what each row is.

    Args:
        result: the content of `defences.json`.
    """
    parts = [privacy_sentence(result)]
    for place, cohort in enumerate(result.cohorts):
        parts.append(f"{cohort_title(cohort, place)}\n{cohort_facts(cohort)}")
        parts += [_linkage(result, cohort), _usefulness(result, cohort)]
        parts.append("\n".join(findings(result, cohort)))
    parts.append(
        "\n".join(f"{row.title}: {matched_note(row)}" for row in result.rows if row.note or row.matched)
    )
    parts.append("\n".join(f"Note: {one_line(note)}" for note in result.notes))
    return "\n\n".join(parts).replace(SPACE, " ")


def _linkage(result: DefencesResult, cohort: DefenceCohort) -> str:
    rows = list(judged(result, cohort))
    columns = [["Recall@1", *(row.title for row, _ in rows)]]
    for name in result.settings.attacker:
        asked = [linked(figures, name) for _, figures in rows]
        columns.append([name, *("–" if one is None else percent(one.recall.value) for one in asked)])
    most = [found for _, figures in rows if (found := linked(figures, STRONGEST)) is not None]
    columns += [
        ["Strongest", *(percent(one.recall.value) for one in most)],
        ["Interval", *(interval(one.recall.low, one.recall.high) for one in most)],
        ["Change", *(change(one.relative, bare=True) for one in most)],
        ["Interval", *(change_interval(one.relative) for one in most)],
        ["± seeds", *(deviation(figures, STRONGEST, percent) for _, figures in rows)],
    ]
    return lines(columns)


def _usefulness(result: DefencesResult, cohort: DefenceCohort) -> str:
    rows = list(judged(result, cohort))
    parts = []
    for measure, name in MEASURES.items():
        shown = [
            (row, found, figures)
            for row, figures in rows
            if (found := usefulness(figures, measure)) is not None
        ]
        if not shown:
            continue
        chance = bare_percent(shown[0][1].chance)
        parts.append(
            lines(
                [
                    [f"{name[0].upper()}{name[1:]}", *(row.title for row, _, _ in shown)],
                    ["Value", *(percent(found.measured.value) for _, found, _ in shown)],
                    ["Interval", *(interval(*_ends(found.measured)) for _, found, _ in shown)],
                    ["Points", *(points(found.difference, bare=True) for _, found, _ in shown)],
                    ["Interval", *(points_interval(found.difference) for _, found, _ in shown)],
                    ["± seeds", *(deviation(figures, measure, percent) for _, _, figures in shown)],
                    ["Chance", *(chance for _ in shown)],
                ]
            )
        )
    return "\n\n".join(parts)


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
    said = f"{100 * difference.value:+.2f}".replace("-", "−")
    return said if bare else f"{said}, {points_interval(difference)}"


def points_interval(difference: Difference | None) -> str:
    """Give the interval of a difference in percentage points, or a dash."""
    if difference is None:
        return "–"
    return " to ".join(f"{100 * end:+.2f}" for end in _ends(difference)).replace("-", "−")


def deviation(figures: DefenceFigures, name: str, write: Callable[[float], str]) -> str:
    """Give the standard deviation over seeds of one figure, or a dash where there is one seed."""
    found = figures.deviation[name]
    return "–" if found is None else write(found if found > 1e-9 else 0.0)


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


def _ends(figure: Estimate | Difference) -> tuple[float, float]:
    return figure.low, figure.high
