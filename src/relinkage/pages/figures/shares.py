"""An axis of shares that stretches both ends (log-odds), so that 0.1 % and 99.9 % can both be read."""

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from relinkage.pages.figures.canvas import SMALL
from relinkage.pages.wording import SPACE

_LEAST, _MOST = 1e-7, 1 - 1e-7
_ROUND = (0.5, *(share for e in range(1, 8) for share in (10.0**-e, 1 - 10.0**-e)))
_BETWEEN = (0.3, 0.7, *(share for e in range(1, 7) for share in (0.3 * 10.0**-e, 1 - 0.3 * 10.0**-e)))


def share_limits(shares: Iterable[float], room: float = 1.6) -> tuple[float, float]:
    """Give the ends of an axis that holds all shares that are neither 0 nor 1, with room in odds beyond them.

    Args:
        shares: what is drawn; 0 and 1 have no place on the axis and are drawn on its ends.
        room: the factor by which odds at the ends exceed those of the shares.
    """
    inside = [share for share in shares if _LEAST <= share <= _MOST] or [0.5]
    return _shifted(min(inside), 1 / room), _shifted(max(inside), room)


def share_axis(axes: Axes, limits: tuple[float, float], *, names: bool = True) -> None:
    """Make the vertical axis one of shares, with round marks a line of text apart.

    Args:
        axes: where.
        limits: its ends, as `share_limits` gives them.
        names: whether the marks are written beside it.
    """
    axes.set_yscale("logit", nonpositive="clip")
    axes.set_ylim(*limits)
    axes.yaxis.set_major_locator(FixedLocator(_marks(axes, limits)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: _said(share) if names else ""))


def within(share: float, limits: tuple[float, float]) -> float:
    """Move a share that lies beyond the axis to its end."""
    return min(max(share, limits[0]), limits[1])


def _shifted(share: float, factor: float) -> float:
    odds = factor * share / (1 - share)
    return odds / (1 + odds)


def _marks(axes: Axes, limits: Sequence[float]) -> list[float]:
    """Give round shares, as many as stand apart: powers of ten from either end first."""
    kept: dict[float, float] = {}
    for share in (share for share in (*_ROUND, *_BETWEEN) if limits[0] <= share <= limits[1]):
        height = float(axes.transData.transform((1.0, share))[1])
        if all(abs(height - other) >= 1.9 * SMALL for other in kept.values()):
            kept[share] = height
    return sorted(kept)


def _said(share: float) -> str:
    return f"{100 * share:.8g}{SPACE}%"
