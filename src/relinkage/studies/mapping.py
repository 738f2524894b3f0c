"""Maps of a shared space: the same pairs before and after, with the figures that say what is there."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

import relinkage
from relinkage.alignment import Heads
from relinkage.embeddings import Embeddings
from relinkage.errors import InputError
from relinkage.linkage.estimates import Estimate
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.retrieval import MapResult, MapSettings, shared_space
from relinkage.retrieval.map_result import AlikeNeighbours, Kept, MapColouring, MapInputs, MapPanel, MapSample
from relinkage.retrieval.neighbours import alike, alike_by_chance, kept
from relinkage.retrieval.sampling import UNKNOWN, Colouring, Sample, draw_sample
from relinkage.retrieval.tsne import check_installed, distinct, largest_perplexity, principal_start, tsne
from relinkage.studies.held_out import not_held_out, used
from relinkage.usefulness.geometry import geometry
from relinkage.usefulness.retrieval import unit

SIDES = ("image", "report")
BY_SIDE = "side"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps of one sample, one a pair of heads.

    Attributes:
        result: the content of `map.json`.
        points: a row per map, side and pair: `model`, `side`, `row`, `x`, `y`, a class per colouring (0, 1,
            empty where it is not known) and the label columns.
    """

    result: MapResult
    points: pl.DataFrame


def draw_maps(embeddings: Embeddings, heads: Sequence[Heads], settings: MapSettings) -> Maps:
    """Draw a sample of pairs and map it as the model's own heads and every given pair of heads see it.

    Args:
        embeddings: features of a cohort.
        heads: trained heads, none or more.
        settings: the choices.

    Raises:
        InputError: openTSNE is not installed, a file cannot be read or does not fit, or there are no heads.
    """
    check_installed()
    sample = draw_sample(embeddings, settings)
    seen: list[Heads | None] = [*heads]
    if embeddings.image_embeddings is not None or not heads:
        seen.insert(0, None)
    names = _names([None if each is None else each.name for each in seen])
    group = np.tile(sample.patient, 2)
    codes = _codes(sample, settings, group)
    like, panels, tables, few = None, [], [], []
    for each, name in zip(seen, names, strict=True):
        space, dimension = _space(sample, each)
        different, which = distinct(space)
        start = principal_start(different, which, like)
        like = start[which] if like is None else like
        places, divergence = tsne(different, start, settings)
        points = places[which]
        few += _few(name, len(different), settings)
        kept_share = kept(space, points, settings.neighbours, group)
        figures = {key: _figures(space, points, code, group, settings) for key, code in codes.items()}
        half = len(space) // 2
        shape = geometry(space[:half], space[half:], np.arange(half), half, settings.seed)
        panels.append(
            MapPanel(
                name=name,
                heads=used(each, embeddings),
                dimension=dimension,
                modality_gap=shape.modality_gap,
                alignment=shape.alignment,
                divergence=divergence,
                kept=Kept(
                    **msgspec.structs.asdict(_estimate(kept_share, group, settings)),
                    chance=settings.neighbours / _eligible(group),
                ),
                neighbours=figures,
            )
        )
        tables.append(_table(name, points, sample))
    result = MapResult(
        version=relinkage.__version__,
        inputs=MapInputs(
            embeddings=embeddings.name,
            model=embeddings.manifest.encoder,
            cohort=embeddings.manifest.cohort,
        ),
        settings=settings,
        sample=MapSample(pairs=len(sample.row), patients=len(np.unique(sample.patient))),
        colourings=_colourings(sample, codes),
        maps=tuple(panels),
        notes=(*_notes(sample, codes, heads, embeddings, settings), *few),
    )
    return Maps(result, pl.concat(tables))


def _names(folders: Sequence[str | None]) -> list[str]:
    """Give every map a name of its own; the model's own heads come first."""
    names: list[str] = []
    for folder in folders:
        name = plain = "own heads" if folder is None else folder
        number = 1
        while name in names:
            number += 1
            name = f"{plain} ({number})"
        names.append(name)
    return names


def _space(sample: Sample, read: Heads | None) -> tuple[Floats, int]:
    """Give the drawn images and then their reports as unit vectors, and the width of the space."""
    images, texts = shared_space(sample.embeddings, None if read is None else read.pair)
    reports = texts[sample.embeddings.pairs["report_row"].to_numpy()]
    return unit(np.concatenate([images, reports])), images.shape[1]


