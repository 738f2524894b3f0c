"""What a table of defences shows of one cohort, a sentence each."""

from collections.abc import Callable, Iterator, Sequence

from relinkage.defences.result import (
    STRONGEST,
    DefenceCohort,
    DefenceFigures,
    DefencesResult,
    LinkageRow,
    Search,
    UseRow,
)
from relinkage.pages.defences import (
    MEASURES,
    change,
    change_interval,
    linked,
    points,
    points_interval,
    use_of,
)
from relinkage.pages.defences_summary import USE_HELD, left_inside
from relinkage.pages.wording import (
    bare_percent,
    count,
    counted,
    listed,
    one_line,
    percent,
    signed_percent,
    signed_points,
)


def findings(result: DefencesResult, cohort: DefenceCohort) -> list[str]:
    """Say what the table shows of one cohort; linkage by the strongest attacker comes first.

    Args:
        result: the content of `defences.json`.
        cohort: one of its cohorts.
    """
    said = [
        *_linkage(result, cohort),
        *_inside(cohort),
        *_features(cohort),
        *_without_noise(cohort),
        *_precision(result, cohort),
        *_held(cohort),
        *_images_alone(cohort),
    ]
    if result.inputs.hardened.privacy is not None:
        said.append(
            "ε does not bound these figures: it speaks of the patients who trained the heads; these are of "
            f"the split {one_line(result.settings.split, 40)}."
        )
    return said


def headline(result: DefencesResult, cohort: DefenceCohort) -> str:
    """Say the most important in short: linkage at both pools by the strongest attacker, and use both ways.

    Args:
        result: the content of `defences.json`.
        cohort: one of its cohorts.
    """
    hardened = cohort.figures["hardened"]
    linkage = [
        f"{change(row.relative, bare=True)} at {count(row.pool)}{' reports' if place == 0 else ''}"
        for place, row in enumerate(
            row
            for row in hardened.linkage
            if (row.attacker, row.direction, row.negatives) == (STRONGEST, "image-to-report", "all")
        )
    ]
    first = linked(hardened, STRONGEST, cohort.searches[0])
    assert first is not None
    use = [
        f"{points(row.difference, bare=True)} points from {' '.join((row.direction or '').split('-'))}"
        for row in hardened.use
        if row.measure == "precision"
    ]
    return (
        f"Recall@1 from image to report: {listed(linkage)}, by {_who(result, STRONGEST, first)}. "
        f"Label precision: {listed(use)}."
    )


def _linkage(result: DefencesResult, cohort: DefenceCohort) -> Iterator[str]:
    published, hardened = cohort.figures["published"], cohort.figures["hardened"]
    for direction in dict.fromkeys(search.direction for search in cohort.searches):
        asks, sought = direction.split("-to-")
        for name in (STRONGEST, "cosine"):
            searches = [
                search
                for search in cohort.searches
                if search.direction == direction and search.negatives == "all"
            ]
            pairs = list(_both(published, hardened, name, searches))
            if not pairs:
                continue
            moved = [_moved(before, after) for before, after in pairs]
            nouns = [f"{sought}s", *[""] * (len(pairs) - 1)]
            clauses = [
                f"{text} at {count(after.pool)} {noun}".rstrip() + f" ({detail})"
                for (text, detail), (_, after), noun in zip(moved, pairs, nouns, strict=True)
            ]
            chances = listed(bare_percent(after.chance) for _, after in pairs)
            yield (
                f"Hardening changes Recall@1 from {asks} to {sought} by {listed(clauses)}, "
                f"by {_who(result, name, pairs[0][1])}; chance is {chances}."
            )


def _who(result: DefencesResult, name: str, row: LinkageRow) -> str:
    if name == "cosine":
        return "plain cosine"
    tried = len(result.settings.attackers)
    attackers = "the one attacker tried" if tried == 1 else f"the strongest of the {tried} attackers tried"
    return f"{attackers} on the released vectors ({row.by})"


def _moved(before: LinkageRow, after: LinkageRow) -> tuple[str, str]:
    """Return the change of a recall, and what stands behind it."""
    detail = f"from {percent(before.recall.value)} to {percent(after.recall.value)}"
    if after.relative is None:
        return "an amount that cannot be stated", detail
    changes = [one / before.recall.value - 1 for one in after.trainings]
    detail += f"; interval {change_interval(after.relative)}{_spread(changes, signed_percent)}"
    return signed_percent(after.relative.value), detail


def _spread(values: Sequence[float], write: Callable[[float], str]) -> str:
    """Say how far the trainings lie apart."""
    if len(values) == 1:
        return "; one training"
    return f"; {counted(len(values), 'training')} {write(min(values))} to {write(max(values))}"


