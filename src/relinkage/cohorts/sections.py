"""Sections of a radiology report: where they begin, and which of them stand for the report."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from relinkage.cohorts.cells import ABSENT
from relinkage.errors import InputError
from relinkage.printing import known_of

REPORT, LAST_PARAGRAPH = "report", "last_paragraph"
"""Names that always stand for something: the whole report, and its last paragraph."""

KNOWN = {
    "findings": ("FINDINGS", "FINDING", "FINDINGS AND IMPRESSION", "FINDINGS/IMPRESSION", "REPORT"),
    "impression": ("IMPRESSION", "IMPRESSIONS", "CONCLUSION", "CONCLUSIONS", "OPINION", "SUMMARY"),
    "comparison": ("COMPARISON", "COMPARISONS", "COMPARISON STUDY", "REFERENCE EXAM"),
    "indication": (
        "INDICATION", "INDICATIONS", "REASON FOR EXAM", "REASON FOR EXAMINATION", "REASON FOR STUDY",
        "REASON FOR THIS EXAMINATION", "CLINICAL INDICATION", "PROVISIONAL FINDINGS",
    ),
    "history": ("HISTORY", "CLINICAL HISTORY", "CLINICAL INFORMATION", "PATIENT HISTORY"),
    "technique": ("TECHNIQUE", "TECHNIQUES", "PROCEDURE"),
    "examination": ("EXAMINATION", "EXAM", "EXAMINATIONS", "STUDY", "TYPE OF EXAM", "EXAM TYPE"),
    "recommendation": ("RECOMMENDATION", "RECOMMENDATIONS", "RECOMMENDATION(S)"),
    "notification": ("NOTIFICATION", "NOTIFICATIONS"),
    "wet_read": ("WET READ", "PRELIMINARY REPORT"),
    "addendum": ("ADDENDUM",),
}  # fmt: skip
"""Sections of a report by name, with the headers that begin them."""

NAMES = (*KNOWN, LAST_PARAGRAPH, REPORT)

_BY_HEADER = {header: name for name, headers in KNOWN.items() for header in headers}
_CAPITALS = re.compile(r"[A-Z][A-Z0-9 ()/,.&'_-]{1,60}")
_VIEWED = "views"
_UNNAMED = ("", _VIEWED)
_LONGEST, _LONGEST_ALONE = 61, max(map(len, _BY_HEADER))
_TITLE = re.compile(r"^[ \t_]*(?:FINAL REPORT|FINAL (ADDENDUM))[ \t_]*$", re.MULTILINE)
_VIEWS = re.compile(
    r"(?=.*\b(?:CHEST|THORAX)\b).*(?:\b(?:AP|PA|FRONTAL|LATERAL|PORTABLE|VIEWS?)\b|RADIOGRAPH|X-RAY)"
)
_PARAGRAPH = re.compile(r"\n[ \t_]*\n")
SPACES = r"\s{2,}|[^\S ]"
"""White space that is not one space; a single space, replaced by itself, would take most of the time."""
_WORD = re.compile(r"[^\W_]")


def split_report(text: str) -> dict[str, str]:
    """Split a free-text report, as MIMIC-CXR has them, into its sections.

    What stands before a line `FINAL REPORT` is left out. A section begins at a line that starts with a
    header: words in capitals and a colon, or a header of `KNOWN` in any case, also alone on its line. Small
    slips of spelling in a known header are read as meant. Inside findings and impression a header that is
    not known (`LUNGS:`) goes on with the section; elsewhere it ends the one before. What stands below the
    views in capitals (`PA AND LATERAL VIEWS OF THE CHEST:`) is the findings of a report without that header,
    and a line `FINAL ADDENDUM` begins the addendum. A section that stands twice is joined. The rules are our
    own: they need no list of exceptional studies.

    Args:
        text: the report.

    Returns:
        The texts by name of section, white space folded, of those that are not empty; with `report`, the
        whole, and `last_paragraph`, the last paragraph without its header, where there is text at all.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    title = _TITLE.search(text)
    if title and _WORD.search(text, title.end()):
        text = text[title.end() :]
    sections: dict[str, list[str]] = {}
    part: list[str] = []
    name = ""
    text = _TITLE.sub(lambda title: f"\n{title[1]}:" if title[1] else "", text)
    for line in text.split("\n"):
        found, rest = _header(line)
        if found is None or (found in _UNNAMED and name in ("findings", "impression")):
            part.append(line)
        else:
            sections.setdefault(name, []).append(fold(" ".join(part)))
            name, part = found, [rest]
    sections.setdefault(name, []).append(fold(" ".join(part)))
    views = sections.pop(_VIEWED, [])
    if not any(map(_WORD.search, sections.get("findings", []))):
        sections["findings"] = views
    joined = {key: " ".join(filter(None, dict.fromkeys(texts))) for key, texts in sections.items() if key}
    joined[REPORT], joined[LAST_PARAGRAPH] = fold(text), _last_paragraph(text)
    return {key: value for key, value in joined.items() if _WORD.search(value)}


