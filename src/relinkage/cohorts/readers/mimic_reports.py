"""The reports of MIMIC-CXR: out of the zip, out of the unpacked tree, or out of the sectioned table."""

import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from relinkage.cohorts.readers.columns import as_id, read_columns
from relinkage.cohorts.readers.on_disk import Survey, survey
from relinkage.cohorts.readers.protocol import LONGEST_REPORT, Found
from relinkage.cohorts.sections import LAST_PARAGRAPH, SectionChoice, split_report
from relinkage.errors import InputError
from relinkage.progress import progress

ZIP, SECTIONED = r"mimic-cxr-reports.*\.zip", r"mimic_cxr_sectioned\.csv(\.gz)?"
_MEMBER = re.compile(r"(?:^|[/\\])s(\d+)\.txt$", re.IGNORECASE)
_PATIENTS = r"p\d{2}"

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError)
TOO_LONG, DAMAGED = "the report is longer than 1 MB", "the report cannot be read"


@dataclass(frozen=True)
class ReportPlaces:
    """Where reports are: zip files, trees that hold `p10/p10000032/s50414267.txt`, sectioned tables."""

    zips: tuple[Path, ...] = ()
    trees: tuple[Path, ...] = ()
    tables: tuple[Path, ...] = ()


def places_of_reports(tree: Survey, given: Path | None, given_tree: Survey | None) -> ReportPlaces:
    """Find where the reports are.

    Args:
        tree: the survey of the data set.
        given: what the user names: a zip, a sectioned table, or a folder that holds any of them; then nothing
            else is looked at.
        given_tree: the survey of that.

    Raises:
        InputError: what the user names is none of these.
    """
    seen = given_tree or tree
    places = ReportPlaces(
        tuple(seen.named(r".*\.zip" if seen.asked.is_file() else ZIP)),
        tuple(dict.fromkeys([*seen.holding(_PATIENTS), *([seen.base] if given and seen.folders else [])])),
        tuple(seen.named(r".*\.csv(\.gz)?" if seen.asked.is_file() else SECTIONED)),
    )
    if given is not None and places == ReportPlaces():
        raise InputError(
            f"{given} holds no MIMIC-CXR reports; name mimic-cxr-reports.zip, the folder it unpacks to, or "
            "mimic_cxr_sectioned.csv."
        )
    return places


@dataclass
class _Taken:
    """Texts by study as they come in; the first source that has a text for a study keeps it."""

    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    trouble: dict[str, str] = field(default_factory=dict)

    def table(self) -> pl.DataFrame:
        studies = sorted(self.seen | self.trouble.keys() | self.texts.keys())
        pairs = [self.texts.get(study, ("", None)) for study in studies]
        return pl.DataFrame(
            {
                "study_id": studies,
                "report": [text for text, _ in pairs],
                "text_from": [source for _, source in pairs],
                "trouble": [None if s in self.texts else self.trouble.get(s) for s in studies],
            },
            schema=dict.fromkeys(("study_id", "report", "text_from", "trouble"), pl.String),
        )


def reports_of(
    places: ReportPlaces, patients: Mapping[str, str], choice: SectionChoice, found: Found
) -> pl.DataFrame:
    """Read the reports of some studies: `study_id, report, text_from, trouble`, a row per study that has one.

    Raw reports go before the sectioned table, so that one rule holds for all; the table fills in where there
    is not a raw report, and raw reports hold the studies that the table leaves out.

    Args:
        places: where to look, in order.
        patients: the patient of every study that is wanted.
        choice: the sections that stand for a report.
        found: counts of what was read are added here.

    Raises:
        InputError: a zip or a table cannot be read at all.
    """
    taken = _Taken()
    sources = [(path.name, _from_zip(path, patients, taken)) for path in places.zips]
    sources += [(f"{path.name}/", _from_tree(path, patients, taken)) for path in places.trees]
    with progress(len(patients), "reports", "reports") as bar:
        for name, reports in sources:
            count = 0
            for study, raw in reports:
                taken.seen.add(study)
                text, source = choice.pick(split_report(_decoded(raw)))
                if source is not None:
                    taken.texts[study] = (text, source)
                count += 1
                if not count % 1000:
                    bar.update(1000)
            if count:
                found.read[f"reports from {name}"] = found.read.get(f"reports from {name}", 0) + count
    for path in places.tables:
        count = _from_table(path, patients, choice, taken)
        if count:
            found.read[f"reports from {path.name}"] = count
    return taken.table()


