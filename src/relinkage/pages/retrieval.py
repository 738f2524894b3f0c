"""What a person reads of a search: its lines in the terminal and its page."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from relinkage import __version__
from relinkage.linkage.scores_and_ties import TIE
from relinkage.pages.pages import page_environment
from relinkage.pages.palette import DARK, LIGHT
from relinkage.pages.wording import SPACE, bare_percent, count, counted, interval, one_line, percent
from relinkage.records import plain
from relinkage.retrieval.result import Asked, Neighbour, RetrievalResult

_MARGIN, _WIDTH = 6, 100


@dataclass(frozen=True)
class Illustration:
    """What the cohort knows of a pair.

    Attributes:
        report: the report's text.
        picture: a data URI of the image, or None where it cannot be read.
    """

    report: str
    picture: str | None


def retrieval_table(result: RetrievalResult, shown: Sequence[Illustration] | None = None) -> str:
    """Give a search as lines of plain text.

    Args:
        result: the content of `retrieval.json`.
        shown: what the cohort knows of the query, where it is a row, and then of each result; report texts
            stand under the results then.
    """
    texts = None if shown is None else shown[len(shown) - len(result.results) :]
    lines = [asked(result), "", f"{'Rank':>4}  {'Score':>7}  {'Row':>7}  Labels"]
    for place, found in enumerate(result.results):
        said = "; ".join(part for part in (found.pair_id, found.kin, labels_of(found)) if part is not None)
        lines.append(f"{found.rank:>4}  {found.score:>7.4f}  {found.row:>7}  {one_line(said, 160)}".rstrip())
        if texts is not None:
            margin = " " * _MARGIN
            lines += textwrap.wrap(
                one_line(texts[place].report), _WIDTH, initial_indent=margin, subsequent_indent=margin
            )
    added = remarks(result)
    return "\n".join([*lines, *([""] if added else []), *added]).replace(SPACE, " ")


def render_retrieval(result: RetrievalResult, shown: Sequence[Illustration] | None = None) -> str:
    """Give the page about a search: one file that opens with the network off and runs no script.

    Args:
        result: the content of `retrieval.json`.
        shown: as for `retrieval_table`; without it the page holds no text and no picture.
    """
    environment = page_environment()
    results = result.results
    before = None if shown is None or len(shown) == len(results) else shown[0]
    texts = [None] * len(results) if shown is None else shown[len(shown) - len(results) :]
    query = result.query
    wanted = set(query.labels or [])
    return environment.get_template("retrieval.html.j2").render(
        version=__version__,
        light=LIGHT,
        dark=DARK,
        title=one_line(result.inputs.model.id, 80),
        heads=one_line("no heads" if result.inputs.heads is None else result.inputs.heads.name, 80),
        headline=_headline(result),
        query={
            "words": _query_words(result, labels=False),
            "labels": _chips(query, wanted),
            "pair_id": query.pair_id,
            "shown": before,
        },
        results=[
            {
                "rank": found.rank,
                "score": f"{found.score:.4f}",
                "row": found.row,
                "pair_id": found.pair_id,
                "kin": found.kin,
                "labels": _chips(found, wanted),
                "shown": text,
                "name": _result_name(result, found),
            }
            for found, text in zip(results, texts, strict=True)
        ],
        finds=result.gallery.kind,
        remarks=remarks(result),
        private=shown is not None,
        notes=[one_line(note) for note in result.notes],
        settings=[(name, _said(value)) for name, value in plain(result.settings).items()],
    )


def asked(result: RetrievalResult) -> str:
    """Say what was asked, and among what."""
    gallery = result.gallery
    split = result.settings.split
    return (
        f"{_query_words(result)}, among {counted(gallery.candidates, gallery.kind)} of "
        f"{counted(gallery.patients, 'patient')}"
        f"{'' if split is None else f', split {one_line(split, 40)}'}."
    )


def remarks(result: RetrievalResult) -> list[str]:
    """Say what goes with the results: the mate's place, labels in common, ties, and what an index missed."""
    said = []
    mate, common, index = result.mate, result.labels_in_common, result.index
    if mate is not None:
        tied = f", {count(mate.ties)} tie with it" if mate.ties else ""
        said.append(
            f"Its own study scores {mate.score:.4f}; {count(mate.above)} of {count(mate.pool - 1)} "
            f"others score higher{tied}."
        )
    if common is not None:
        said.append(
            f"{percent(common.share)} of the results have a label in common with the query; chance is "
            f"{bare_percent(common.chance)}."
        )
    if result.ties_left:
        said.append(f"{count(result.ties_left)} more tie with the last result and did not fit.")
    if index is not None:
        said.append(
            f"{index.library} looked into {index.probed} of {index.lists} lists. Its "
            f"recall@{result.settings.top} against the exact search is {percent(index.recall)} "
            f"({interval(index.low, index.high)}, chance {bare_percent(index.chance)}), over "
            f"{counted(index.queries, 'query')} of {counted(index.patients, 'patient')}."
        )
    return said


def labels_of(entry: Asked | Neighbour) -> str | None:
    """Give the positive labels, then the uncertain ones with a question mark; None where there are none."""
    names = [*(entry.labels or ()), *(f"{label}?" for label in entry.uncertain or ())]
    return ", ".join(one_line(name, 40) for name in names) if names else None


def _headline(result: RetrievalResult) -> str:
    best = result.results[0]
    kind = result.gallery.kind
    whose = {"own study": f"the {kind} of its own study", "same patient": f"a {kind} of the same patient"}
    level = sum(other.score >= best.score - TIE for other in result.results)
    if level == len(result.results):
        level += result.ties_left
    if level > 1:
        return f"{counted(level, kind)} tie as the nearest, at a cosine of {best.score:.4f}."
    nearest = whose.get(best.kin or "", f"a {kind} of another patient")
    if result.query.by != "row":
        nearest = f"the {kind} in row {best.row}"
    return f"Nearest is {nearest}, at a cosine of {best.score:.4f}."


def _query_words(result: RetrievalResult, *, labels: bool = True) -> str:
    query, kind = result.query, result.settings.sides[0]
    if query.by == "row":
        said = labels_of(query) if labels else None
        return f"The {kind} of row {query.row}{'' if said is None else f' ({said})'}"
    return "An image of one's own" if query.by == "image" else "A text of one's own"


def _result_name(result: RetrievalResult, found: Neighbour) -> str:
    return f"{result.gallery.kind.capitalize()} of row {found.row}"


def _chips(entry: Asked | Neighbour, wanted: set[str]) -> list[dict[str, Any]]:
    chips = [{"name": one_line(label, 40), "shared": label in wanted} for label in entry.labels or []]
    return chips + [{"name": f"{one_line(label, 40)}?", "shared": False} for label in entry.uncertain or []]


def _said(value: Any) -> str:
    return "none" if value is None else count(value) if isinstance(value, int) else str(value)
