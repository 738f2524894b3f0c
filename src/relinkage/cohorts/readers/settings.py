"""How a cohort is read, and which formats there are; known without loading a reader."""

from pathlib import Path
from typing import Annotated, Literal, get_args

from msgspec import Meta

from relinkage.errors import InputError
from relinkage.options import Option, Seed, Settings

FormatName = Literal[
    "mimic-cxr-jpg",
    "mimic-cxr",
    "chexpert-plus",
    "open-i",
    "open-i-xml",
    "huggingface",
    "imagefolder",
    "webdataset",
    "r2gen",
    "table",
]
NAMES: tuple[FormatName, ...] = get_args(FormatName)


class ReadOptions(Settings, frozen=True):
    """How a cohort is read. None means the format's own default.

    Attributes:
        root: Folder that image paths are relative to.
        section: Sections that stand for the report: a comma for or else, + to join, such as
            findings+impression,last_paragraph; columns of a data set without fixed ones.
        views: Rows to keep; frontal leaves out every row that is not known to be frontal.
        split: The data set's own split, or a seeded one that no patient crosses.
        train_share: Share of patients that a random split gives to training, on average.
        seed: Seed of a random split.
        labels: Which of the data set's labels: chexpert, negbio or test-set (MIMIC-CXR-JPG); impression,
            findings or report (CheXpert Plus).
        patients: MIMIC-IV's patients.csv(.gz), for sex and age.
        reports: MIMIC-CXR's reports: the zip, its folder, or the sectioned table.
        image_column: Column of images in a Hugging Face data set.
        unchecked: Do not look whether the image files are there.
    """

    root: Annotated[Path | None, Option(exists=True, default="the format's")] = None
    section: Annotated[str | None, Option(default="the format's")] = None
    views: Literal["all", "frontal"] = "all"
    split: Annotated[Literal["official", "random"] | None, Option(default="its own where it has one")] = None
    train_share: Annotated[float, Meta(gt=0, lt=1), Option(noun="share")] = 0.8
    seed: Seed = 0
    labels: str | None = None
    patients: Annotated[Path | None, Option(exists=True)] = None
    reports: Annotated[Path | None, Option(exists=True)] = None
    image_column: Annotated[str | None, Option(metavar="COLUMN")] = None
    unchecked: bool = False

    def refuse(self, format: str, *names: str) -> None:
        """Refuse options that a format has no use for.

        Raises:
            InputError: one of them is given.
        """
        for name in names:
            if getattr(self, name) is not None:
                raise InputError(
                    f"--{name.replace('_', '-')} says nothing to the format {format}; leave it out."
                )


def format_and_path(path: Path) -> tuple[str | None, Path]:
    """Take `mimic-cxr-jpg:/data/mimic` apart; a path that is there is taken as it is."""
    name, colon, rest = str(path).partition(":")
    if colon and rest and name in NAMES and not path.exists():
        return name, Path(rest)
    return None, path


def check_cohort_path(path: Path) -> None:
    """Check, before a reader is loaded, that there is something to read.

    Raises:
        InputError: there is nothing.
    """
    _, place = format_and_path(path)
    if not place.exists():
        raise InputError(f"{place} does not exist; name a cohort's table or folder.")
