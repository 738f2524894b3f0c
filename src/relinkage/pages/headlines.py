"""The headline of an audit: what was found, in one plain sentence that is exact and careful.

"An attacker holding 10,000 reports finds the right one for 1 image in 200: 50 times chance."
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relinkage.encoders.trained.statement import what_epsilon_leaves_open
from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RecallRow, TargetRow
from relinkage.linkage.verdict import Outcome, Verdict
from relinkage.pages.audits import ALL, first_k, select, synthetic
from relinkage.pages.controls import controls_finding, controls_off
from relinkage.pages.places import finds, holding
from relinkage.pages.verdicts import (
    headline_row,
    named_row,
    patients_needed,
    smaller_pool,
    verdict,
    verdict_words,
    who,
)
from relinkage.pages.wording import (
    SPACE,
    bare_percent,
    bare_times,
    bounded,
    count,
    counted,
    exact_odds,
    interval,
    percent,
    plural,
    sides,
)

SYNTHETIC = (
    "These patients are synthetic: they were drawn by a program, in such a way that encoders which know more "
    "of the reports link more. The figures say how the tool behaves, never how a clinical model would."
)

SMALL_COHORT = 300
"""Below this many patients an event that was never seen may still have a rate above 1 %: the rule of three,
3 / patients (Hanley and Lippman-Hand, JAMA 1983)."""

TINY_COHORT = 10
"""Up to this many patients not even the rule of three says anything useful."""


@dataclass(frozen=True)
class Headline:
    """What an audit found, for the first screen.

    Attributes:
        sentence: the finding.
        detail: the figures behind it, exactly.
        caveats: what a reader must know before quoting it, a sentence each; often none.
        outcome: what all rows of the audit say together.
        verdict: the same in a line.
        row: the row that the sentence speaks of.
    """

    sentence: str
    detail: str
    caveats: tuple[str, ...]
    outcome: Outcome
    verdict: str
    row: RecallRow


def headline(audit: AuditResult) -> Headline:
    """Say in words what an audit found: a row above chance, or else its largest pool up to `LARGEST_POOL`."""
    return _state(audit, audit.closed_set)


def strongest(audits: Sequence[AuditResult]) -> tuple[int, Headline]:
    """Give the position and the headline of the audit that links most.

    All are judged at the largest pool they share, or at their own where they share none.

    Args:
        audits: at least one.
    """
    shared = set.intersection(*({row.pool for row in _first(audit)} for audit in audits))
    judged = [[row for row in _first(audit) if not shared or row.pool in shared] for audit in audits]
    best = max(range(len(audits)), key=lambda i: headline_row(judged[i]).lift)
    return best, _state(audits[best], judged[best])


def usual_row(audit: AuditResult) -> RecallRow:
    """Return the row that audits of one cohort share: all distractors, first direction, smallest K."""
    return headline_row(_first(audit))


def _first(audit: AuditResult) -> list[RecallRow]:
    """Return the rows over all distractors, in the first direction and at the smallest K."""
    rows = select(audit.closed_set, negatives=ALL) or list(audit.closed_set)
    rows = select(rows, direction=rows[0].direction)
    return select(rows, k=first_k(rows))


def _state(audit: AuditResult, preferred: Sequence[RecallRow]) -> Headline:
    """Say what all rows show, by a row that shows it: one of those preferred, if one does."""
    found = verdict(audit)
    shows = {
        "above": found.above,
        "below": found.below,
        "unclear": found.unclear or audit.closed_set,
        "none": audit.closed_set,
    }[found.outcome]
    row = named_row(audit, [row for row in preferred if row in shows] or shows)
    return Headline(
        _sentence(audit, row, found.outcome),
        _detail(audit, row),
        _caveats(audit, found, row),
        found.outcome,
        verdict_words(audit, found, row),
        row,
    )


def _sentence(audit: AuditResult, row: RecallRow, outcome: Outcome) -> str:
    query, _ = sides(row.direction)
    attacker, does = f"An attacker holding {holding(row)}", finds(row)
    chance = f"chance, which is {'always' if row.chance >= 1 else _how_many(row.chance, query)}"
    if outcome == "above":
        return f"{attacker} {does} for {_how_many(row.recall, query)}: {_times_chance(row.lift)}."
    if outcome == "none":
        level = bare_percent(audit.settings.interval)
        most = f"at most {bounded(row.high / row.chance)} times as often as chance ({level} limit)"
        by_chance = "always" if row.chance >= 1 else f"for {_how_many(row.chance, query)}"
        return f"{attacker} {does} {most}; chance alone does {by_chance}."
    share = f"none of the {counted(row.queries, query)}" if row.recall == 0 else _how_many(row.recall, query)
    if outcome == "below":
        return f"{attacker} {does} for {share}: less often than {chance}."
    return f"{attacker} {does} for {share}: too few hits to tell from {chance}."


def _how_many(share: float, noun: str) -> str:
    if share >= 1:
        return f"every {noun}"
    hits, out_of = exact_odds(share)
    return f"{counted(hits, noun)} in{SPACE}{count(out_of)}"


def _times_chance(lift: float) -> str:
    said = bare_times(lift)
    return "just above chance" if said == "1" else f"{said} times chance"


def _detail(audit: AuditResult, row: RecallRow) -> str:
    query, candidate = sides(row.direction)
    level, like = bare_percent(audit.settings.interval), plural(who(audit))
    over = counted(row.queries, query)
    if audit.patients_known:
        over += f" of {counted(row.patients, 'patient')}"
    found = (
        f"{percent(row.recall)} ({level} interval for other {like} like them {interval(row.low, row.high)})"
    )
    text = f"Recall@{row.k} is {found}, chance is {bare_percent(row.chance)}, over {over}."
    if first := _ranked_first(row):
        text += f" {first}"
    if not row.full:
        text += f" It is the exact average over all pools of {counted(row.pool, candidate)}."
    if row.coverage < 1:
        text += f" {percent(row.coverage)} of the queries have so large a pool; the others are left out."
    return text


def _ranked_first(row: RecallRow) -> str:
    """Say for how many of the queries at hand the mate ranked first: a count, without an interval."""
    hits = row.recall * row.queries
    if not row.full or row.k != 1 or isinstance(row, TargetRow) or abs(hits - round(hits)) > 1e-6:
        return ""
    query, _ = sides(row.direction)
    return (
        f"The right one ranked first for {count(hits)} of these {counted(row.queries, query)}; "
        "the attacker does not know which."
    )


def _caveats(audit: AuditResult, found: Verdict, row: RecallRow) -> tuple[str, ...]:
    query, _ = sides(row.direction)
    caveats = []
    if controls_off(audit):
        caveats.append(f"{controls_finding(audit)} Do not quote this audit before you know why.")
    if synthetic(audit):
        caveats.append(SYNTHETIC)
    if stated := _statement(audit):
        caveats.append(stated)
    largest = max(other.pool for other in audit.closed_set)
    if found.outcome == "none" and largest < audit.candidates:
        caveats.append(
            f"Nothing is said of larger pools, up to all {count(audit.candidates)}: they were not asked for."
        )
    if found.outcome == "unclear":
        if row.high > row.chance > 0:
            allowed = f"{_how_many(row.high, query)}: {bare_times(row.high / row.chance)} times chance"
            caveats.append(f"The interval still allows {allowed}.")
        if found.patients is not None:
            caveats.append(
                f"About {patients_needed(audit, found.patients)} like these would tell in four audits of "
                "five, at the same pool sizes, if the rate stays what it is, or chance where that is higher."
            )
        if smaller := smaller_pool(audit, found, row):
            caveats.append(f"It is {smaller}.")
    if found.outcome == "below":
        caveats.append(
            "A rate below chance often means that pairs are mixed up: "
            "check that each row of the images belongs to its report."
        )
    if not audit.patients_known:
        caveats.append(
            "Patients are not known: every study counts as a patient of its own, "
            "which makes the interval too narrow where patients have several."
        )
    elif row.patients <= TINY_COHORT or (row.patients < SMALL_COHORT and found.outcome != "above"):
        caveats.append(_too_few(row.patients, query))
    return tuple(caveats)


def _statement(audit: AuditResult) -> str:
    """Say on the first screen whom a privacy statement of the heads speaks of; often nothing."""
    heads = audit.inputs.heads
    stated = None if heads is None or heads.manifest is None else heads.manifest.privacy
    if stated is None or stated.kind == "refuted":
        return ""
    trained = f"{stated.kind} differential privacy (ε {stated.epsilon:.3g}, δ {stated.delta:g})"
    return " ".join([f"The heads were trained with {trained}.", *what_epsilon_leaves_open(stated)])


def _too_few(patients: int, query: str) -> str:
    who = counted(patients, "patient")
    if patients <= TINY_COHORT:
        return f"{who}: too few to say anything about others."
    return f"{who}: too few to tell a rate below {_how_many(3 / patients, query)} from none."
