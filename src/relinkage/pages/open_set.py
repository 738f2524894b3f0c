"""What the open set says, in words: the mates found at a rate of false claims, and what a claim is worth."""

from collections.abc import Sequence
from typing import TypeVar

from relinkage.linkage.open_set_rows import ClaimRow, OpenSetRow, Worth, share_right
from relinkage.pages.wording import bare_percent, count, counted, exact_odds, interval, percent, sides

COSINE = "cosine"
"""The score that every audit of the open set has."""

RATE = 0.01
"""The rate of false claims that is spoken of where it was asked for, so that audits compare."""

C = TypeVar("C", bound=ClaimRow)

_NAMES = {"cosine": "cosine", "margin": "the margin"}


def pool_name(row: ClaimRow) -> str:
    """Give the size of the pool, and say where it is all there is: `10,000`, `all 43,793`."""
    return f"all {count(row.pool)}" if row.full else count(row.pool)


def operating_point(rows: Sequence[OpenSetRow]) -> OpenSetRow:
    """Give the row that is spoken of: cosine, the rate nearest to `RATE`, the largest pool that is not full.

    Args:
        rows: of `open_set`, at least one; the first row's direction counts.
    """
    mine = [row for row in rows if row.direction == rows[0].direction]
    mine = [row for row in mine if row.score == COSINE] or mine
    nearest = min(abs(row.fpir - RATE) for row in mine)
    mine = [row for row in mine if abs(row.fpir - RATE) == nearest]
    return max([row for row in mine if not row.full] or mine, key=lambda row: row.pool)


def same_pool(row: ClaimRow, other: ClaimRow) -> bool:
    """Say whether two rows speak of the same pool."""
    return (row.pool, row.full) == (other.pool, other.full)


def same_point(rows: Sequence[OpenSetRow], point: OpenSetRow) -> list[OpenSetRow]:
    """Give the rows that differ from the operating point by their score at most."""
    mine = [row for row in rows if row.direction == point.direction and row.fpir == point.fpir]
    return [row for row in mine if same_pool(row, point)]


def same_rate(rows: Sequence[OpenSetRow], point: OpenSetRow) -> list[OpenSetRow]:
    """Give the rows that differ from the operating point by their pool at most, the smallest pool first."""
    mine = [row for row in rows if row.direction == point.direction and row.fpir == point.fpir]
    return by_pool([row for row in mine if row.score == point.score])


def by_pool(rows: Sequence[C]) -> list[C]:
    """Put rows in order of their pool, the smallest first."""
    return sorted(rows, key=lambda row: (row.pool, row.full))


def rate_words(fpir: float) -> str:
    """Give a rate of false claims in whole numbers: `one false claim in 100 searches`."""
    if fpir >= 1:
        return "a false claim in every search"
    if fpir <= 0:
        return "no false claim in any search"
    out_of = next((10**e for e in range(1, 9) if abs(fpir * 10**e - round(fpir * 10**e)) < 1e-9), 0)
    single = abs(round(1 / fpir) * fpir - 1) < 1e-9
    hits, out_of = exact_odds(fpir) if single or not out_of else (round(fpir * out_of), out_of)
    return f"{'one' if hits == 1 else count(hits)} false claim{'s' * (hits > 1)} in {count(out_of)} searches"


def finding(row: OpenSetRow) -> str:
    """Return how many mates are found at an operating point, in a sentence."""
    _, candidate = sides(row.direction)
    pool = f"{'all ' * row.full}{counted(row.pool, candidate)}"
    share = "none" if row.tpir == 0 else percent(row.tpir)
    known = f"(interval {interval(row.low, row.high)}; {counted(row.patients, 'patient')})"
    return f"At {rate_words(row.fpir)} of {pool}, {_NAMES[row.score]} finds {share} of the mates {known}."


def knowing_nothing(row: OpenSetRow) -> str:
    """Say what an attacker finds at most who knows nothing."""
    most = bare_percent(row.fpir / row.pool)
    return f"An attacker who knows nothing finds at most {most} at the same rate."


def strongest_score(rows: Sequence[OpenSetRow], point: OpenSetRow) -> str | None:
    """Say which score finds most at the operating point, where that is not the point's own."""
    best = max(same_point(rows, point), key=lambda row: row.tpir)
    if best.score == point.score:
        return None
    return (
        f"Of the two scores, {_NAMES[best.score]} finds more: {percent(best.tpir)} "
        f"(interval {interval(best.low, best.high)})."
    )


def worth(row: OpenSetRow, prior: float) -> float | None:
    """Give the share of claims that are right where the mate is in the pool with probability `prior`.

    PPV = π·TPIR / (π·(TPIR + misidentified) + (1 − π)·FPIR), as measured (THEORY 4).

    Returns:
        None where there are no claims.
    """
    return share_right(prior, row.tpir, row.misidentified, row.fpir_measured)


def worth_sentence(row: OpenSetRow) -> str:
    """Say what a claim is worth at the priors of the row, in a sentence."""
    said = [f"{_right(entry)} where {_holding(entry.prior)} the mate" for entry in row.ppv]
    return f"Of claims among {pool_name(row)}, {'; '.join(said)}." if said else ""


def _holding(prior: float) -> str:
    if prior >= 1 or prior <= 0:
        return "every pool holds" if prior else "no pool holds"
    hits, out_of = exact_odds(prior)
    return f"{count(hits)} pool{'s' * (hits > 1)} in {count(out_of)} hold{'s' * (hits == 1)}"


def _right(entry: Worth) -> str:
    if entry.ppv is None or entry.low is None or entry.high is None:
        return "none is made"
    return f"{percent(entry.ppv)} are right (interval {interval(entry.low, entry.high)})"
