"""IU X-Ray / Open-I as the NLMCXR download: an XML file for each report, and PNG images."""

from collections.abc import Iterable
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import polars as pl

from relinkage.cohorts.labels import CHEXPERT_LABELS
from relinkage.cohorts.readers.mesh import mesh_labels
from relinkage.cohorts.readers.on_disk import Survey, survey
from relinkage.cohorts.readers.open_i import COLUMNS, SECTIONS, image_places
from relinkage.cohorts.readers.protocol import LONGEST_REPORT, Format, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.cohorts.sections import SectionChoice, fold
from relinkage.errors import InputError
from relinkage.progress import progress

_REPORT = r"[^.].*\.xml"
UNREADABLE = "reports that are not readable XML (or declare entities, which is refused)"
FOREIGN = "XML files without a uId"
IMAGELESS = "reports without an image"
TWICE = "reports whose uId another has"


class RefusedXmlError(Exception):
    """The XML declares a document type or entities, which could make a small file endless."""


def fits(tree: Survey) -> bool:
    """Whether one of the first XML files is a report of Open-I."""
    files = tree.named(_REPORT)[:5]
    return any((root := _root(file)) is not None and root.find(".//uId") is not None for file in files)


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read Open-I from XML files that each name their images (`parentImage`).

    Args:
        tree: the survey of the folder that holds both the reports and the images, or of the reports alone.
        options: how it is read.

    Raises:
        InputError: no file is a readable report, or an option names something that is not there.
    """
    options.refuse("open-i-xml", "image_column", "patients", "reports", "labels")
    choice = SectionChoice.parse(options.section or SECTIONS, COLUMNS)
    root = options.root or tree.base
    places = image_places(survey(root) if options.root else tree, root)
    found = Found(pl.DataFrame(), root, CHEXPERT_LABELS, places or ("",), pictured=bool(places))
    rows: list[dict[str, object]] = []
    studies: set[str] = set()
    files = tree.named(_REPORT)
    with progress(len(files), "reports", "reports") as bar:
        for file in files:
            bar.update(1)
            reason, report = _report(file, choice)
            study = str(report.get("study_id"))
            if not reason and study in studies:
                reason = TWICE
            if reason:
                found.dropped[reason] += 1
                continue
            studies.add(study)
            images: Iterable[str] = report.pop("images")  # type: ignore[assignment]
            rows += [{**report, "pair_id": image, "image": f"{image}.png"} for image in images]
    found.read["XML files"] = len(files)
    if not rows:
        raise InputError(f"{tree.base} holds no readable Open-I report with an image; check the XML files.")
    texts = ("pair_id", "study_id", "image", "report", "text_from")
    schema = dict.fromkeys(texts, pl.String) | dict.fromkeys(CHEXPERT_LABELS, pl.Int8)
    found.table = pl.DataFrame(rows, schema=schema).with_columns(frontal=pl.lit(None, pl.Boolean))
    found.notes.append("These files do not say which images are frontal.")
    return found


def _report(file: Path, choice: SectionChoice) -> tuple[str, dict[str, object]]:
    """Give why a file is not used, or the row of its report with the names of its images."""
    root = _root(file)
    if root is None:
        return UNREADABLE, {}
    uid = root.find(".//uId")
    study = "" if uid is None else (uid.get("id") or uid.text or "").strip()
    if not study:
        return FOREIGN, {}
    images = [name for each in root.iter("parentImage") if (name := _image(each))]
    if not images:
        return IMAGELESS, {}
    texts = {
        (part.get("Label") or "").strip().lower(): fold("".join(part.itertext()))
        for part in root.iter("AbstractText")
    }
    report, source = choice.pick(texts)
    major = [fold("".join(each.itertext())) for each in root.iterfind(".//MeSH/major")]
    labels = mesh_labels(major)
    return "", {
        "study_id": study,
        "report": report,
        "text_from": source,
        "images": dict.fromkeys(images),
        **{label: 1 if label in labels else None for label in CHEXPERT_LABELS},
    }


def _image(element: Element) -> str:
    """Name an image by its id, or by the file of its address."""
    name = (element.get("id") or "").strip()
    if not name:
        name = (element.findtext("url") or "").strip().rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return "" if "/" in name or "\\" in name else name.removesuffix(".png").removesuffix(".jpg")


def _root(file: Path) -> Element | None:
    """Parse an XML file that declares no document type; None where it cannot be used."""
    try:
        with file.open("rb") as opened:
            content = opened.read(LONGEST_REPORT + 1)
        if len(content) > LONGEST_REPORT:
            return None
        try:
            return parse_xml(content)
        except expat.ExpatError:  # text that is not in the encoding it says is read as Latin-1
            return parse_xml(content, "iso-8859-1")
    except (OSError, expat.ExpatError, RefusedXmlError, LookupError, ValueError, AssertionError):
        return None


def parse_xml(content: bytes, encoding: str | None = None) -> Element:
    """Parse XML without document type, entities or anything from outside.

    Args:
        content: the whole file.
        encoding: what goes before the encoding that the file states.

    Raises:
        RefusedXmlError: it declares a document type or an entity.
        xml.parsers.expat.ExpatError: it is not well-formed.
    """

    def refuse(*_: object) -> int:
        raise RefusedXmlError

    builder = TreeBuilder()
    parser = expat.ParserCreate(encoding)
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = lambda tag, attributes: builder.start(tag, attributes)
    parser.EndElementHandler = lambda tag: builder.end(tag)
    parser.CharacterDataHandler = builder.data
    parser.Parse(content, True)
    return builder.close()


OPEN_I_XML = Format("open-i-xml", "Open-I (NLMCXR XML)", "XML files with a uId", fits, read)
