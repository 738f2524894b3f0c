"""What a person reads of maps: the lines in the terminal, the figures and the page."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from relinkage import __version__
from relinkage.linkage.estimates import Estimate
from relinkage.pages.figures.canvas import Figure
from relinkage.pages.figures.scatter import Panel, PointClass, scatter_panels
from relinkage.pages.pages import page_environment
from relinkage.pages.palette import DARK, LIGHT
from relinkage.pages.wording import SPACE, bare_percent, count, counted, interval, listed, one_line, percent
from relinkage.records import plain
from relinkage.retrieval.map_result import AlikeNeighbours, MapColouring, MapResult

SIDE = "side"
_ROLES = {False: ("series-1", "series-2"), True: ("series-3", "series-5")}
_UNKNOWN = -1


def map_table(result: MapResult) -> str:
    """Give the figures that go with maps as lines of plain text.

    Args:
        result: the content of `map.json`.
    """
    lines = [f"{_sample(result)}; {result.settings.neighbours} nearest of other patients"]
    names = [f"same {_what(colouring)}" for colouring in result.colourings]
    kept, gap = "neighbours that the map keeps", "modality gap"
    wide = max(map(len, (*names, kept, gap)))
    for panel in result.maps:
        lines += ["", one_line(panel.name, 60)]
        for colouring, name in zip(result.colourings, names, strict=True):
            found = panel.neighbours[colouring.key]
            lines.append(
                f"  {name:<{wide}}  space {_range(found.space)}, map {_range(found.map)}, "
                f"chance {bare_percent(round(found.chance, 4))}"
            )
        lines.append(f"  {kept:<{wide}}  {_range(panel.kept)}")
        lines.append(f"  {gap:<{wide}}  {panel.modality_gap:.3f}")
    return "\n".join(lines).replace(SPACE, " ")


def map_figures(result: MapResult, points: pl.DataFrame) -> list[Figure]:
    """Draw a figure a colouring, the maps side by side.

    Args:
        result: the content of `map.json`.
        points: the content of `maps.parquet`.
    """
    return [
        _figure(result, points, colouring, f"map-{place}")
        for place, colouring in enumerate(result.colourings, 1)
    ]


def render_map(result: MapResult, figures: Sequence[Figure]) -> str:
    """Give the page about maps: one file that opens with the network off and runs no script.

    Args:
        result: the content of `map.json`.
        figures: what `map_figures` gives.
    """
    environment = page_environment()
    return environment.get_template("map.html.j2").render(
        version=__version__,
        light=LIGHT,
        dark=DARK,
        title=one_line(result.inputs.model.id, 80),
        headline=_headline(result),
        detail=f"{_sample(result)}.",
        figures=figures,
        shapes=[
            (
                one_line(panel.name, 40),
                f"{panel.modality_gap:.3f}",
                f"{panel.alignment:.3f}",
                percent(panel.kept.value),
                interval(panel.kept.low, panel.kept.high),
                bare_percent(round(panel.kept.chance, 5)),
            )
            for panel in result.maps
        ],
        several=len(result.maps) > 1,
        neighbours=result.settings.neighbours,
        level=bare_percent(result.settings.interval),
        notes=[one_line(note) for note in result.notes],
        settings=[(name, _said(value)) for name, value in plain(result.settings).items()],
    )


def _figure(result: MapResult, points: pl.DataFrame, colouring: MapColouring, key: str) -> Figure:
    by_side = colouring.key == SIDE
    first = points.filter(pl.col("model") == result.maps[0].name)
    if by_side:
        code = (first["side"] == "report").cast(pl.Int8).to_numpy()
    else:
        code = first[f"class: {colouring.key}"].fill_null(_UNKNOWN).to_numpy()
    what, k = _what(colouring), result.settings.neighbours
    classes = [
        PointClass(f"{name} ({count(pairs)})", role, number)
        for number, (name, pairs, role) in enumerate(
            zip(colouring.classes, colouring.pairs, _ROLES[by_side], strict=True)
        )
    ]
    if colouring.unknown:
        classes.append(PointClass(f"not known ({count(colouring.unknown)})", "muted", _UNKNOWN))
    panels = []
    for panel in result.maps:
        found = panel.neighbours[colouring.key]
        where = points.filter(pl.col("model") == panel.name).select("x", "y").to_numpy()
        notes = (
            f"{k} nearest of the same {'side' if by_side else 'class'}:",
            f"space {percent(found.space.value)}, map {percent(found.map.value)}, chance {_chance(found)}",
            f"modality gap {panel.modality_gap:.2f}"
            if by_side
            else f"of known class: {counted(found.patients, 'patient')}",
        )
        panels.append(Panel(panel.name, notes, np.ascontiguousarray(where)))
    wide, narrow = scatter_panels(key, panels, code, classes, _sample(result))
    takeaway = _takeaway(result, colouring)
    return Figure(
        key,
        f"Coloured by {what}",
        takeaway,
        f"Scatter plots of images and reports, one a model, placed by t-SNE. {takeaway}",
        wide,
        narrow,
        ("Model", "Same in the space", "Interval", "Same in the map", "Interval", "Chance", "Patients"),
        tuple(
            (
                one_line(panel.name, 40),
                percent(found.space.value),
                interval(found.space.low, found.space.high),
                percent(found.map.value),
                interval(found.map.low, found.map.high),
                _chance(found),
                count(found.patients),
            )
            for panel in result.maps
            for found in (panel.neighbours[colouring.key],)
        ),
    )


def _headline(result: MapResult) -> str:
    colouring = result.colourings[0]
    parts = [
        f"{percent(panel.neighbours[colouring.key].space.value)} ({one_line(panel.name, 40)})"
        for panel in result.maps
    ]
    chance = _chance(result.maps[0].neighbours[colouring.key])
    return (
        f"Of the {result.settings.neighbours} nearest, {listed(parts)} are of the same "
        f"{_what(colouring)}; chance is {chance}."
    )


def _takeaway(result: MapResult, colouring: MapColouring) -> str:
    k, what = result.settings.neighbours, _what(colouring)
    parts = []
    for panel in result.maps:
        found = panel.neighbours[colouring.key].space
        parts.append(f"{one_line(panel.name, 40)} {_range(found)}")
    chance = _chance(result.maps[0].neighbours[colouring.key])
    return f"Share of the {k} nearest that are of the same {what}: {'; '.join(parts)}; chance {chance}."


def _what(colouring: MapColouring) -> str:
    if colouring.key == SIDE:
        return "side, image or report"
    first, second = (one_line(name, 40) for name in colouring.classes)
    return f"class, {second} or not" if first == f"no {second}" else f"class, {first} or {second}"


def _sample(result: MapResult) -> str:
    sample, split = result.sample, one_line(result.settings.split, 40)
    return f"{counted(sample.pairs, 'pair')} of {counted(sample.patients, 'patient')}, split {split}"


def _chance(found: AlikeNeighbours) -> str:
    return bare_percent(round(found.chance, 4))


def _range(side: Estimate) -> str:
    return f"{percent(side.value)} ({interval(side.low, side.high)})"


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return count(value) if isinstance(value, int) else str(value)