def fold(text: str) -> str:
    """Make runs of white space one space."""
    return " ".join(text.split())


def _header(line: str) -> tuple[str | None, str]:
    """Give the section that begins at a line (empty where not known, None where none does), and the rest."""
    head, colon, rest = line.partition(":")
    head = head.strip()
    if not head or len(head) > (_LONGEST if colon else _LONGEST_ALONE) or (rest and not rest[0].isspace()):
        return None, line
    name = _named(head)
    return (name if colon or name not in _UNNAMED else None), rest


@lru_cache(maxsize=1 << 14)
def _named(header: str) -> str | None:
    """Name the section of a header: `_UNNAMED` where it is not known, None where it is not a header."""
    known = _BY_HEADER.get(fold(header).upper())
    if known or not _CAPITALS.fullmatch(header):
        return known
    near = difflib.get_close_matches(fold(header), ("FINDINGS", "IMPRESSION", "COMPARISON"), n=1, cutoff=0.8)
    return _BY_HEADER[near[0]] if near else _VIEWED if _VIEWS.search(header) else ""


def _last_paragraph(text: str) -> str:
    for paragraph in reversed(_PARAGRAPH.split(text)):
        first, _, others = paragraph.strip("\n").partition("\n")
        found, rest = _header(first)
        body = fold(paragraph if found is None else f"{rest} {others}")
        if _WORD.search(body):
            return body
    return ""


@dataclass(frozen=True)
class SectionChoice:
    """Which sections stand for a report.

    Attributes:
        alternatives: the first that has text is taken; an alternative is one or more sections, joined in
            this order, of which one at least has text.
    """

    alternatives: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, text: str, names: Sequence[str]) -> "SectionChoice":
        """Read a choice such as `findings+impression,last_paragraph`.

        Args:
            text: alternatives between commas; `+` joins sections.
            names: the sections that there are.

        Raises:
            InputError: a section is not among `names`.
        """
        alternatives = tuple(
            tuple(part.strip().lower().replace("-", "_").replace(" ", "_") for part in alternative.split("+"))
            for alternative in text.split(",")
        )
        known = {name.lower().replace("-", "_").replace(" ", "_"): name for name in names}
        for part in (part for alternative in alternatives for part in alternative):
            if part not in known:
                raise InputError(
                    f"--section names {part!r}, which these reports do not have; choose among "
                    f"{known_of(names, NAMES)} (a comma for or else, + to join)."
                )
        return cls(tuple(tuple(known[part] for part in alternative) for alternative in alternatives))

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections that are asked for, each once."""
        return tuple(dict.fromkeys(part for alternative in self.alternatives for part in alternative))

    def pick(self, sections: Mapping[str, str]) -> tuple[str, str | None]:
        """Give the text of one report, and the alternative it comes from (None where none has text).

        Args:
            sections: texts by name, white space folded.
        """
        for alternative in self.alternatives:
            texts = [sections[part] for part in alternative if sections.get(part)]
            if texts:
                return " ".join(texts), "+".join(alternative)
        return "", None

    def picked(self, table: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
        """Give the same as `pick` for each row of a table: `report` and `text_from`.

        Args:
            table: the texts, as they are.
            columns: the table's column of each section; sections without one have no text.
        """
        there = [part for part in self.sections if part in columns]
        texts = table.select(folded(pl.col(columns[part])).alias(part) for part in there)
        reports, names = [], []
        for alternative in self.alternatives:
            parts = [part for part in alternative if part in there]
            if parts:
                text = pl.concat_str(parts, separator=" ", ignore_nulls=True)
                reports.append(pl.when(text != "").then(text))
                names.append(pl.when(text != "").then(pl.lit("+".join(alternative))))
        nothing = pl.DataFrame({"report": [""], "text_from": [None]}, {"report": str, "text_from": str})
        if not reports:
            return nothing.select(pl.all().repeat_by(len(table)).explode())
        return texts.select(
            pl.coalesce(reports).fill_null("").alias("report"), pl.coalesce(names).alias("text_from")
        )


def folded(column: pl.Expr) -> pl.Expr:
    """Make runs of white space one space in a column; a text that says nothing becomes null."""
    text = column.cast(pl.String).str.replace_all(SPACES, " ").str.strip_chars()
    says = text.str.contains(r"[\p{L}\p{N}]") & ~text.str.to_lowercase().is_in(ABSENT)
    return pl.when(says).then(text)
