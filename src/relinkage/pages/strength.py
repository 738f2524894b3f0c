"""How strong the strongest of several attackers is, in words."""

from relinkage.linkage.estimates import Estimate
from relinkage.linkage.rows import RecallRow
from relinkage.pages.places import holding
from relinkage.pages.wording import SPACE, bare_percent, bounded, counted, interval, percent, plural


def strength_sentences(
    row: RecallRow, at_least: Estimate, at_most: float, tried: int, level: float, who: str
) -> str:
    """Say what the strongest attacker reaches at least and at most, and what neither covers.

    Args:
        row: the pool and the rank that both speak of.
        at_least: of an attacker who was chosen on one half of the patients and measured on the other.
        at_most: the largest one-sided upper limit of all attackers.
        tried: attackers that were tried.
        level: of the interval and of the upper limit.
        who: what halves are made of, `patient` or `study`.
    """
    least = f"{percent(at_least.value)} ({interval(at_least.low, at_least.high)}"
    most = bounded(100 * at_most) if at_most > 0 else "0"
    return (
        f"The strongest of the {tried} attackers tried, among {holding(row)}: Recall@{row.k} is at least "
        f"{least}; chosen on one half of the {plural(who)} and measured on the other) and at most "
        f"{most}{SPACE}% (the largest one-sided {bare_percent(level)} upper limit), of "
        f"{counted(row.patients, who)}. Attackers that were not tried are not covered."
    )
