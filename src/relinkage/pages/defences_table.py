"""A table of defences in the terminal: linkage, use, findings, and what each row is."""

import textwrap
from collections.abc import Iterator

from relinkage.defences.result import STRONGEST, DefenceCohort, DefencesResult, LinkageRow, Search
from relinkage.pages.defences import (
    MEASURES,
    change,
    change_interval,
    cohort_facts,
    cohort_title,
    deviation,
    judged,
    lines,
    linked,
    matched_note,
    points,
    points_interval,
    privacy_sentence,
    search_title,
    use_of,
)
from relinkage.pages.defences_findings import findings
from relinkage.pages.defences_summary import CAPTION, USE_HELD, columns_of, summary
from relinkage.pages.wording import SPACE, bare_percent, interval, one_line, percent

_WIDTH = 120


def defences_table(result: DefencesResult) -> str:
    """Give a table of defences as lines of plain text: linkage, usefulness, what each row is.

    Args:
        result: the content of `defences.json`.
    """
    parts = [privacy_sentence(result)]
    for place, cohort in enumerate(result.cohorts):
        parts.append(f"{cohort_title(cohort, place)}\n{cohort_facts(cohort)}")
        parts.append(_summary(result, cohort))
        parts += [_linkage(result, cohort, search) for search in cohort.searches]
        parts += _uses(result, cohort)
        parts.append("\n".join(textwrap.fill(sentence, _WIDTH) for sentence in findings(result, cohort)))
    parts.append(
        "\n".join(
            textwrap.fill(f"{row.title}: {matched_note(row)}", _WIDTH)
            for row in result.rows
            if row.note or row.matched
        )
    )
    parts.append("\n".join(f"Note: {one_line(note)}" for note in result.notes))
    return "\n\n".join(parts).replace(SPACE, " ")


def _summary(result: DefencesResult, cohort: DefenceCohort) -> str:
    """Return the summary with a number for each column, as their names are long."""
    head, rows = summary(result, cohort)
    named = ["Released", *(f"({number})" for number in range(1, len(head)))]
    told = "; ".join(f"({number}) {name}" for number, name in enumerate(head[1:], 1))
    text = f"{CAPTION}: {told}. {USE_HELD}"
    return f"{textwrap.fill(text, _WIDTH)}\n{lines(columns_of(named, rows))}"


def _linkage(result: DefencesResult, cohort: DefenceCohort, search: Search) -> str:
    rows = list(judged(result, cohort))
    columns = [["Recall@1", *(row.title for row, _ in rows)]]
    for name in result.settings.attackers:
        asked = [linked(figures, name, search) for _, figures in rows]
        columns.append([name, *("–" if one is None else percent(one.recall.value) for one in asked)])
    most: list[LinkageRow] = []
    for _, figures in rows:
        found = linked(figures, STRONGEST, search)
        assert found is not None
        most.append(found)
    columns += [
        ["Strongest", *(percent(one.recall.value) for one in most)],
        ["Interval", *(interval(one.recall.low, one.recall.high) for one in most)],
        ["Change", *(change(one.relative, bare=True) for one in most)],
        ["Interval", *(change_interval(one.relative) for one in most)],
        ["± seeds", *(deviation(one.trainings) for one in most)],
    ]
    title = search_title(search)
    return f"{title[0].upper()}{title[1:]}; chance {bare_percent(1 / search.pool)}\n{lines(columns)}"


def _uses(result: DefencesResult, cohort: DefenceCohort) -> Iterator[str]:
    rows = list(judged(result, cohort))
    for measure, name in MEASURES.items():
        shown = [(row, found) for row, figures in rows if (found := use_of(figures, measure)) is not None]
        if not shown:
            continue
        chance = bare_percent(shown[0][1].chance)
        yield lines(
            [
                [f"{name[0].upper()}{name[1:]}", *(row.title for row, _ in shown)],
                ["Value", *(percent(found.measured.value) for _, found in shown)],
                ["Interval", *(interval(found.measured.low, found.measured.high) for _, found in shown)],
                ["Points", *(points(found.difference, bare=True) for _, found in shown)],
                ["Interval", *(points_interval(found.difference) for _, found in shown)],
                ["± seeds", *(deviation(found.trainings) for _, found in shown)],
                ["Chance", *(chance for _ in shown)],
            ]
        )
