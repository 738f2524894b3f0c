"""The context of a release: what no measurement tells, and a decision needs all the same.

ISO/IEC 27559 asks for it beside the figures: linkage by an attacker is one thing, whether somebody will try,
with what else in hand, and what is there to stop him, another.
"""

import datetime
from pathlib import Path
from typing import Literal

import msgspec

from relinkage.errors import InputError
from relinkage.options import Settings, fields_of
from relinkage.toml_files import TomlFile

NOT_PROVIDED = "not provided"

ContextField = Literal[
    "recipient",
    "other_data",
    "contractual_controls",
    "technical_controls",
    "likelihood",
    "likelihood_reason",
    "owner",
    "date",
    "expires",
    "per_patient_files",
]
"""What a policy may ask a context for."""


class Context(Settings, frozen=True):
    """The context of a release, as whoever releases states it; the tool checks none of it.

    Attributes:
        recipient: Who receives the release.
        other_data: Other data that the recipient may hold, and that could be linked with it.
        contractual_controls: What the recipient is bound to.
        technical_controls: What keeps the recipient from trying, or others from getting the release.
        likelihood: How likely an attempt is.
        likelihood_reason: Why it is that likely.
        owner: Who answers for the release.
        date: When this was stated.
        expires: When it has to be stated again.
        per_patient_files: What happens to files with a row per patient, such as linkage.parquet.
    """

    recipient: str | None = None
    other_data: str | None = None
    contractual_controls: str | None = None
    technical_controls: str | None = None
    likelihood: Literal["low", "medium", "high"] | None = None
    likelihood_reason: str | None = None
    owner: str | None = None
    date: datetime.date | None = None
    expires: datetime.date | None = None
    per_patient_files: str | None = None

    def check(self) -> None:
        """Check that it does not expire before it begins.

        Raises:
            InputError: it does.
        """
        if self.date is not None and self.expires is not None and self.expires < self.date:
            raise InputError(f"expires {self.expires} lies before date {self.date}; give a later day.")

    @property
    def stated(self) -> dict[str, str | None]:
        """Each field as text; None where nothing is said."""
        values = msgspec.structs.asdict(self)
        return {
            name: str(value).strip() or None if value is not None else None for name, value in values.items()
        }

    def said(self) -> list[tuple[str, str]]:
        """Return what a card prints: what each field is about, and what is said, or that nothing is."""
        texts = self.stated
        return [
            (field.help.rstrip("."), texts[field.name] or NOT_PROVIDED) for field in fields_of(type(self))
        ]

    def expired(self, today: datetime.date) -> bool:
        """Return whether it has to be stated again."""
        return self.expires is not None and self.expires < today


def read_context(path: Path) -> Context:
    """Read a context from a TOML file.

    Raises:
        InputError: it is missing or is not valid; all mistakes are told.
    """
    file = TomlFile.read(path)
    context = file.settings(Context, file.content, ())
    file.check()
    assert context is not None
    return context
