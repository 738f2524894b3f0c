"""MIMIC-CXR as DICOM: the lists of its images and studies, with the reports in its tree or zip."""

from relinkage.cohorts.readers.columns import as_id, read_columns
from relinkage.cohorts.readers.mimic_patients import with_patients
from relinkage.cohorts.readers.mimic_reports import with_reports
from relinkage.cohorts.readers.on_disk import Survey, folder_of, survey
from relinkage.cohorts.readers.protocol import Format, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.cohorts.sections import NAMES, SectionChoice

SECTIONS = "findings+impression,last_paragraph"
_RECORDS = r"cxr-record-list\.csv(\.gz)?"


def fits(tree: Survey) -> bool:
    """Whether the folder, or the file itself, is known by its list of images."""
    return bool(tree.named(_RECORDS))


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read a tree of MIMIC-CXR: images as `cxr-record-list` names them, reports beside their studies.

    The release says nothing of views, splits and labels: those come with MIMIC-CXR-JPG.

    Args:
        tree: the survey of the folder, or the list alone.
        options: how it is read.

    Raises:
        InputError: the list cannot be read, a column or the reports are missing, or an option names something
            that is not there.
    """
    options.refuse("mimic-cxr", "image_column", "labels")
    records = tree.first(_RECORDS, "cxr-record-list.csv.gz")
    tree = survey(records.parent) if tree.asked.is_file() else tree
    choice = SectionChoice.parse(options.section or SECTIONS, NAMES)
    table = read_columns(records, ["dicom_id", "subject_id", "study_id", "path"])
    root = options.root or records.parent
    below = records.parent.resolve().is_relative_to(root.resolve())
    place = folder_of(root, records.parent) if below else ""
    found = Found(table, root, places=(place,), pictured=(root / place / "files").is_dir())
    found.read["rows of the list of images"] = len(table)
    table = table.with_columns(
        as_id("dicom_id"), as_id("subject_id", "p"), as_id("study_id", "s"), as_id("path").alias("image")
    )
    table = with_patients(table, options.patients, found)
    table = with_reports(table, tree, options.reports, choice, found)
    found.table = table.rename({"dicom_id": "pair_id", "subject_id": "patient_id"}).drop("path")
    return found


MIMIC_CXR = Format("mimic-cxr", "MIMIC-CXR (DICOM)", "cxr-record-list.csv(.gz)", fits, read)
