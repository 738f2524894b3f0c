"""The verdicts of a check as lines of plain text."""

from relinkage.pages.terminal import table_lines
from relinkage.pages.wording import SPACE, one_line, percent, times
from relinkage.policies.result import CheckResult, Verdict


def check_table(result: CheckResult) -> str:
    """Return rule, figure, upper limit, limit and verdict as a table, and below what else is to know.

    Args:
        result: what a check found.
    """
    rows = result.verdicts
    table = table_lines(
        [
            ("Rule", "<", [row.rule for row in rows]),
            ("Figure", ">", [_number(row, row.figure) for row in rows]),
            ("At most", ">", [_number(row, row.at_most) for row in rows]),
            ("Limit", ">", [_number(row, row.limit) for row in rows]),
            ("Verdict", "<", [row.verdict for row in rows]),
        ]
    )
    below = [f"{row.rule}: {_below(row)}." for row in rows if _below(row)]
    tried = "1 attacker" if len(result.attackers) == 1 else f"{len(result.attackers)} attackers"
    missed = [row for row in rows if row.verdict != "pass"]
    end = f"{len(missed)} of {len(rows)} rules not passed" if missed else f"all {len(rows)} rules passed"
    policy = one_line(result.policy.head.name)
    last = (
        f"{one_line(result.run, 60)} {'fails' if missed else 'passes'} the policy {policy}: {end}."
        f" Upper limits are one-sided, at 95 % or more, by the {tried} tried, for patients like these "
        f"{result.patients:,}."
    )
    return "\n".join([table, "", *below, last]).replace(SPACE, " ")


def _number(row: Verdict, value: float | None) -> str:
    if value is None:
        return ""
    if row.relative:
        return f"{times(abs(value))} ×" if value >= 0 else f"−{times(-value)} ×"
    return percent(value) if value >= 0 else f"−{percent(-value)}"


def _below(row: Verdict) -> str:
    if row.verdict == "pass" or row.attacker is None:
        return one_line(row.detail)
    return one_line("; ".join(part for part in (f"by {row.attacker}, {row.direction}", row.detail) if part))