def _codes(sample: Sample, settings: MapSettings, group: Ints) -> dict[str, NDArray[np.int8]]:
    """Give the class of every point, images first: by side, and by colourings with enough known points."""
    half = len(sample.row)
    codes = {BY_SIDE: np.repeat(np.array([0, 1], np.int8), half)}
    if _fewest(group) < settings.neighbours:
        raise InputError(
            f"--neighbours {settings.neighbours} is more than the {_fewest(group)} points of other patients "
            "that some point of the sample has; give a smaller number, or a larger --sample."
        )
    for colouring in sample.colourings:
        code = np.tile(colouring.code, 2)
        known = code != UNKNOWN
        if known.any() and _fewest(group[known]) >= settings.neighbours:
            codes[colouring.key] = code
    return codes


def _fewest(group: Ints) -> int:
    return len(group) - int(np.bincount(group).max())


def _eligible(group: Ints) -> float:
    """Give the mean number of points of other patients, harmonically, as chance needs it."""
    others = len(group) - np.bincount(group)[group]
    return float(1 / (1 / others).mean())


def _figures(
    space: Floats, points: Floats, code: NDArray[np.int8], group: Ints, settings: MapSettings
) -> AlikeNeighbours:
    """Say how often neighbours of known class are of one class, in the space and in the map."""
    known = np.flatnonzero(code != UNKNOWN)
    code, group = code[known], group[known]
    in_space, in_map = (alike(where[known], settings.neighbours, group, code) for where in (space, points))
    return AlikeNeighbours(
        space=_estimate(in_space, group, settings),
        map=_estimate(in_map, group, settings),
        chance=float(alike_by_chance(code, group).mean()),
        points=len(known),
        patients=len(np.unique(group)),
    )


def _estimate(values: Floats, group: Ints, settings: MapSettings) -> Estimate:
    drawn = ClusterBootstrap.draw(values[:, None], group, settings.replicates, settings.seed)
    ends = drawn.interval(settings.interval)
    return Estimate(value=float(ends.mean[0]), low=float(ends.low[0]), high=float(ends.high[0]))


def _few(name: str, different: int, settings: MapSettings) -> list[str]:
    """Say where so many vectors are equal that a map has a lower perplexity than was asked for."""
    largest = largest_perplexity(different)
    if largest >= settings.perplexity:
        return []
    if different == 1:
        return [f"All vectors of {name} are equal, so its map is one place."]
    return [
        f"{name} has {different} different vectors, so its map has a perplexity of {largest:.3g} and not "
        f"{settings.perplexity:g}."
    ]


def _table(name: str, points: Floats, sample: Sample) -> pl.DataFrame:
    labels = sample.embeddings.labels
    pairs = len(sample.row)
    classes = {
        f"class: {colouring.key}": pl.Series(
            [None if code == UNKNOWN else int(code) for code in np.tile(colouring.code, 2)], dtype=pl.Int8
        )
        for colouring in sample.colourings
    }
    both = pl.concat([sample.embeddings.pairs.select(labels)] * 2) if labels else pl.DataFrame()
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "model": [name] * 2 * pairs,
                    "side": np.repeat(np.array(SIDES), pairs).tolist(),
                    "row": np.tile(sample.row, 2),
                    "x": points[:, 0],
                    "y": points[:, 1],
                    **classes,
                }
            ),
            both,
        ],
        how="horizontal",
    )


def _colourings(sample: Sample, codes: dict[str, NDArray[np.int8]]) -> tuple[MapColouring, ...]:
    half = len(sample.row)
    side = MapColouring(key=BY_SIDE, classes=SIDES, pairs=(half, half), unknown=0)
    return (*(_counted(colouring) for colouring in sample.colourings if colouring.key in codes), side)


def _counted(colouring: Colouring) -> MapColouring:
    first, second, unknown = (int((colouring.code == value).sum()) for value in (0, 1, UNKNOWN))
    return MapColouring(key=colouring.key, classes=colouring.classes, pairs=(first, second), unknown=unknown)


def _notes(
    sample: Sample,
    codes: dict[str, NDArray[np.int8]],
    heads: Sequence[Heads],
    embeddings: Embeddings,
    settings: MapSettings,
) -> tuple[str, ...]:
    notes = []
    if not sample.colourings:
        notes.append("The cohort has no labels, so points are coloured by image and report only.")
    notes += [
        f"Too few pairs are known to be {' or '.join(colouring.classes)} to colour by it."
        for colouring in sample.colourings
        if colouring.key not in codes
    ]
    looked_at = embeddings if settings.split is None else embeddings.split(settings.split)
    for each in heads:
        notes += not_held_out(each, looked_at, settings.split, f"the heads of {each.name}")
    return tuple(notes)
