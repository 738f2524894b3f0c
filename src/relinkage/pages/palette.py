"""The colours of a report, by role: one table for the style sheet and for the figures in it."""

LIGHT = {
    "ground": "#ffffff",
    "ink": "#171b20",
    "muted": "#59626d",
    "rule": "#dde1e5",
    "accent": "#0b5394",
    "alert": "#a33b12",
    "calm": "#1f6b4f",
    "alert-ground": "#fdf3ee",
    "series-1": "#0b5394",
    "series-2": "#a8560b",
    "series-3": "#1f7a5c",
    "series-4": "#7c3f97",
    "series-5": "#b0305c",
    "series-6": "#4d6472",
}
"""Colours on white paper."""

DARK = {
    "ground": "#14171b",
    "ink": "#e7eaed",
    "muted": "#9ba5b0",
    "rule": "#323941",
    "accent": "#7cb8f2",
    "alert": "#f2a07b",
    "calm": "#7ccfae",
    "alert-ground": "#2b1f1a",
    "series-1": "#7cb8f2",
    "series-2": "#eaa659",
    "series-3": "#6fcfa8",
    "series-4": "#c79be0",
    "series-5": "#f08fb0",
    "series-6": "#a5bac7",
}
"""The same roles on a dark screen."""

SERIES = tuple(name for name in LIGHT if name.startswith("series-"))
"""Roles for lines that stand side by side, in order."""


def series(position: int) -> str:
    """Give the role of the line at a position; roles repeat after the last."""
    return SERIES[position % len(SERIES)]
