"""Which format a folder is in."""

from relinkage.cohorts.readers.chexpert_plus import CHEXPERT_PLUS
from relinkage.cohorts.readers.huggingface_datasets import HUGGINGFACE
from relinkage.cohorts.readers.imagefolder import IMAGEFOLDER
from relinkage.cohorts.readers.mimic_cxr import MIMIC_CXR
from relinkage.cohorts.readers.mimic_cxr_jpg import MIMIC_CXR_JPG
from relinkage.cohorts.readers.on_disk import Survey
from relinkage.cohorts.readers.open_i import OPEN_I
from relinkage.cohorts.readers.open_i_xml import OPEN_I_XML
from relinkage.cohorts.readers.protocol import Format
from relinkage.cohorts.readers.r2gen import R2GEN
from relinkage.cohorts.readers.settings import NAMES
from relinkage.cohorts.readers.webdataset import WEBDATASET
from relinkage.cohorts.tabular import TABLE_NAMES
from relinkage.errors import InputError

TABLE = "table"
FORMATS = {
    each.name: each
    for each in (
        MIMIC_CXR_JPG,
        MIMIC_CXR,
        CHEXPERT_PLUS,
        OPEN_I,
        OPEN_I_XML,
        HUGGINGFACE,
        IMAGEFOLDER,
        WEBDATASET,
        R2GEN,
    )
}
"""Formats by name; `table`, a plain table, is one more."""


def recognise(tree: Survey) -> str:
    """Name the one format that fits.

    A file that no other format fits is left to the plain tables, which say what is wrong with it.

    Args:
        tree: the survey of a folder or file.

    Raises:
        InputError: none or several fit.
    """
    fitting = [name for name, format in FORMATS.items() if format.fits(tree)]
    if tree.asked.is_file():
        return fitting[0] if fitting else TABLE
    if any((tree.base / name).is_file() for name in TABLE_NAMES):
        fitting.append(TABLE)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InputError(
            f"{tree.asked} fits several formats ({', '.join(fitting)}); choose one with --format or as "
            f"{fitting[0]}:FOLDER, or name the file itself."
        )
    raise InputError(
        f"{tree.asked} holds no cohort table; put {' or '.join(TABLE_NAMES[:2])} there, or name a folder "
        f"with {', '.join(format.title for format in FORMATS.values())}."
    )


def by_name(name: str) -> Format:
    """Give a format, other than plain tables, by its name.

    Raises:
        InputError: there is none of this name.
    """
    if name not in FORMATS:
        raise InputError(f"There is no format {name!r}; choose among {', '.join(NAMES)}.")
    return FORMATS[name]
