"""What a person reads of a utility measurement: its table in the terminal."""

import textwrap
from collections.abc import Callable, Sequence

from relinkage.linkage.estimates import Compared, Difference, Estimate
from relinkage.pages.wording import SPACE, count, counted, listed, one_line, signed_points
from relinkage.usefulness.result import MACRO, UtilityResult

_MEASURES = {
    "precision": "precision@{k}, a label in common",
    "precision-same-labels": "precision@{k}, the same labels",
    "ndcg": "nDCG@{k}",
    "map": "mAP",
}
_SIDES = {"image-to-report": "Image → report", "report-to-image": "Report → image"}
_GEOMETRY = {
    "modality_gap": "Modality gap",
    "alignment": "Alignment (lower is closer)",
    "image_uniformity": "Uniformity of images (lower is more even)",
    "report_uniformity": "Uniformity of reports",
}
_TRAINED_AGAIN = " Intervals are over patients: heads trained again may differ by more."


def utility_table(utility: UtilityResult) -> str:
    """Give a utility measurement as lines of plain text: summary, labels one by one, the shape of the space.

    Args:
        utility: the content of `utility.json`.
    """
    parts = [
        _title(utility),
        textwrap.fill(utility_headline(utility), 120),
        _summary(utility),
        _labels(utility),
    ]
    return "\n\n".join([*parts, *_geometry(utility)]).replace(SPACE, " ")


def utility_headline(utility: UtilityResult) -> str:
    """Say in a sentence what is left of use: label precision in both directions.

    Args:
        utility: the content of `utility.json`.
    """
    rows = [row for row in utility.retrieval if row.measure == "precision"]
    if not rows:
        return (
            "No heads, so nothing is found across modalities; probes of features alone say nothing of that."
        )
    clauses = []
    for row in rows:
        asked = " ".join(row.direction.split("-"))
        value, chance = _per_cent(row.measured.value), _per_cent(row.chance)
        if row.baseline is None or row.difference is None:
            clauses.append(f"{value} % from {asked} (interval {_interval(row.measured)}; chance {chance})")
        else:
            clauses.append(
                f"{value} % from {asked}, where the baseline has {_per_cent(row.baseline.value)} % "
                f"({signed_points(row.difference.value)} points, interval "
                f"{_interval(row.difference, signed_points)}; chance {chance})"
            )
    again = "" if utility.inputs.baseline is None else _TRAINED_AGAIN
    return f"Label precision@{rows[0].k} is {listed(clauses)}.{again}"


def _title(utility: UtilityResult) -> str:
    tested, inputs = utility.tested, utility.inputs
    measured, baseline = inputs.measured, inputs.baseline
    name = one_line(inputs.model.id, 40)
    heads = "no heads" if measured is None else one_line(measured.name, 40)
    against = "" if baseline is None else f" against {one_line(baseline.name, 40)}"
    return (
        f"{name}: {heads}{against}\n"
        f"{counted(tested.pairs, 'image')} of {counted(tested.patients, 'patient')}, split "
        f"{one_line(utility.settings.split, 40)}; all in per cent, differences in points"
    )


def _summary(utility: UtilityResult) -> str:
    kept = sum(label.kept for label in utility.labels)
    rows: list[tuple[str, Compared]] = [
        (f"Linear probe on {row.on}, macro AUROC of {kept} labels", row)
        for row in utility.probe
        if row.label == MACRO
    ]
    rows += [
        (f"Zero-shot labels, macro AUROC of {kept} labels", row)
        for row in utility.zero_shot
        if row.label == MACRO
    ]
    rows += [
        (f"{_SIDES[row.direction]}: {_MEASURES[row.measure].format(k=row.k)}", row)
        for row in utility.retrieval
    ]
    return _figures("", rows)


def _labels(utility: UtilityResult) -> str:
    parts = []
    on = {row.on for row in utility.probe}
    chosen = "embeddings" if "embeddings" in on else "features"
    probe = [row for row in utility.probe if row.on == chosen]
    for title, rows in (
        (f"AUROC of the probe on {chosen}", probe),
        ("AUROC zero-shot", utility.zero_shot),
    ):
        named = [
            (f"{one_line(row.label, 30)} ({count(row.positive)})", row) for row in rows if row.label != MACRO
        ]
        if named:
            parts.append(_figures(f"{title} (positive images)", named))
    left = [one_line(label.label, 30) for label in utility.labels if not label.kept]
    if left:
        least = utility.settings.least_patients
        parts.append(f"Left out, fewer than {least} positive or negative patients: {', '.join(left)}.")
    return "\n\n".join(parts)


def _figures(title: str, rows: Sequence[tuple[str, Compared]]) -> str:
    columns = [
        [title, *(name for name, _ in rows)],
        ["Value", *(_per_cent(row.measured.value) for _, row in rows)],
        ["Interval", *(_interval(row.measured) for _, row in rows)],
    ]
    if any(row.baseline is not None for _, row in rows):
        columns += [
            [
                "Before",
                *("" if row.baseline is None else _per_cent(row.baseline.value) for _, row in rows),
            ],
            [
                "Change",
                *("" if row.difference is None else signed_points(row.difference.value) for _, row in rows),
            ],
            [
                "Interval",
                *(
                    "" if row.difference is None else _interval(row.difference, signed_points)
                    for _, row in rows
                ),
            ],
        ]
    columns.append(["Chance", *(_per_cent(row.chance) for _, row in rows)])
    return _lines(columns)


def _geometry(utility: UtilityResult) -> list[str]:
    found = utility.geometry
    if found is None:
        return []
    sides = [side for side in (found.measured, found.baseline) if side is not None]
    columns = [["", *_GEOMETRY.values()], ["Value", *(f"{getattr(sides[0], key):.3f}" for key in _GEOMETRY)]]
    if len(sides) > 1:
        columns.append(["Before", *(f"{getattr(sides[1], key):.3f}" for key in _GEOMETRY)])
    return [_lines(columns)]


def _per_cent(share: float) -> str:
    return f"{100 * share:.2f}"


def _interval(side: Estimate | Difference, say: Callable[[float], str] = _per_cent) -> str:
    return f"{say(side.low)} to {say(side.high)}"


def _lines(columns: Sequence[Sequence[str]]) -> str:
    """Set columns side by side, the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in zip(*columns, strict=True)
    )
