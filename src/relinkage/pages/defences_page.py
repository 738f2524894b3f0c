"""The HTML page about a table of defences: one file that opens with the network off and runs no script."""

from collections.abc import Sequence
from typing import Any

from relinkage import __version__
from relinkage.defences.result import (
    STRONGEST,
    DefenceCohort,
    DefenceFigures,
    DefenceRow,
    DefencesResult,
    Search,
)
from relinkage.defences.settings import DefendSettings
from relinkage.options import fields_of
from relinkage.pages.defences import (
    MEASURES,
    Measure,
    change,
    change_interval,
    cohort_facts,
    cohort_title,
    deviation,
    judged,
    linked,
    matched_note,
    points,
    points_interval,
    privacy_sentence,
    search_title,
    use_of,
)
from relinkage.pages.defences_findings import findings, headline
from relinkage.pages.defences_summary import CAPTION, USE_HELD, summary
from relinkage.pages.figures.frontier import frontier_figures
from relinkage.pages.pages import page_environment
from relinkage.pages.palette import DARK, LIGHT
from relinkage.pages.wording import bare_percent, count, interval, one_line, percent

Rows = Sequence[tuple[DefenceRow, DefenceFigures]]

_LEVELS = {"cosine": "Plain cosine", STRONGEST: "The strongest attacker tried, on each side"}


def render_defences(result: DefencesResult) -> str:
    """Give the page about a table of defences.

    Args:
        result: the content of `defences.json`.
    """
    environment = page_environment()
    cohorts = [_cohort(result, cohort, place) for place, cohort in enumerate(result.cohorts)]
    return environment.get_template("defences.html.j2").render(
        version=__version__,
        light=LIGHT,
        dark=DARK,
        title=one_line(result.inputs.model.id, 80),
        headline=headline(result, result.cohorts[0]),
        privacy=privacy_sentence(result),
        cohorts=cohorts,
        rows=[
            {"title": row.title, "note": matched_note(row), "applies": row.applies}
            for row in result.rows
            if row.note or row.matched
        ],
        notes=[one_line(note) for note in result.notes],
        settings=_settings(result.settings),
        level=bare_percent(result.settings.interval),
        caption=CAPTION,
        use_held=USE_HELD,
    )


def _cohort(result: DefencesResult, cohort: DefenceCohort, place: int) -> dict[str, Any]:
    rows = list(judged(result, cohort))
    names = [*result.settings.attackers, STRONGEST]
    return {
        "id": f"cohort-{place}",
        "title": cohort_title(cohort, place),
        "facts": cohort_facts(cohort),
        "findings": findings(result, cohort),
        "figures": frontier_figures(result, cohort, f"cohort-{place}"),
        "summary": summary(result, cohort),
        "searches": [_search(rows, names, search) for search in cohort.searches],
        "measures": [found for measure in MEASURES if (found := _measure(rows, measure))["rows"]],
        "keys": _keys(cohort),
    }


def _search(rows: Rows, names: Sequence[str], search: Search) -> dict[str, Any]:
    title, chance = search_title(search), bare_percent(1 / search.pool)
    return {
        "title": f"{title[0].upper()}{title[1:]}; chance {chance}",
        "attackers": [_attacker(rows, name, search) for name in names],
    }


def _attacker(rows: Rows, name: str, search: Search) -> dict[str, Any]:
    cells = []
    for row, figures in rows:
        found = linked(figures, name, search)
        if found is None:
            continue
        recall = found.recall
        title = f"{row.title} ({found.by})" if name == STRONGEST else row.title
        cells.append(
            [
                title,
                percent(recall.value),
                interval(recall.low, recall.high),
                deviation(found.trainings),
                change(found.relative, bare=True),
                change_interval(found.relative),
            ]
        )
    return {"title": _LEVELS.get(name, f"Attacker {name}"), "rows": cells}


def _measure(rows: Rows, measure: Measure) -> dict[str, Any]:
    cells, chance = [], None
    for row, figures in rows:
        found = use_of(figures, measure)
        if found is None:
            continue
        chance = found.chance
        cells.append(
            [
                row.title,
                percent(found.measured.value),
                interval(found.measured.low, found.measured.high),
                deviation(found.trainings),
                points(found.difference, bare=True),
                points_interval(found.difference),
            ]
        )
    name = MEASURES[measure]
    return {
        "title": f"{name[0].upper()}{name[1:]}",
        "chance": None if chance is None else percent(chance),
        "rows": cells,
    }


def _keys(cohort: DefenceCohort) -> list[dict[str, str]]:
    figures = cohort.figures["hardened"]
    keys = [
        {
            "name": f"Recall@1 by the strongest, {count(search.pool)} reports",
            "value": change(found.relative, bare=True),
            "note": f"interval {change_interval(found.relative)}",
        }
        for search in cohort.searches
        if (search.direction, search.negatives) == ("image-to-report", "all")
        and (found := linked(figures, STRONGEST, search)) is not None
    ]
    return keys + [
        {
            "name": f"Label precision, {' '.join((row.direction or '').split('-'))}, points",
            "value": points(row.difference, bare=True),
            "note": f"interval {points_interval(row.difference)}",
        }
        for row in figures.use
        if row.measure == "precision"
    ]


def _settings(settings: DefendSettings) -> list[tuple[str, str]]:
    return [(field.name, _said(getattr(settings, field.name))) for field in fields_of(DefendSettings)]


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return count(value) if isinstance(value, int) else str(value)
