"""What a person reads of memorisation: its findings, a sentence each, and its table in the terminal."""

from collections.abc import Iterator, Sequence

from relinkage.pages.defences import points
from relinkage.pages.sweep import SIDES
from relinkage.pages.wording import (
    SPACE,
    bare_percent,
    count,
    counted,
    interval,
    listed,
    one_line,
    percent,
    plural,
    sides,
)
from relinkage.privacy.memorisation_result import LinkageGap, Membership, MemorisationResult

CONFIRMS_NOTHING = (
    "That confirms nothing: the bound holds for every attack, and a stronger one than these may exceed it."
)
NOT_COVERED = "These figures were computed on private pairs, and no ε covers them."
COLUMNS = ("Recall@K", "Trained", "Did not", "Gap, points", "Memorised, points", "± trainings", "Bound")


def findings(result: MemorisationResult) -> list[str]:
    """Say what was found, a sentence or two each: linkage, membership, the bound.

    Args:
        result: the content of `memorisation.json`.
    """
    said = [_linkage(result)]
    if result.membership is not None:
        said += _membership(result.membership)
    return [*said, _bounds(result), NOT_COVERED, *result.notes]


def facts(result: MemorisationResult) -> str:
    """Say what was trained on whom, how often."""
    inputs, settings = result.inputs, result.settings
    whose = "patient" if inputs.patients_known else "study"
    return (
        f"{counted(inputs.pairs, 'pair')} of {counted(inputs.patients, whose)}; "
        f"{counted(settings.coins, 'time')}, half of the {plural(whose)} by coin trained heads as "
        f"{one_line(inputs.heads.name, 40)} were trained; published heads: "
        f"{one_line(inputs.published.name, 40)}; intervals {bare_percent(settings.interval)} over "
        f"{plural(whose)} with their coins, the heads held fixed"
    )


def memorisation_table(result: MemorisationResult) -> str:
    """Return memorisation as lines of plain text.

    Args:
        result: the content of `memorisation.json`.
    """
    blocks = [f"{one_line(result.inputs.model.id, 60)}: {facts(result)}", *findings(result)]
    for side in dict.fromkeys(row.direction for row in result.linkage):
        rows = [COLUMNS, *(cells(row) for row in result.linkage if row.direction == side)]
        blocks.append("\n".join([SIDES[side], *_aligned(rows)]))
    if result.membership is not None:
        blocks.append("\n".join(["Membership", *_aligned(membership_rows(result.membership))]))
    return "\n\n".join(blocks).replace(SPACE, " ")


def cells(row: LinkageGap) -> tuple[str, ...]:
    """Return a row of linkage as the cells of `COLUMNS`."""
    return (
        f"@{row.k} of {'all ' * row.full}{count(row.pool)}",
        *(f"{percent(each.value)} ({interval(each.low, each.high)})" for each in (row.trained, row.held_out)),
        points(row.gap),
        points(row.memorised),
        "–" if row.deviation is None else f"{100 * row.deviation:.2f}",
        "–" if row.bound is None else percent(row.bound) + " (refuted)" * row.refuted,
    )


def membership_rows(found: Membership) -> list[tuple[str, ...]]:
    """Return what shadow heads tell, as rows of a name and a value."""
    area = f"{found.auroc.value:.3f} ({found.auroc.low:.3f} to {found.auroc.high:.3f})"
    rows: list[tuple[str, ...]] = [("AUROC", area)]
    if found.tpr is not None:
        spread = "" if found.deviation is None else f", ± {percent(found.deviation)} over trainings"
        rows.append(
            (
                f"claimed of those who trained, at {bare_percent(found.rate)} of the others",
                f"{percent(found.tpr.value)} ({interval(found.tpr.low, found.tpr.high)}){spread}",
            )
        )
    if found.bound is not None:
        rows.append(("bound by the stated ε and δ", percent(found.bound) + " (refuted)" * found.refuted))
    rows += [
        (
            "right guesses about one training",
            f"{count(found.correct)} of {count(found.guesses)}: ε is at least {found.lower_bound:.3g} with "
            f"{bare_percent(found.confidence)} confidence",
        ),
        ("shadow heads", count(found.shadows)),
        ("patients", count(found.patients)),
    ]
    return rows


