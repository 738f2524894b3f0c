"""The choices of a phantom cohort, and where one may be written."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from relinkage.files import check_folder
from relinkage.options import Count, Option, Seed, Settings
from relinkage.records import Record

MARKER, SCHEMA = "phantom.json", "relinkage.phantom/1"


class PhantomSettings(Settings, frozen=True):
    """The choices of a phantom cohort.

    Attributes:
        pairs: Image-report pairs to draw.
        seed: Seed of everything that is drawn.
        site: Hospital that is drawn; the phantom encoders have not seen the county's.
    """

    pairs: Annotated[Count, Option(noun="number of pairs")] = 1000
    seed: Seed = 0
    site: Literal["city", "county"] = "city"


class PhantomMark(Record, frozen=True):
    """What an earlier phantom cohort is known by, so that no real one is ever replaced.

    Attributes:
        pairs: How many pairs were drawn.
        seed: By which seed.
        site: In which hospital.
    """

    schema: Literal["relinkage.phantom/1"] = "relinkage.phantom/1"
    pairs: int
    seed: int
    site: str


def check_phantom(out: Path) -> None:
    """Check that a phantom cohort may be written at `out`, before any work.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    check_folder(out, MARKER, SCHEMA)


def is_phantom(root: Path) -> bool:
    """Say whether the images below a folder are those of a phantom cohort: its mark lies beside them."""
    try:
        found = msgspec.json.decode((root / MARKER).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("schema") == SCHEMA