def with_reports(
    table: pl.DataFrame, tree: Survey, given: Path | None, choice: SectionChoice, found: Found
) -> pl.DataFrame:
    """Add `report`, `text_from` and `trouble` to images with `study_id` and `subject_id`.

    Args:
        table: a row per image.
        tree: the survey of the data set.
        given: what the user names as the place of the reports.
        choice: the sections that stand for a report.
        found: counts of what was read are added here.

    Raises:
        InputError: there are no reports, or they cannot be read at all.
    """
    places = places_of_reports(tree, given, None if given is None else survey(given))
    studies = table.drop_nulls(["study_id", "subject_id"]).unique("study_id", keep="first")
    patients = dict(studies.select("study_id", "subject_id").iter_rows())
    reports = reports_of(places, patients, choice, found)
    if reports.is_empty():
        where = "is there" if places == ReportPlaces() else "in it is of a study in the metadata"
        raise InputError(
            f"{given or tree.base} holds no reports ({where.replace('is there', 'no zip, tree or table')}); "
            "name mimic-cxr-reports.zip of MIMIC-CXR, or what it unpacks to, with --reports."
        )
    return table.join(reports, on="study_id", how="left", maintain_order="left")


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _from_zip(path: Path, patients: Mapping[str, str], taken: _Taken) -> Iterator[tuple[str, bytes]]:
    """Read the wanted members of a zip in the order they lie in it, each within the limit."""
    try:
        with zipfile.ZipFile(path) as packed:
            for member in packed.infolist():
                match = _MEMBER.search(member.filename)
                if match is None or match[1] not in patients or match[1] in taken.seen:
                    continue
                try:
                    with packed.open(member) as file:
                        content = file.read(LONGEST_REPORT + 1)
                except _DAMAGE:
                    taken.trouble[match[1]] = DAMAGED
                    continue
                if len(content) > LONGEST_REPORT:
                    taken.trouble[match[1]] = TOO_LONG
                else:
                    yield match[1], content
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(
            f"{path} cannot be read as a zip ({type(error).__name__}); check the download."
        ) from None


def _from_tree(root: Path, patients: Mapping[str, str], taken: _Taken) -> Iterator[tuple[str, bytes]]:
    """Read the wanted files of an unpacked tree: beside the folder of a study, or in it."""
    groups: dict[str, list[str]] = {}
    for study, patient in patients.items():
        if study not in taken.seen:
            groups.setdefault(patient, []).append(study)
    for patient, studies in groups.items():
        folder = root / f"p{patient[:2]}" / f"p{patient}"
        try:
            names = set(os.listdir(folder))
        except (OSError, ValueError):
            continue
        for study in studies:
            name = f"s{study}"
            path = folder / f"{name}.txt"
            if path.name not in names:
                if name not in names:
                    continue
                path = folder / name / path.name
            try:
                with path.open("rb") as file:
                    content = file.read(LONGEST_REPORT + 1)
            except FileNotFoundError:
                continue
            except OSError:
                taken.trouble[study] = DAMAGED
                continue
            if len(content) > LONGEST_REPORT:
                taken.trouble[study] = TOO_LONG
            else:
                yield study, content


def _from_table(path: Path, patients: Mapping[str, str], choice: SectionChoice, taken: _Taken) -> int:
    """Take the texts of a sectioned table for studies that have none yet; give how many."""
    columns: Sequence[str] = ("impression", "findings", LAST_PARAGRAPH, "comparison")
    table = read_columns(path, ["study"], columns)
    columns = [column for column in columns if column in table.columns]
    table = table.with_columns(as_id("study", "s")).drop_nulls("study").unique("study", keep="first")
    wanted = pl.DataFrame(
        {"study": [study for study in patients if study not in taken.texts]}, {"study": str}
    )
    table = table.join(wanted, on="study", how="semi")
    table = table.select("study").hstack(choice.picked(table, {column: column for column in columns}))
    taken.seen.update(table["study"])
    kept = table.drop_nulls("text_from")
    for study, report, source in kept.iter_rows():
        taken.texts[study] = (report, source)
    return len(kept)
