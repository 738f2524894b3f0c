"""The sections of a run, in order."""

from collections.abc import Callable
from dataclasses import dataclass

from relinkage.linkage.result import AuditResult
from relinkage.pages.sections.audited import audited_view
from relinkage.pages.sections.closed_set import closed_set_view
from relinkage.pages.sections.controls import controls_view
from relinkage.pages.sections.hard_negatives import hard_negatives_view
from relinkage.pages.sections.hits import hits_view
from relinkage.pages.sections.open_set import open_set_view
from relinkage.pages.sections.patients import patients_view
from relinkage.pages.sections.ranks import ranks_view
from relinkage.pages.sections.tables import View


@dataclass(frozen=True)
class Section:
    """A section of a run.

    Attributes:
        key: names its fragment, `templates/sections/KEY.html.j2`.
        title: its heading.
        view: turns an audit and a prefix for ids into what the fragment shows, its figures under
            `figures`; None leaves the section out.
    """

    key: str
    title: str
    view: Callable[[AuditResult, str], View | None]


SECTIONS = (
    Section("audited", "What was audited", audited_view),
    Section("closed_set", "Closed set", closed_set_view),
    Section("hits", "What counts as a hit", hits_view),
    Section("hard_negatives", "Hard negatives", hard_negatives_view),
    Section("ranks", "Ranks", ranks_view),
    Section("open_set", "Open set: when the mate may be absent", open_set_view),
    Section("patients", "Patients", patients_view),
    Section("controls", "Controls", controls_view),
)
