"""The choices of a demonstration, and where one may be written."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from relinkage.files import check_folder
from relinkage.options import Option, Seed, Settings
from relinkage.records import Record

MARKER, SCHEMA = "demo.json", "relinkage.demo/1"


class DemoSettings(Settings, frozen=True):
    """The choices of a demonstration.

    Attributes:
        pairs: Image-report pairs to draw; the audit takes those of the test patients.
        seed: Seed of the cohort and of the audits.
    """

    pairs: Annotated[int, Meta(ge=100), Option(noun="number of pairs")] = 6000
    seed: Seed = 0


class DemoMark(Record, frozen=True):
    """What an earlier demonstration is known by; people keep a page.html in folders of their own.

    Attributes:
        version: The relinkage version that made it.
        pairs: How many pairs were drawn.
        seed: By which seed.
    """

    schema: Literal["relinkage.demo/1"] = "relinkage.demo/1"
    version: str
    pairs: int
    seed: int


def check_demo(out: Path) -> None:
    """Check that a demonstration may be written at `out`, before any work.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    check_folder(out, MARKER, SCHEMA)