def leading(result: MemorisationResult) -> LinkageGap:
    """Return the row that the headline is about: the lowest rank in the largest pool of at most 10,000."""
    first = [row for row in result.linkage if row.direction == result.linkage[0].direction]
    lowest = [row for row in first if row.k == first[0].k]
    drawn = [row for row in lowest if not row.full and row.pool <= 10_000]
    return max(drawn or lowest, key=lambda row: row.pool)


def _linkage(result: MemorisationResult) -> str:
    row = leading(result)
    where = f"Recall@{row.k} among {counted(row.pool, sides(row.direction)[1])}"
    figures = f"{percent(row.trained.value)} against {percent(row.held_out.value)}"
    kept, beyond = row.sharper, " than under the published heads" * (row.sharper == row.memorised)
    if kept.low > 0 or kept.high < 0:
        word, ends = ("more", (kept.low, kept.high)) if kept.low > 0 else ("less", (-kept.high, -kept.low))
        return (
            f"Patients who trained the heads are linked {word} often than patients who did not: {where} is "
            f"{figures}, {100 * abs(kept.value):.2f} points ({100 * ends[0]:.2f} to {100 * ends[1]:.2f}) "
            f"{word}{beyond}."
        )
    return (
        f"No memorisation was found in linkage: {where} is {figures} of patients who did not train the "
        f"heads, at most {max(100 * kept.high, 0):.2f} points more{beyond}, at "
        f"{bare_percent(result.settings.interval)}."
    )


def _membership(found: Membership) -> Iterator[str]:
    area = f"{found.auroc.value:.3f} ({found.auroc.low:.3f} to {found.auroc.high:.3f}; chance 0.5)"
    attacker = f"Who holds a patient's pairs and trains {count(found.shadows)} shadow heads"
    if found.tpr is None:
        yield f"{attacker} tells patients who trained the heads from others with an AUROC of {area}."
    else:
        rate = bare_percent(found.rate)
        yield (
            f"{attacker} claims {percent(found.tpr.value)} ({interval(found.tpr.low, found.tpr.high)}) of "
            f"the patients who trained the heads where {rate} of the others are claimed (chance {rate}); "
            f"AUROC {area}."
        )
    if found.lower_bound > 0:
        yield (
            f"Guesses about {count(found.guesses)} patients, {count(found.correct)} of them right, prove an "
            f"ε of {found.lower_bound:.3g} at least, with {bare_percent(found.confidence)} confidence."
        )


def _bounds(result: MemorisationResult) -> str:
    manifest = result.inputs.heads.manifest
    stated = None if manifest is None else manifest.privacy
    if stated is None:
        return "Nothing is stated of these heads, so nothing bounds what they keep of whoever trained them."
    word = "ε" if stated.kind == "proven" else f"{stated.kind} ε"
    figures = f"{word} = {stated.epsilon:.3g} at δ = {stated.delta:g}"
    if result.refuted:
        return (
            f"The stated {figures} is refuted: {_refuting(result)} more of who trained the heads than it "
            "allows, which is e^ε times the figure of those who did not, plus δ."
        )
    return (
        "No figure of patients who trained the heads lies above e^ε times that of the others, plus δ, by "
        f"more than chance explains ({figures}). {CONFIRMS_NOTHING}"
    )


def _refuting(result: MemorisationResult) -> str:
    names = [f"Recall{cells(row)[0]}" for row in result.linkage if row.refuted]
    if result.membership is not None and result.membership.refuted:
        names.append("the membership attack")
    return f"{listed(names)} {'tell' if len(names) > 1 else 'tells'}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
