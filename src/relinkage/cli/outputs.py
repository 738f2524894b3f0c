"""What commands leave: on standard output, and in the folder that was asked for."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import click

from relinkage.encoders.trained.manifest import check_heads
from relinkage.errors import InputError
from relinkage.options import Option, Settings
from relinkage.printing import visible_lines
from relinkage.progress import say
from relinkage.records import json_text
from relinkage.studies.places import PAGE, check_run
from relinkage.studies.pseudonym_keys import pseudonym_key

_quiet = ContextVar("quiet", default=False)


@contextmanager
def quietly() -> Iterator[None]:
    """Print no result inside a block: a plan prints what it found itself."""
    before = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(before)


def say_result(line: str, *, apart: bool) -> None:
    """Print a line that belongs to a result: to standard error where that holds another one.

    Args:
        line: the line.
        apart: whether standard output is for something that the line would spoil, such as JSON.
    """
    if apart or _quiet.get():
        say(line)
    else:
        click.echo(line)


class Printed(Settings, frozen=True):
    """How a result is printed.

    Attributes:
        json: Print the result alone, as JSON.
    """

    json: bool = False

    def show(self, result: Any, table: str, notes: Iterable[str] = ()) -> None:
        """Print a result alone on standard output, as JSON or as a table; notes go to standard error."""
        for note in notes:
            say(f"Note: {note}")
        if _quiet.get():
            return
        click.echo(json_text(result) if self.json else visible_lines(table))


class HeadsOutput(Printed, frozen=True):
    """Where heads go.

    Attributes:
        out: Folder for the heads.
    """

    out: Annotated[Path, Option(metavar="FOLDER")]

    def check_place(self) -> None:
        """Check that heads may be written there, before any work is done.

        Raises:
            InputError: there is something else.
        """
        check_heads(self.out)


class RunOutput(Printed, frozen=True):
    """Where runs go, and how they name things.

    Attributes:
        name: What the page calls the audited model.
        out: Run folder to write: audit.json, page.html, card.md, figures.
        linkage: Also write linkage.parquet there, a row per query, which relinkage compare reads. It helps
            whoever wants to re-identify, so keep it apart from the rest, and delete it when it is read.
        pseudonymise: Replace ids in linkage.parquet by hashes with a random key that is kept nowhere: nobody
            can undo them, and linkage.parquet differs from run to run.
        pseudonym_key: Pseudonymise with the key in this file (32 random bytes): the same ids in every run,
            and who has the key can tell whose they are.
    """

    name: Annotated[str | None, Option(default="the model's or the files' names")] = None
    out: Annotated[Path | None, Option(metavar="FOLDER")] = None
    linkage: bool = False
    pseudonymise: bool = False
    pseudonym_key: Annotated[Path | None, Option(metavar="FILE", exists=True)] = None

    def check(self) -> None:
        """Check that what is to be written has a place, and pseudonyms a file they stand in.

        Raises:
            InputError: something is missing.
        """
        if self.linkage and self.out is None:
            raise InputError("--linkage goes with a run folder; name one with --out.")
        for option, given in (
            ("--pseudonymise", self.pseudonymise),
            ("--pseudonym-key", self.pseudonym_key is not None),
        ):
            if given and not self.linkage:
                raise InputError(
                    f"{option} replaces ids in linkage.parquet, the only file that has any; ask for it with "
                    "--linkage."
                )

    def check_place(self, place: Path | None = None) -> None:
        """Check that a run may be written at `place`, or where it was asked for, before any work is done.

        Raises:
            InputError: there is something else.
        """
        place = place or self.out
        if place is not None:
            check_run(place)

    def key(self) -> bytes | None:
        """Return the key of the pseudonyms; None where ids stay as they are.

        Raises:
            InputError: the key file cannot be read, or is too short.
        """
        if not self.pseudonymise and self.pseudonym_key is None:
            return None
        return pseudonym_key(self.pseudonym_key)

    def say_where(self, place: Path | None) -> None:
        """Say on standard error where the page of a run is."""
        if place is not None:
            say(f"The page is in {place / PAGE}")