def _both(
    published: DefenceFigures, hardened: DefenceFigures, name: str, searches: Sequence[Search]
) -> Iterator[tuple[LinkageRow, LinkageRow]]:
    for search in searches:
        before, after = linked(published, name, search), linked(hardened, name, search)
        if before is not None and after is not None:
            yield before, after


def _inside(cohort: DefenceCohort) -> Iterator[str]:
    """Say what is left above chance among candidates of the same labels."""
    published, hardened = cohort.figures["published"], cohort.figures["hardened"]
    for search in cohort.searches:
        if search.negatives != "labels":
            continue
        clauses = []
        for name in (STRONGEST, "cosine"):
            for before, after in _both(published, hardened, name, [search]):
                who = f"the strongest ({after.by})" if name == STRONGEST else "plain cosine"
                above = [one - after.chance for one in after.trainings]
                ends = (after.recall.low - after.chance, after.recall.high - after.chance)
                clauses.append(
                    f"from {signed_points(before.recall.value - before.chance)} to {signed_points(above[0])} "
                    f"by {who} (interval {' to '.join(map(signed_points, ends))}"
                    f"{_spread(above, signed_points)})"
                )
        share = left_inside(cohort.figures, "hardened", search)
        left = ""
        if share is not None:
            less = f"at most {bare_percent(share)} of it is left"
            left = f"; {less if share < 1 else 'that less of it is left is not shown'}"
        yield (
            f"Among {count(search.pool)} reports with the image's own labels, where chance is "
            f"{bare_percent(1 / search.pool)}, Recall@1 goes, in points above chance, {listed(clauses)}"
            f"{left}; {count(search.queries)} of {count(cohort.pairs)} images have so many."
        )


def _features(cohort: DefenceCohort) -> Iterator[str]:
    figures, search = cohort.figures.get("features"), cohort.searches[0]
    found = None if figures is None else linked(figures, STRONGEST, search)
    if found is not None:
        yield (
            "An attacker who holds images and the public encoder, and knows the same pairs, links "
            f"{percent(found.recall.value)} at {count(search.pool)} reports ({found.by}), whatever the heads."
        )


def _without_noise(cohort: DefenceCohort) -> Iterator[str]:
    if "without-noise" not in cohort.figures:
        return
    said = []
    for name, who in ((STRONGEST, "the strongest attacker"), ("cosine", "cosine")):
        moved = [
            f"{change(found.relative, bare=True)} at {count(search.pool)}"
            for search in cohort.searches
            if (search.direction, search.negatives) == ("image-to-report", "all")
            and (found := linked(cohort.figures["without-noise"], name, search)) is not None
        ]
        said.append(f"{listed(moved)} by {who}")
    yield f"The same training without DP already gives {'; '.join(said)} (image to report)."


def _precision(result: DefencesResult, cohort: DefenceCohort) -> Iterator[str]:
    rows = [row for row in cohort.figures["hardened"].use if row.measure == "precision"]
    clauses = [
        f"from {percent(row.baseline.value)} to {percent(row.measured.value)} from "
        f"{' '.join((row.direction or '').split('-'))} ({_use_detail(row)})"
        for row in rows
        if row.baseline is not None
    ]
    if clauses:
        yield f"Label precision@{result.settings.k} goes {listed(clauses)}."


def _held(cohort: DefenceCohort) -> Iterator[str]:
    held = cohort.figures["hardened"].use_held
    if held is not None and "random-image-head" in cohort.figures:
        what = "is held" if held else "is not held"
        yield f"Use {what}. {USE_HELD}"


def _use_detail(row: UseRow) -> str:
    assert row.baseline is not None
    apart = [one - row.baseline.value for one in row.trainings]
    spread = _spread(apart, signed_points)
    return f"{signed_points(apart[0])} points, interval {points_interval(row.difference)}{spread}"


def _images_alone(cohort: DefenceCohort) -> Iterator[str]:
    """Say how probes fare, and that they say nothing of use across modalities."""
    for measure, title in MEASURES.items():
        row = use_of(cohort.figures["hardened"], measure)
        if measure[0] == "precision" or row is None or row.baseline is None:
            continue
        yield (
            f"The {title} goes from {percent(row.baseline.value)} to {percent(row.measured.value)} "
            f"({_use_detail(row)}){_blind(cohort) if measure[0] == 'auroc' else ''}."
        )


def _blind(cohort: DefenceCohort) -> str:
    figures = cohort.figures.get("random-image-head")
    row = None if figures is None else use_of(figures, ("auroc", None))
    found = "" if row is None else f": a random image head has {percent(row.measured.value)}"
    return f"; it sees images alone and says nothing of use across modalities{found}"
