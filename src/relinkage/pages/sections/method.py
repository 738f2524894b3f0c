"""The method: what was computed and how, from the settings and inputs that an audit carries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from relinkage.linkage.result import AttackerUsed, AuditResult
from relinkage.linkage.settings import AuditSettings
from relinkage.options import Field, fields_of
from relinkage.pages.audits import stronger_attacker
from relinkage.pages.sections.audited import audited_facts
from relinkage.pages.verdicts import who
from relinkage.pages.wording import bare_percent, counted, listed, one_line, plural

UNCERTAIN = {
    "own": "a value of their own",
    "positive": "count as positive",
    "negative": "count as negative",
    "absent": "count as not mentioned",
}
"""What an uncertain label is taken for, by the setting's name."""
MISSING = {
    "wildcard": "a query without a value searches all values, one with a value those candidates that have it",
    "own": "a value of their own, shared by all blanks of a column",
    "exclude": "a study with one is left out, as a query and as a candidate",
}
"""What a blank means where it is not a label, by the setting's name."""


@dataclass(frozen=True)
class Step:
    """A line of the method.

    Attributes:
        name: what it is about.
        texts: how it was done, once where all audits agree, else a text an audit that begins with its name.
    """

    name: str
    texts: tuple[str, ...]


def method_steps(audits: Sequence[AuditResult]) -> list[Step]:
    """Say how audits were measured, each line once where they agree.

    Args:
        audits: results, at least one.
    """
    told = [dict(_steps(audit)) for audit in audits]
    names = [name for name, _ in _steps(audits[0])]
    names += [name for steps in told for name in steps if name not in names]
    found = []
    for name in dict.fromkeys(names):
        texts = [steps.get(name, "not done.") for steps in told]
        if len(set(texts)) == 1:
            found.append(Step(name, (texts[0],)))
        else:
            each = (f"{one_line(a.name, 40)}: {text}" for a, text in zip(audits, texts, strict=True))
            found.append(Step(name, tuple(each)))
    return found


def settings_table(audits: Sequence[AuditResult]) -> list[tuple[str, list[str]]]:
    """Give every setting with its value in each audit, versions first."""
    return [
        ("relinkage", [one_line(audit.version) for audit in audits]),
        ("Schema", [one_line(audit.schema) for audit in audits]),
        *(
            (
                field.name.replace("_", " ").capitalize(),
                [_plain(getattr(audit.settings, field.name), field) for audit in audits],
            )
            for field in fields_of(AuditSettings)
        ),
    ]


def _steps(audit: AuditResult) -> list[tuple[str, str]]:
    """Give the lines of one audit; what it did not do has none."""
    settings = audit.settings
    steps = [
        ("Score", _score(stronger_attacker(audit))),
        (
            "Ranks",
            "For each query, how many candidates score above the mate and how many tie, counted exactly over "
            f"the whole gallery (engine: {one_line(settings.engine)}).",
        ),
        (
            "Pools",
            _pools(audit),
        ),
        ("Distractors", distractors(settings)),
        ("Chance", "What a scorer that knows nothing reaches, K / N; lift is recall divided by chance."),
        ("Intervals", _intervals(audit)),
        ("Verdict", _verdict(audit)),
    ]
    if audit.strata:
        steps.append(("Hard negatives", _hard_negatives(audit)))
    if audit.targets:
        steps.append(("Hits", _targets(audit)))
    if audit.open_set:
        steps.append(("Open set", _open_set(audit)))
    if audit.entropy:
        steps.append(("Entropy", _entropy(audit)))
    steps.append(("Controls", _controls(audit)))
    if limits := [fact.value for fact in audited_facts(audit) if fact.name == "Text limit"]:
        steps.append(("Text", f"Reports reach the encoder up to {'; then '.join(limits)}."))
    steps.append(
        (
            "To repeat it",
            f"Seed {settings.seed}, relinkage {one_line(audit.version)}. The same inputs (fingerprints "
            "under “What was audited”), seed and version give the same figures.",
        )
    )
    return steps


def _pools(audit: AuditResult) -> str:
    """Say what recall at a pool is a mean over."""
    rounds = max(row.refits for row in audit.closed_set)
    if rounds:
        return (
            "At pools smaller than the gallery recall is a mean over pools drawn in "
            f"{counted(rounds, 'round')}, on each of which the attacker was fitted. "
            "Ties are broken at random, in expectation."
        )
    return (
        "Recall and ranks are the exact average over all pools of a size, the mate and distractors drawn "
        "without replacement; no pool is sampled. Ties are broken at random, in expectation."
    )


