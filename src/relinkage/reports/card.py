"""The audit card: Markdown to publish beside a model card, with its figures as a Hugging Face model-index."""

import json
import re
import shlex
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from relinkage import __version__
from relinkage.reports.audits import Audit, Row, groups, select, stronger_attacker
from relinkage.reports.controls import controls_finding
from relinkage.reports.findings import finding_lines
from relinkage.reports.headlines import headline
from relinkage.reports.sections import audited_facts, duplicates_sentence, group_title
from relinkage.reports.wording import SPACE, bare_percent, count, counted, interval, one_line, percent, times

_TEMPERATURE = 0.07
"""The default of `--temperature`, which a command need not name."""


class Verbatim(str):
    """Text that the card's template writes as it is; all other text is escaped for Markdown."""


def render_card(audits: Sequence[Audit]) -> str:
    """Give the audit card about one or several audits as Markdown with YAML front matter.

    Args:
        audits: parsed `audit.json`, at least one, as `read_audit` gives them.
    """
    return (
        _environment()
        .get_template("card.md.j2")
        .render(version=__version__, audits=[_audit_view(audit) for audit in audits])
    )


def escape_markdown(value: Any) -> str:
    """Make text stand for itself in Markdown, on one line."""
    if isinstance(value, Verbatim):
        return value
    plain = str(value).replace(SPACE, " ").replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]{}#|~>!$])", r"\\\1", plain.replace("\n", " "))


def reproduce(audit: Audit) -> str:
    """Give the command that measures the same again on the same inputs."""
    inputs, settings = audit["inputs"], audit["settings"]
    attacker = audit.get("attacker")
    words = ["relinkage", "audit"]
    if attacker:
        words = ["relinkage", "attack", "EMB", "--attacker", attacker["name"], "--on", attacker["on"]]
        words += ["--heads", "HEADS"] * bool(inputs.get("heads")) + ["--split", str(inputs.get("split"))]
        if attacker["auxiliary_pairs"]:
            words += ["--auxiliary", attacker.get("auxiliary_split", "train")]
            words += ["--auxiliary-pairs", str(attacker.get("asked_for", attacker["auxiliary_pairs"]))]
    elif inputs.get("kind") == "arrays":
        words += ["--images", inputs["images"]["file"], "--reports", inputs["reports"]["file"]]
        if inputs.get("pairs"):
            words += ["--pairs", inputs["pairs"]["file"]]
    else:
        words.append("EMB")
        if inputs.get("heads"):
            words += ["--heads", "HEADS"]
        if inputs.get("split"):
            words += ["--split", inputs["split"]]
    words += ["--pool", ",".join(str(pool) for pool in settings["pools"])]
    words += ["--k", ",".join(str(k) for k in settings["k"])]
    words += ["--direction", settings["direction"]]
    if settings.get("hard_negatives"):
        words += ["--hard-negatives", ",".join(settings["hard_negatives"])]
    if settings.get("ladder"):
        words.append("--ladder")
    if settings.get("open_set"):
        words += ["--open-set", ",".join(str(rate) for rate in settings["open_set"])]
    words += ["--replicates", str(settings["replicates"]), "--seed", str(settings["seed"])]
    if attacker:  # what follows, an attack does not ask for
        return shlex.join(one_line(word) for word in [*words, "--out", "RUN"])
    words += ["--distractors", settings["distractors"]]
    if settings.get("uncertain", "own") != "own":
        words += ["--uncertain", settings["uncertain"]]
    if settings.get("temperature", _TEMPERATURE) != _TEMPERATURE:
        words += ["--temperature", f"{settings['temperature']:g}"]
    if settings.get("patient_level"):
        words.append("--patient-level")
    if audit.get("risk"):
        words += ["--risk-pool", "full" if audit["risk"][0]["full"] else str(audit["risk"][0]["pool"])]
    words += ["--intervals", str(settings["interval"]), "--out", "RUN"]
    return shlex.join(one_line(word) for word in words)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("relinkage.reports"),
        autoescape=False,
        finalize=escape_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count,
        "counted": counted,
        "percent": percent,
        "bare": bare_percent,
        "times": times,
        "yaml": lambda value: Verbatim(_yaml(value)),
    }
    environment.globals["interval"] = interval
    return environment


def _yaml(value: Any) -> str:
    """Write a value in YAML's flow style, where 1e-05 would be read as text."""
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def _audit_view(audit: Audit) -> dict[str, Any]:
    cohort = audit["inputs"].get("cohort") or {}
    dataset = one_line(cohort.get("name", audit["name"]))
    return {
        "audit": audit,
        "stronger": stronger_attacker(audit),
        "name": one_line(audit["name"]),
        "headline": headline(audit),
        "facts": audited_facts(audit),
        "notes": [one_line(note) for note in audit["notes"]],
        "results": [_result(audit, *group) for group in groups(audit["closed_set"])],
        "controls": controls_finding(audit),
        "findings": finding_lines(audit),
        "duplicates": duplicates_sentence(audit),
        "dataset": dataset,
        "dataset_type": re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-") or "cohort",
        "command": Verbatim(reproduce(audit)),
    }


def _result(audit: Audit, direction: str, negatives: str) -> dict[str, Any]:
    rows = select(audit["closed_set"], direction=direction, negatives=negatives)
    return {
        "title": group_title(direction, negatives),
        "direction": direction,
        "rows": rows,
        "metrics": [_metric(row) for row in rows],
    }


def _metric(row: Row) -> dict[str, Any]:
    names = ("pool", "k", "negatives", "low", "high", "chance", "lift", "queries", "coverage")
    return {
        "type": f"recall_at_{row['k']}",
        "name": f"Recall@{row['k']}, pool of {count(row['pool'])}",
        "value": row["recall"],
        "args": {name: row[name] for name in names},
    }
