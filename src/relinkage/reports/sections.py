"""What the sections of the report say about one audit: a function a section, beside a template fragment each.

A new section is a function here, a line in `SECTIONS` and `templates/sections/KEY.html.j2`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from relinkage.reports.audits import ALL, Audit, first_k, groups, select
from relinkage.reports.controls import controls_finding, controls_off
from relinkage.reports.figures import (
    added,
    control_figure,
    exposed_figure,
    hardness_figure,
    patients_figure,
    pool_figures,
    rank_figure,
)
from relinkage.reports.wording import counted, listed, one_line, percent

View = dict[str, Any]

_UNCERTAIN = {
    "own": "a value of their own",
    "positive": "count as positive",
    "negative": "count as negative",
    "absent": "count as not mentioned",
}


@dataclass(frozen=True)
class Section:
    """A section of a run.

    Attributes:
        key: names its fragment, `templates/sections/KEY.html.j2`.
        title: its heading.
        view: turns an audit and a prefix for ids into what the fragment shows, its figures under
            `figures`; None leaves the section out.
    """

    key: str
    title: str
    view: Callable[[Audit, str], View | None]


@dataclass(frozen=True)
class Fact:
    """A line of "what was audited"."""

    name: str
    value: str
    fingerprint: str = ""


def _trained_heads(heads: dict[str, Any]) -> str:
    """Say what heads were trained on, as far as their manifest tells."""
    name, settings = one_line(str(heads.get("file", ""))), heads.get("settings")
    if not isinstance(settings, dict):
        return f"{name}; what trained them is not known"
    shape = f"{settings.get('head')}, {settings.get('dimension')} dimensions, {settings.get('objective')}"
    trained = f"trained on {counted(heads['pairs'], 'pair')} of {counted(heads['patients'], 'patient')}"
    return one_line(
        f"{name}: {shape}; {trained} of the split {heads.get('train_split')}; privacy: {heads.get('privacy')}"
    )


def group_title(direction: str, negatives: str) -> str:
    """Name a direction and what its distractors share with the query."""
    title = direction.replace("-", " ").capitalize()
    return title if negatives == ALL else f"{title}, distractors share: {one_line(negatives)}"


def audited_facts(audit: Audit) -> list[Fact]:
    """Say what was audited: the model, the cohort, its size, and the inputs by fingerprint."""
    inputs = audit["inputs"]
    model, heads, cohort = (inputs.get(key) for key in ("model", "heads", "cohort"))
    facts = []
    if model:
        facts += [Fact("Model", one_line(model["id"]), one_line(model["revision"]))]
        facts += [
            Fact(name, one_line(model[key]))
            for name, key in (
                ("Licence", "licence"),
                ("Preprocessing", "preprocessing"),
                ("Training data", "seen"),
            )
            if model.get(key)
        ]
        if model.get("token_limit"):
            cut = inputs.get("truncated_share")
            share = "" if cut is None else f"; {percent(cut)} of the reports were cut there"
            facts.append(Fact("Text limit", f"{counted(model['token_limit'], 'token')}{share}"))
    if heads:
        facts.append(Fact("Projection heads", _trained_heads(heads)))
    if cohort:
        facts.append(Fact("Cohort", one_line(cohort["name"]), one_line(cohort["fingerprint"])))
    if inputs.get("split"):
        facts.append(Fact("Split", one_line(inputs["split"])))
    size = f"{counted(audit['queries'], 'query')} against {counted(audit['candidates'], 'candidate')}"
    facts.append(Fact("Size", f"{size}, vectors of {audit['dimension']} dimensions"))
    known = "" if audit["patients_known"] else " (patients are not known; each study counts as one)"
    studies = counted(audit["studies"], "study")
    facts.append(Fact("Patients", f"{counted(audit['patients'], 'patient')}, {studies}{known}"))
    facts += [
        Fact(
            name,
            f"{one_line(inputs[key]['file'])}, {counted(inputs[key]['rows'], 'row')}",
            one_line(inputs[key]["fingerprint"]),
        )
        for name, key in (("Images", "images"), ("Reports", "reports"), ("Pairs", "pairs"))
        if inputs.get(key)
    ]
    return facts


def _audited(audit: Audit, prefix: str) -> View:
    return {"facts": audited_facts(audit), "notes": [one_line(note) for note in audit["notes"]]}


def _closed_set(audit: Audit, prefix: str) -> View:
    over_all = [g for g in groups(audit["closed_set"]) if g[1] == ALL]
    found = [_group(audit, *g) for g in over_all]
    for number, (group, ways) in enumerate(zip(found, over_all, strict=True), 1):
        group["figures"] = pool_figures(audit, f"{prefix}-{number}", *ways)
    return {"groups": found, "figures": [figure for group in found for figure in group["figures"]]}


def _hard_negatives(audit: Audit, prefix: str) -> View | None:
    harder = [g for g in groups(audit["closed_set"]) if g[1] != ALL]
    if not harder:
        return None
    levels = audit.get("strata", [])
    controls = [row for row in audit["controls"] if row["negatives"] != ALL]
    off = sum(not row["on_chance"] for row in controls)
    figure = hardness_figure(audit, prefix)
    return {
        "groups": [_group(audit, *g) for g in harder],
        "levels": [
            {
                "name": added(level["negatives"], before["negatives"]),
                "columns": listed(one_line(c) for c in level["columns"] if c not in before["columns"]),
                "strata": level["strata"],
                "largest": level["largest"],
                "median": level["median_stratum_of_a_query"],
                "alone": level["alone"],
            }
            for level, before in zip(levels, [{"negatives": "", "columns": []}, *levels], strict=False)
        ],
        "uncertain": _UNCERTAIN[levels[0]["uncertain"]] if levels else "",
        "controls": [
            {"title": group_title(direction, negatives), "rows": list(rows)}
            for (direction, negatives), rows in groupby(
                (row for row in controls if row["k"] == first_k(controls) or not row["on_chance"]),
                lambda row: (row["direction"], row["negatives"]),
            )
        ],
        "control_sentence": "A scorer that knows these columns and nothing else must sit on chance among "
        "distractors that share them. "
        + (f"In {off} of {counted(len(controls), 'row')} it does not." if off else "It does, in every row."),
        "figures": [] if figure is None else [figure],
    }


def _patients(audit: Audit, prefix: str) -> View | None:
    if not audit.get("risk"):
        return None
    entries = []
    for number, row in enumerate(audit["risk"], 1):
        found = (patients_figure(row, f"{prefix}-{number}"), exposed_figure(row, f"{prefix}-{number}"))
        figures = [figure for figure in found if figure is not None]
        entries.append({"row": row, "title": group_title(row["direction"], ALL), "figures": figures})
    return {"entries": entries, "figures": [figure for entry in entries for figure in entry["figures"]]}


def _group(audit: Audit, direction: str, negatives: str) -> View:
    rows = select(audit["closed_set"], direction=direction, negatives=negatives)
    rows.sort(key=lambda row: (row["pool"], row["full"], row["k"]))
    return {
        "title": group_title(direction, negatives),
        "pools": [
            {"size": size, "rows": list(found)}
            for (size, _), found in groupby(rows, lambda row: (row["pool"], row["full"]))
        ],
        "partial": any(row["coverage"] < 1 for row in rows),
    }


def _ranks(audit: Audit, prefix: str) -> View:
    distributions = enumerate(select(audit["rank_distribution"], negatives=ALL), 1)
    figures = [rank_figure(audit, f"{prefix}-{i}", distribution) for i, distribution in distributions]
    tables = [
        {
            "title": group_title(direction, negatives),
            "rows": select(audit["ranks"], direction=direction, negatives=negatives),
        }
        for direction, negatives in groups(audit["ranks"])
    ]
    return {"groups": tables, "figures": figures}


def _controls(audit: Audit, prefix: str) -> View | None:
    if not audit["controls"]:
        return None
    return {
        "off": controls_off(audit) > 0,
        "sentence": controls_finding(audit),
        "figures": [control_figure(audit, prefix)],
    }


def _duplicates(audit: Audit, prefix: str) -> View:
    return {"sentence": duplicates_sentence(audit)}


def duplicates_sentence(audit: Audit) -> str:
    """Say what reports with equal texts mean for the audit."""
    duplicates = audit["duplicates"]
    same = "text" if duplicates["known"] else "vector"
    how = "" if duplicates["known"] else "The audit was given no text hashes, so it goes by equal vectors. "
    if duplicates["queries_sharing"] == 0:
        return f"{how}No query's report has the {same} of another study's."
    return (
        f"{how}{percent(duplicates['queries_sharing'])} of the queries have a report whose {same} is also "
        f"another study's. Nobody can tell equal {same}s apart, so over the full gallery Recall@1 "
        f"cannot pass {percent(duplicates['recall_at_1_ceiling'])}."
    )


def settings_table(audits: list[Audit]) -> list[tuple[str, list[str]]]:
    """Give every setting with its value in each audit, versions first."""
    names = list(dict.fromkeys(name for audit in audits for name in audit["settings"]))
    return [
        ("relinkage", [one_line(audit["version"]) for audit in audits]),
        ("Schema", [one_line(audit["schema"]) for audit in audits]),
        *(
            (
                one_line(name).replace("_", " ").capitalize(),
                [_plain(audit["settings"].get(name)) for audit in audits],
            )
            for name in names
        ),
    ]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return one_line(json.dumps(value) if isinstance(value, dict) else value)


def _open_set(audit: Audit, prefix: str) -> View | None:
    rows = audit.get("open_set") or []
    if not rows:
        return None
    groups_of_rows = [
        {"title": group_title(direction, ALL), "rows": list(members)}
        for direction, members in groupby(rows, key=lambda row: row["direction"])
    ]
    return {"groups": groups_of_rows, "priors": [entry["prior"] for entry in rows[0]["ppv"]], "figures": []}


SECTIONS = (
    Section("audited", "What was audited", _audited),
    Section("closed_set", "Closed set", _closed_set),
    Section("hard_negatives", "Hard negatives", _hard_negatives),
    Section("ranks", "Ranks", _ranks),
    Section("open_set", "Open set", _open_set),
    Section("patients", "Patients", _patients),
    Section("controls", "Controls", _controls),
    Section("duplicates", "Duplicate reports", _duplicates),
)
"""The sections of a run, in order."""
