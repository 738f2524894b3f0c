"""What was audited: the model, the cohort, its size, and the inputs by fingerprint."""

from dataclasses import dataclass
from typing import Any

from relinkage.reports.audits import Audit
from relinkage.reports.sections.tables import View
from relinkage.reports.wording import counted, one_line, percent


@dataclass(frozen=True)
class Fact:
    """A line of "what was audited"."""

    name: str
    value: str
    fingerprint: str = ""


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
        if limits := _text_limits(inputs):
            facts.append(Fact("Text limit", ". Then ".join(limits)))
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


def audited_view(audit: Audit, prefix: str) -> View:
    """Give what was audited, and the audit's notes."""
    return {"facts": audited_facts(audit), "notes": [one_line(note) for note in audit["notes"]]}


def _text_limits(inputs: dict[str, Any]) -> list[str]:
    """Say what limits the reports met, in that order, and the share of them that each cut."""
    budget, limit = inputs.get("token_budget"), inputs["model"].get("token_limit")
    met = []
    if budget:
        said = f"a budget of {counted(budget, 'token')} (words and punctuation marks)"
        met.append((said, inputs.get("cut_share")))
    if limit:
        said = counted(limit, "token") + (" of the model's own" if budget else "")
        met.append((said, inputs.get("truncated_share")))
    return [
        said + ("" if share is None else f"; {percent(share)} of the reports were cut there")
        for said, share in met
    ]


def _trained_heads(heads: dict[str, Any]) -> str:
    """Say what heads were trained on, as far as their manifest tells."""
    name, settings = one_line(str(heads.get("file", ""))), heads.get("settings")
    if not isinstance(settings, dict):
        return f"{name}; what trained them is not known"
    shape = f"{settings.get('head')}, {settings.get('dimension')} dimensions, {settings.get('objective')}"
    privacy, trained = heads.get("privacy"), "trained"
    if isinstance(privacy, dict):
        shape, privacy = f"hardened, {settings.get('mechanism')}", privacy.get("sentence")
    if "pairs" in heads and "patients" in heads:  # hardened heads keep these to themselves
        trained += f" on {counted(heads['pairs'], 'pair')} of {counted(heads['patients'], 'patient')}"
    return one_line(f"{name}: {shape}; {trained} of the split {heads.get('train_split')}; privacy: {privacy}")
