"""The HTML page: one file that opens with the network off and runs one script, which it allows by hash."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment

from relinkage import __version__
from relinkage.files import whole_file
from relinkage.linkage.comparison_result import ComparisonResult
from relinkage.linkage.result import AuditResult
from relinkage.pages.audits import read_audit, stronger_attacker
from relinkage.pages.changes import (
    changes,
    points,
    points_interval,
    relative,
    relative_interval,
)
from relinkage.pages.explorer import explorer
from relinkage.pages.figures import comparison_figures, ladder_figures
from relinkage.pages.headlines import Headline, headline, strongest
from relinkage.pages.pages import page_environment
from relinkage.pages.palette import DARK, LIGHT
from relinkage.pages.places import holding, pool_cell
from relinkage.pages.sections import SECTIONS, group_title, method_steps, settings_table, share_labels
from relinkage.pages.wording import (
    SPACE,
    bare_percent,
    count,
    counted,
    exact_odds,
    interval,
    listed,
    one_line,
    p_value,
    percent,
    times,
)


def write_page(runs: Sequence[Path], out: Path) -> Path:
    """Read `audit.json` from every run and write one report about them, whole or not at all.

    Args:
        runs: run folders, or their `audit.json`, at least one; several make a ladder in this order.
        out: the HTML file to write.

    Returns:
        `out`.

    Raises:
        InputError: a run is missing or holds no audit that this release reads.
    """
    page = render_page([read_audit(run) for run in runs])
    with whole_file(out) as temporary:
        # A name from elsewhere may hold half a character; it must not cost the page.
        temporary.write_bytes(page.encode("utf-8", "replace"))
    return out


def render_page(audits: Sequence[AuditResult], comparison: ComparisonResult | None = None) -> str:
    """Return the HTML page about one or several audits.

    Args:
        audits: results, at least one, as `read_audit` gives them.
        comparison: the content of `comparison.json` about these audits, where they were compared.
    """
    best, lead = strongest(audits) if len(audits) > 1 else (0, headline(audits[0]))
    runs = [_run(audit, number, several=len(audits) > 1) for number, audit in enumerate(audits, 1)]
    ladder = ladder_figures(audits, "ladder") if len(audits) > 1 else None
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            version=__version__,
            light=LIGHT,
            dark=DARK,
            title=_title(audits),
            lead=runs[best],
            headline=lead,
            keys=_keys(audits[best], lead),
            explorer=explorer(audits, best, lead.row),
            runs=runs,
            contents=_contents(runs, ladder=ladder is not None, compared=comparison is not None),
            ladder=ladder,
            ladder_warnings=_differences(audits),
            comparison=None if comparison is None else _comparison(comparison),
            steps=method_steps(audits),
            settings=settings_table(audits),
            plain=not any(stronger_attacker(audit) for audit in audits),
            open_set=any(audit.open_set for audit in audits),
            share_labels=any(share_labels(audit) for audit in audits),
        )
    )


def _environment() -> Environment:
    environment = page_environment()
    environment.filters |= {
        "count": count,
        "counted": counted,
        "percent": percent,
        "pool": pool_cell,
        "bare": bare_percent,
        "times": times,
        "rank": _rank,
        "p_value": p_value,
        "points": points,
        "points_interval": points_interval,
        "relative": relative,
        "relative_interval": relative_interval,
    }
    environment.globals["interval"] = interval
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return environment


def _run(audit: AuditResult, number: int, *, several: bool) -> dict[str, Any]:
    prefix = f"run-{number}"
    views = ((section, section.view(audit, f"{prefix}-{section.key}")) for section in SECTIONS)
    return {
        "id": prefix,
        "name": one_line(audit.name, 80),
        "audit": audit,
        "headline": headline(audit),
        "level": 3 if several else 2,
        "sections": [
            {"id": f"{prefix}-{section.key}", "key": section.key, "title": section.title, "view": view}
            for section, view in views
            if view is not None
        ],
    }


def _comparison(comparison: ComparisonResult) -> dict[str, Any]:
    found = changes(comparison)
    return {
        "before": found[0].before,
        "level": comparison.settings.interval,
        "tests": len(comparison.rows),
        "notes": [one_line(note) for note in comparison.notes],
        "figures": comparison_figures(comparison, "comparison"),
        "groups": [
            {
                "changes": group,
                "title": group_title(group.direction, group.negatives),
                "queries": f"{'up to ' * (group.rows[-1].queries < group.rows[0].queries)}"
                f"{counted(group.rows[0].queries, 'query')} of "
                f"{counted(group.rows[0].patients, 'patient')}",
            }
            for group in found
        ],
    }


def _title(audits: Sequence[AuditResult]) -> str:
    names = [one_line(audit.name, 80) for audit in audits]
    return names[0] if len(names) == 1 else one_line(f"{len(names)} models: {', '.join(names)}", 160)


def _keys(audit: AuditResult, lead: Headline) -> list[dict[str, str]]:
    row = lead.row
    level = bare_percent(audit.settings.interval)
    chance = "certain" if row.chance >= 1 else "{} in {:,}".format(*exact_odds(row.chance))
    patients = counted(row.patients, "patient") if audit.patients_known else "patients not known"
    return [
        {
            "name": f"Recall@{row.k}, {holding(row)}",
            "value": percent(row.recall),
            "note": f"{level} interval {interval(row.low, row.high)}",
        },
        {"name": "Chance", "value": bare_percent(row.chance), "note": chance},
        {"name": "Lift", "value": f"{times(row.lift)}{SPACE}×", "note": "recall divided by chance"},
        {"name": "Queries", "value": count(row.queries), "note": patients},
    ]


def _contents(runs: Sequence[dict[str, Any]], *, ladder: bool, compared: bool) -> list[dict[str, Any]]:
    entries = [{"id": "ladder", "title": "The ladder", "run": False}] if ladder else []
    if compared:
        entries.append({"id": "comparison", "title": "Before and after", "run": False})
    if len(runs) > 1:
        entries += [{"id": run["id"], "title": run["name"], "run": True} for run in runs]
    else:
        entries += [{"id": s["id"], "title": s["title"], "run": False} for s in runs[0]["sections"]]
    entries.append({"id": "method", "title": "Method", "run": False})
    return entries


def _differences(audits: Sequence[AuditResult]) -> list[str]:
    """Name what keeps the rungs of a ladder from being compared."""
    grounds: dict[str, list[Any]] = {
        "the cohort": [audit.inputs.cohort and audit.inputs.cohort.fingerprint for audit in audits],
        "the split": [audit.inputs.split for audit in audits],
        "the number of queries": [audit.queries for audit in audits],
        "the number of candidates": [audit.candidates for audit in audits],
        "the distractors": [audit.settings.distractors for audit in audits],
    }
    differing = [name for name, found in grounds.items() if len(set(found)) > 1]
    if not differing:
        return []
    return [f"These runs differ in {listed(differing)}: what looks like a model's may be the data's."]


def _rank(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")
