"""A table of defences in one look: linkage by the strongest attacker, what is left inside labels, and use."""

from collections.abc import Sequence

from relinkage.defences.result import STRONGEST, DefenceCohort, DefenceFigures, DefencesResult, Search
from relinkage.pages.defences import judged, linked, use_of
from relinkage.pages.wording import bare_percent, count, percent

CAPTION = (
    "Recall@1 by the strongest attacker tried, among so many reports or images; what is left inside labels "
    "at most; label precision; use"
)
"""What the columns are."""
USE_HELD = (
    "Use is held where label precision of both directions and zero-shot AUROC each lose at most 2 points, by "
    "the lower end of the interval, and each beats a random image head."
)
"""What the last column means."""
_HELD = {True: "held", False: "lost", None: "–"}


def summary(result: DefencesResult, cohort: DefenceCohort) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of the summary.

    Args:
        result: the content of `defences.json`.
        cohort: one of its cohorts.

    Returns:
        The names of the columns, and a row of cells for each defence.
    """
    head = ["Released", *(_search(search) for search in cohort.searches)]
    inside = next((search for search in cohort.searches if search.negatives == "labels"), None)
    if inside is not None:
        head.append("left inside")
    head += ["image to report", "report to image", "use"]
    rows = []
    for row, figures in judged(result, cohort):
        found = [linked(figures, STRONGEST, search) for search in cohort.searches]
        cells = [row.title, *("–" if one is None else percent(one.recall.value) for one in found)]
        if inside is not None:
            share = None if row.key == "published" else left_inside(cohort.figures, row.key, inside)
            cells.append("–" if share is None else bare_percent(share) if share < 1 else "not less")
        uses = [use_of(figures, ("precision", one)) for one in ("image-to-report", "report-to-image")]
        cells += ["–" if use is None else percent(use.measured.value) for use in uses]
        rows.append([*cells, _HELD[figures.use_held]])
    return head, rows


def left_inside(figures: dict[str, DefenceFigures], key: str, search: Search) -> float | None:
    """Return what share of linkage inside the label stratum is left at most, by any of the attackers.

    Linkage is Recall@1 less its chance. What is left is the largest upper limit of any attacker, over what
    the strongest attacker links of the published heads.

    Args:
        figures: of all rows.
        key: of the row.
        search: the one inside the label stratum.

    Returns:
        None where the published heads link no more than chance there.
    """
    before = linked(figures["published"], STRONGEST, search)
    highs = [
        row.recall.high
        for row in figures[key].linkage
        if (row.direction, row.negatives, row.pool) == (search.direction, search.negatives, search.pool)
    ]
    if before is None or not highs or before.recall.value <= before.chance:
        return None
    return max(0.0, max(highs) - before.chance) / (before.recall.value - before.chance)


def columns_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the table column by column, as a terminal sets it."""
    return [list(column) for column in zip(head, *rows, strict=True)]


def _search(search: Search) -> str:
    sought = search.direction.split("-to-")[1]
    alike = ", own labels" if search.negatives == "labels" else ""
    return f"{count(search.pool)} {sought}s{alike}"
