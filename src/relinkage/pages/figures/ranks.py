"""How the mates rank in the whole gallery, against what chance would do."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from relinkage.linkage.result import AuditResult
from relinkage.linkage.rows import RankDistribution
from relinkage.pages.audits import select
from relinkage.pages.figures.canvas import SMALL, Figure, Sheet, colour, drawn
from relinkage.pages.wording import SPACE, bare_percent, count, percent, sides


class Bins(NamedTuple):
    """A distribution of relative ranks, and chance beside it.

    Attributes:
        edges: relative ranks, one more than bins; a bin is closed at the left, the last at both ends.
        counts: queries in each bin.
        shares: the same as shares of all queries.
        chance: the share of each bin if every rank were equally likely; above 0.
    """

    edges: list[float]
    counts: list[float]
    shares: list[float]
    chance: list[float]


def rank_figure(audit: AuditResult, prefix: str, distribution: RankDistribution) -> Figure:
    """Draw the share of queries by the relative rank of their mate on log axes, with the uniform expectation.

    Args:
        audit: the audit.
        prefix: starts the figure's key; unique on the page.
        distribution: one of its rows of `rank_distribution`.
    """
    gallery = round(1 / distribution.edges[0])
    bins = rank_bins(distribution.edges, distribution.counts, gallery)
    floor = min(*bins.chance, *(share for share in bins.shares if share)) / 2
    top = max(*bins.shares, *bins.chance)

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes(left=66, right=22, top=14, bottom=46)
        axes.set(xscale="log", yscale="log", xlim=(bins.edges[0], bins.edges[-1]), ylim=(floor, top * 3))
        shares = [max(share, floor) for share in bins.shares]
        axes.stairs(shares, bins.edges, baseline=floor, fill=True, color=colour("series-1"), alpha=0.14)
        axes.stairs(shares, bins.edges, baseline=None, color=colour("series-1"), linewidth=2)
        axes.stairs(
            bins.chance,
            bins.edges,
            baseline=None,
            color=colour("muted"),
            linewidth=1.2,
            linestyle=(0, (2, 2)),
        )
        for axis, low in ((axes.xaxis, bins.edges[0]), (axes.yaxis, floor)):
            axis.set_major_locator(FixedLocator(_decades(low)))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda share, _: bare_percent(share)))
        axes.set_xlabel("rank of the mate, as a share of the gallery", labelpad=8)
        _name_lines(axes, bins)

    takeaway = _takeaway(audit, distribution, bins, gallery)
    wide, narrow = drawn(f"{prefix}-ranks", (300, 280), paint)
    alt = (
        f"Stepped chart on logarithmic axes: share of queries by rank. {takeaway} The dashed line is chance."
    )
    cells = zip(bins.edges[:-1], bins.edges[1:], bins.counts, bins.shares, bins.chance, strict=True)
    table = tuple((percent(a), percent(b), count(n), percent(s), percent(c)) for a, b, n, s, c in cells)
    columns = ("Rank from", "to", "Queries", "Share", "Chance")
    query, candidate = sides(distribution.direction)
    title = f"Share of {query}s by the rank of their {candidate}"
    return Figure(f"{prefix}-ranks", title, takeaway, alt, wide, narrow, columns, table)


def rank_bins(edges: Sequence[float], counts: Sequence[float], gallery: int) -> Bins:
    """Join bins that no whole rank falls into to the next one, and put chance beside the shares.

    Args:
        edges: relative ranks, rising from 1 / `gallery` to 1.
        counts: queries in each bin.
        gallery: the size of the pool that ranks are counted in.
    """
    # Ranks that lie on an edge must not fall off it by rounding.
    below = [math.ceil(edge * gallery - 1e-6) - 1 for edge in edges[:-1]] + [gallery]
    joined_edges, joined, chance = [edges[0]], [0.0], []
    for (low, high), number, edge in zip(pairwise(below), counts, edges[1:], strict=True):
        joined[-1] += number
        if high > low:
            joined_edges.append(edge)
            chance.append((high - low) / gallery)
            joined.append(0.0)
    joined.pop()
    total = max(sum(joined), 1)
    return Bins(joined_edges, joined, [number / total for number in joined], chance)


def _decades(low: float) -> list[float]:
    return [10.0**exponent for exponent in range(math.ceil(math.log10(low) - 1e-9), 1)]


def _name_lines(axes: Axes, bins: Bins) -> None:
    """Write the name of each line where it stands out from the other."""
    ratio = [share / chance for share, chance in zip(bins.shares, bins.chance, strict=True)]
    early = max(range(max(len(ratio) // 2, 1)), key=lambda i: ratio[i])
    # A name is about a fifth of the axis wide and must clear all the steps below it.
    beside = slice(early, early + len(ratio) // 5 + 1)
    clear = max(*bins.shares[beside], *bins.chance[beside])
    for text, role, x, y, side in (
        ("this audit", "series-1", bins.edges[early], clear, "left"),
        ("chance", "muted", bins.edges[-1], max(bins.shares[-1], bins.chance[-1]), "right"),
    ):
        axes.annotate(
            text,
            xy=(x, y),
            xytext=(0, 8),
            textcoords="offset points",
            ha=side,
            fontsize=SMALL,
            color=colour(role),
        )


def _middle(bins: Bins) -> float:
    """Return where half of the mates are, as if those of a bin lay evenly in it."""
    before = 0.0
    for low, high, share in zip(bins.edges, bins.edges[1:], bins.shares, strict=False):
        if share > 0 and before + share >= 0.5:
            return low + (0.5 - before) / share * (high - low)
        before += share
    return bins.edges[-1]


def _takeaway(audit: AuditResult, distribution: RankDistribution, bins: Bins, gallery: int) -> str:
    direction, negatives = distribution.direction, distribution.negatives
    ranks = select(audit.ranks, direction=direction, negatives=negatives, pool=gallery)
    # Where the full gallery was not asked for, only the bin is known that holds the middle query.
    if ranks:
        half, about = ranks[0].median_rank / gallery, ""
    else:
        half, about = _middle(bins), "about "
    _, candidate = sides(direction)
    return (
        f"Half of the mates rank within {about}the top {percent(half)} of {count(gallery)} {candidate}s; "
        f"chance would put half of them within the top 50{SPACE}%."
    )