def _score(attacker: AttackerUsed | None) -> str:
    whose = "the vectors as given"
    if attacker is not None:
        whose = f"vectors that the attacker {one_line(attacker.name, 40)} makes of the {attacker.on}"
        if attacker.auxiliary_pairs:
            whose += f", learned from {counted(attacker.auxiliary_pairs, 'pair')} of "
            whose += counted(attacker.auxiliary_patients, "other patient")
    return f"The cosine of {whose}, in float64 where it decides; scores within 2⁻⁴⁰ tie."


def distractors(settings: AuditSettings) -> str:
    """Say who is in the pool beside the mate."""
    if settings.distractors == "other-patients":
        return "Candidates of other patients: a patient's other studies are left out of the pool."
    return "All candidates but the mate, a patient's other studies among them."


def _intervals(audit: AuditResult) -> str:
    settings = audit.settings
    of = who(audit)
    known = "" if audit.patients_known else " (patients are not known)"
    others = f"other {plural(of)}"
    varies = f"The gallery is held fixed: intervals speak of {others} asked about, not of other candidates"
    if settings.varies == "patients-and-gallery":
        varies = (
            "Intervals of Recall@K among all distractors, in pools smaller than the gallery, let "
            f"{plural(of)} and gallery vary, as if {others} brought other candidates; all others hold the "
            "gallery fixed"
        )
    return (
        f"At {bare_percent(settings.interval)}, {counted(settings.replicates, 'bootstrap draw')} of "
        f"{plural(of)}{known}; Clopper-Pearson at the effective number of queries where hits or misses are "
        f"fewer than ten. {varies}."
    )


def _verdict(audit: AuditResult) -> str:
    negligible = f"{audit.settings.negligible_lift:g}"
    return (
        "Over all rows together, but for those by text. Above or below chance: the interval of some row, at "
        "a level that one in a hundred audits of models that link nothing fails at most, leaves out chance. "
        f"No linkage found: no such row, and the upper limit of every row lies below {negligible} times "
        f"chance (rows in which {negligible} times chance is certainty cannot say so). All else is too few "
        "to tell."
    )


def _hard_negatives(audit: AuditResult) -> str:
    settings = audit.settings
    columns = listed(one_line(column) for column in settings.hard_negatives or ["labels"])
    ladder = ", and the ladder of further columns" if settings.ladder else ""
    uncertain = UNCERTAIN[settings.uncertain]
    return (
        f"Distractors share the query's value in {columns}{ladder}. Uncertain labels: {uncertain}. Blanks: "
        f"{MISSING[settings.missing]}. {hard_negatives_of(audit)} "
        "Queries whose stratum is smaller than the pool leave the row; coverage says how many stay."
    )


def hard_negatives_of(audit: AuditResult) -> str:
    """Say whose studies hard negatives are."""
    if not audit.patients_known:
        return "Patients are not known, so some may be of the query's own patient."
    if audit.settings.hard_negatives_of == "other-patients":
        return "They are of other patients: the patient's other studies are left out."
    return "The patient's other studies are among them."


def _targets(audit: AuditResult) -> str:
    said = {
        "text": "By text, any report with the mate's text is a hit.",
        "patient": "By patient, all candidates of the patient are in the pool and any is a hit.",
    }
    found = dict.fromkeys(row.target for row in audit.targets)
    return f"{' '.join(said[target] for target in found)} Chance is worked out for each."


def _open_set(audit: AuditResult) -> str:
    scores = listed(dict.fromkeys(row.score for row in audit.open_set))
    rates = listed(dict.fromkeys(bare_percent(row.fpir) for row in audit.open_set))
    drawn = f", at most {counted(audit.open_set_sample, 'query')} of each half"
    return (
        f"Patients are dealt into two halves{drawn}: each sets thresholds on {scores} for FPIR {rates}, and "
        "is measured at those of the other half; intervals set them again in every draw of patients."
    )


def _entropy(audit: AuditResult) -> str:
    row = audit.entropy[0]
    over = f"a sample of {counted(row.queries, 'query')}" if row.sampled else "all queries"
    return (
        f"Of the softmax at temperature {row.temperature:g} of a query's scores with all its candidates, "
        f"divided by the logarithm of their number, over {over}."
    )


def _controls(audit: AuditResult) -> str:
    names = dict.fromkeys(one_line(row.control) for row in audit.controls)
    if not names:
        return "None was run."
    return f"The same measurement with {listed(names)}; all must sit on chance."


def _plain(value: Any, field: Field) -> str:
    if value is None or value == ():
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return one_line(field.text(value).replace(",", ", "))
