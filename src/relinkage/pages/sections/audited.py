"""What was audited: the model, the cohort, its size, and the inputs by fingerprint."""

from dataclasses import dataclass

from relinkage.encoders.card import EncoderCard
from relinkage.encoders.trained.manifest import AlignedHeads, HardenedHeads, OwnHeads
from relinkage.linkage.result import AuditedHeads, AuditResult, Inputs
from relinkage.pages.sections.tables import View
from relinkage.pages.wording import counted, one_line, percent


@dataclass(frozen=True)
class Fact:
    """A line of "what was audited"."""

    name: str
    value: str
    fingerprint: str = ""


def audited_facts(audit: AuditResult) -> list[Fact]:
    """Say what was audited: the model, the cohort, its size, and the inputs by fingerprint."""
    inputs = audit.inputs
    model, heads, cohort = inputs.model, inputs.heads, inputs.cohort
    facts = []
    if model:
        facts += [
            Fact("Model", one_line(model.id), one_line(model.revision)),
            Fact("Licence", one_line(model.licence)),
            Fact("Preprocessing", one_line(model.preprocessing)),
            Fact("Training data", one_line(model.seen)),
        ]
        if limits := _text_limits(inputs, model):
            facts.append(Fact("Text limit", ". Then ".join(limits)))
    if heads:
        facts.append(Fact("Projection heads", _trained_heads(heads)))
    if cohort:
        facts.append(Fact("Cohort", one_line(cohort.name), one_line(cohort.fingerprint)))
    if inputs.split:
        facts.append(Fact("Split", one_line(inputs.split)))
    size = f"{counted(audit.queries, 'query')} against {counted(audit.candidates, 'candidate')}"
    facts.append(Fact("Size", f"{size}, vectors of {audit.dimension} dimensions"))
    studies = counted(audit.studies, "study")
    patients = counted(audit.patients, "patient") if audit.patients_known else "not known"
    facts.append(Fact("Patients", f"{patients}; {studies}"))
    facts += [
        Fact(
            name,
            f"{one_line(file.file)}, {counted(file.rows, 'row')}",
            one_line(file.fingerprint),
        )
        for name, file in (("Images", inputs.images), ("Reports", inputs.reports), ("Pairs", inputs.pairs))
        if file
    ]
    return facts


def audited_view(audit: AuditResult, prefix: str) -> View:
    """Give what was audited, and the audit's notes."""
    return {"facts": audited_facts(audit), "notes": [one_line(note) for note in audit.notes]}


def _text_limits(inputs: Inputs, model: EncoderCard) -> list[str]:
    """Say what limits the reports met, in that order, and the share of them that each cut."""
    budget, limit = inputs.token_budget, model.token_limit
    met = []
    if budget:
        said = f"a budget of {counted(budget, 'token')} (words and punctuation marks)"
        met.append((said, inputs.cut_share))
    if limit:
        said = counted(limit, "token") + (" of the model's own" if budget else "")
        met.append((said, inputs.truncated_share))
    return [
        said + ("" if share is None else f"; {percent(share)} of the reports were cut there")
        for said, share in met
    ]


def _trained_heads(heads: AuditedHeads) -> str:
    """Say what heads were trained on, as far as their manifest tells."""
    told = heads.manifest
    if told is None or isinstance(told, OwnHeads):
        return f"{one_line(heads.file)}; what trained them is not known"
    if isinstance(told, AlignedHeads):
        settings = told.settings
        shape = f"{settings.head}, {settings.dimension} dimensions, {settings.objective}"
        trained = f"trained on {counted(told.pairs, 'pair')} of {counted(told.patients, 'patient')}"
    else:  # hardened heads keep to themselves on how many they were trained
        shape, trained = f"hardened, {told.settings.mechanism}", "trained"
    privacy = told.privacy.sentence if isinstance(told, HardenedHeads) and told.privacy else "none"
    return one_line(f"{heads.file}: {shape}; {trained} of the split {told.train_split}; privacy: {privacy}")
