"""The audit card: Markdown to publish beside a model card, with its figures as a Hugging Face model-index."""

import json
import re
import shlex
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from relinkage import __version__
from relinkage.attackers.settings import Knowledge
from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow
from relinkage.linkage.settings import DEFAULT_TEMPERATURE, AuditSettings
from relinkage.options import command_line
from relinkage.pages.audits import ALL, groups, select
from relinkage.pages.controls import controls_finding
from relinkage.pages.findings import finding_lines
from relinkage.pages.headlines import headline
from relinkage.pages.identification import between, harms
from relinkage.pages.places import holding, own_stratum, pool_cell
from relinkage.pages.scope import access, limits
from relinkage.pages.sections import (
    audited_facts,
    distractors,
    duplicates_sentence,
    group_title,
    hard_negatives_of,
)
from relinkage.pages.verdicts import who
from relinkage.pages.wording import (
    SPACE,
    bare_percent,
    count,
    counted,
    interval,
    one_line,
    percent,
    plural,
    times,
)
from relinkage.policies.context import Context


class Verbatim(str):
    """Text that the card's template writes as it is; all other text is escaped for Markdown."""


def render_card(audits: Sequence[AuditResult], context: Context | None = None) -> str:
    """Give the audit card about one or several audits as Markdown with YAML front matter.

    Args:
        audits: results, at least one, as `read_audit` gives them.
        context: the context of the release, as stated; "not provided" where it is not given.
    """
    stated = [(name, one_line(text)) for name, text in (context or Context()).said()]
    return (
        _environment()
        .get_template("card.md.j2")
        .render(version=__version__, audits=[_audit_view(audit) for audit in audits], context=stated)
    )


def escape_markdown(value: Any) -> str:
    """Make text stand for itself in Markdown, on one line."""
    if isinstance(value, Verbatim):
        return value
    plain = str(value).replace(SPACE, " ").replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]{}#|~>!$])", r"\\\1", plain.replace("\n", " "))


def reproduce(audit: AuditResult) -> str:
    """Give the command that measures the same again on the same inputs."""
    inputs, attacker = audit.inputs, audit.attacker
    words = ["relinkage", "attack" if attacker else "audit"]
    if inputs.kind == "arrays":
        named = (("--images", inputs.images), ("--reports", inputs.reports), ("--pairs", inputs.pairs))
        for option, file in named:
            words += [option, file.file] if file else []
    else:
        words.append("EMB")
    words += ["--heads", "HEADS"] if inputs.heads else []
    words += ["--split", inputs.split] if inputs.split else []
    if attacker:
        knows = Knowledge(on=attacker.on, together=attacker.together, refits=attacker.refits)
        if attacker.auxiliary_split is not None and attacker.asked_for is not None:
            knows = msgspec.structs.replace(
                knows, auxiliary=attacker.auxiliary_split, auxiliary_pairs=attacker.asked_for
            )
        words += ["--attackers", attacker.name, *command_line(knows)]
    words += [*command_line(_asked(audit)), "--out", "RUN"]
    return shlex.join(one_line(word) for word in words)


def _asked(audit: AuditResult) -> AuditSettings:
    """Give the settings to ask for: any engine counts the same."""
    settings = msgspec.structs.replace(audit.settings, engine="auto")
    if audit.attacker is None and settings.temperature == DEFAULT_TEMPERATURE:
        settings = msgspec.structs.replace(settings, temperature=None)
    shown = {row.pool for row in audit.closed_set if row.negatives != ALL and not row.full}
    if shown <= set(settings.pool or ()):
        return settings
    # Inside strata the default has smaller pools too, and they are not rows over all distractors.
    return msgspec.structs.replace(settings, pool=None)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("relinkage.pages"),
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
        "pool": pool_cell,
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


def _audit_view(audit: AuditResult) -> dict[str, Any]:
    cohort, found = audit.inputs.cohort, headline(audit)
    dataset = one_line(cohort.name if cohort else audit.name)
    return {
        "audit": audit,
        "name": one_line(audit.name),
        "headline": found,
        "outcome": Verbatim(found.outcome),
        "verdict": Verbatim(found.verdict.replace(SPACE, " ")),
        "access": access(audit),
        "distractors": distractors(audit.settings),
        "hard_negatives": hard_negatives_of(audit) if audit.strata else "",
        "limits": limits(audit),
        "whose": plural(who(audit)),
        "harms": harms(audit),
        "between": between(audit),
        "facts": audited_facts(audit),
        "notes": [one_line(note) for note in audit.notes],
        "results": [_result(audit, *group) for group in groups(audit.closed_set)],
        "controls": controls_finding(audit),
        "findings": finding_lines(audit),
        "duplicates": duplicates_sentence(audit),
        "dataset": dataset,
        "dataset_type": re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-") or "cohort",
        "command": Verbatim(reproduce(audit)),
    }


def _result(audit: AuditResult, direction: str, negatives: str) -> dict[str, Any]:
    rows = select(audit.closed_set, direction=direction, negatives=negatives)
    return {
        "title": group_title(direction, negatives),
        "direction": direction,
        "rows": rows,
        "metrics": [_metric(row) for row in rows],
    }


def _metric(row: RecallRow) -> dict[str, Any]:
    names = ("k", "negatives", "low", "high", "chance", "lift", "queries", "coverage")
    pool = {"pool": "own stratum", "largest": row.pool} if own_stratum(row) else {"pool": row.pool}
    return {
        "type": f"recall_at_{row.k}",
        "name": f"Linkage Recall@{row.k} among {holding(row)} (lower is better)".replace(SPACE, " "),
        "value": row.recall,
        "args": pool | {name: getattr(row, name) for name in names},
    }
