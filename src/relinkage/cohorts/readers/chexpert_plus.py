"""CheXpert Plus: one wide table of images with their reports in sections, and labels as JSON Lines."""

import json
from pathlib import Path

import polars as pl

from relinkage.cohorts.labels import CHEXPERT_LABELS
from relinkage.cohorts.readers.columns import as_age, as_id, as_sex, column_names, label_columns, read_columns
from relinkage.cohorts.readers.on_disk import Survey, folder_of, survey
from relinkage.cohorts.readers.protocol import Format, Found
from relinkage.cohorts.readers.settings import ReadOptions
from relinkage.cohorts.sections import REPORT, SectionChoice
from relinkage.errors import InputError

SECTIONS = "findings+impression,summary,narrative,report"
LABELS = ("impression", "findings", "report")
_TABLE = r"df_chexpert_plus.*\.csv(\.gz)?"
_PREFIX = "section_"
_SPLITS = r"train|valid|validate|test"
_CORE = rf"^.*?((?:{_SPLITS})/[^/]+/[^/]+/[^/]+)$"


def fits(tree: Survey) -> bool:
    """Whether the folder, or the file itself, is known by its table."""
    return bool(tree.named(_TABLE))


def read(tree: Survey, options: ReadOptions) -> Found:
    """Read CheXpert Plus.

    A study is the folder of its images. Its report repeats with each image, anonymised anew each time; the
    one that stands for all is of the image whose text comes from the earliest alternative of the section
    choice, and among equals of the first image by path. So it does not depend on the order of rows.

    Args:
        tree: the survey of the folder, or the table alone.
        options: how it is read.

    Raises:
        InputError: the table or the label file cannot be read, lacks a column, or an option names something
            that is not there.
    """
    options.refuse("chexpert-plus", "image_column", "patients", "reports")
    path = tree.first(_TABLE, "df_chexpert_plus_240401.csv")
    tree = survey(path.parent) if tree.asked.is_file() else tree
    names = {name.lower() for name in column_names(path)}
    sections = {name.removeprefix(_PREFIX): name for name in sorted(names) if name.startswith(_PREFIX)}
    sections |= {REPORT: REPORT} if REPORT in names else {}
    there = ("+".join(name for name in part.split("+") if name in sections) for part in SECTIONS.split(","))
    default = [part for part in there if part]
    choice = SectionChoice.parse(options.section or ",".join(default) or REPORT, list(sections))
    table = read_columns(
        path,
        ["path_to_image", *(sections[name] for name in choice.sections)],
        ["deid_patient_id", "frontal_lateral", "ap_pa", "age", "sex", "split"],
    )
    root = options.root or tree.base
    places = _places(survey(root) if options.root else tree, root)
    found = Found(table, root, places=places or ("",), pictured=bool(places))
    found.read["rows of the table"] = len(table)
    table = table.with_columns(as_id("path_to_image"))
    image = pl.col("path_to_image").str.replace_all(r"\\", "/", literal=False)
    image = image.str.replace(_CORE, "${1}").str.replace(r"^(\./|/)+", "")
    table = table.with_columns(image=image)
    study = pl.col("image").str.replace(r"/?[^/]*$", "")
    table = table.with_columns(
        pair_id=pl.col("image").str.replace(r"\.[A-Za-z]{3,4}$", ""),
        study_id=pl.when(study != "").then(study),
    )
    table = _with_patient(table)
    columns = {name: sections[name] for name in choice.sections}
    table = table.with_columns(*choice.picked(table, columns)).drop(
        [column for column in columns.values() if column != REPORT]
    )
    table = _one_report_a_study(table, choice, found)
    table = _with_view(table)
    present = set(table.columns)
    kept = [as_id("split")] if "split" in present and options.split != "random" else []
    kept += [as_sex("sex")] if "sex" in present else []
    kept += [as_age("age")] if "age" in present else []
    table = table.with_columns(kept)
    if "split" in present and options.split == "random":
        table = table.drop("split")
    table = _with_labels(table, tree, options.labels, found)
    found.table = table.drop("path_to_image", "deid_patient_id", "frontal_lateral", "ap_pa", strict=False)
    return found


def _places(tree: Survey, root: Path) -> tuple[str, ...]:
    """Find the folders that hold `train/` or `valid/`; there are several where chunks were unpacked apart."""
    below = []
    for holder in tree.holding(_SPLITS):
        try:
            below.append(folder_of(root, holder))
        except InputError:
            continue
    return tuple(dict.fromkeys(below))


def _with_patient(table: pl.DataFrame) -> pl.DataFrame:
    inside = pl.col("image").str.extract(r"(?:^|/)(patient\d+)/", 1)
    if "deid_patient_id" not in table.columns:
        return table.with_columns(patient_id=inside)
    return table.with_columns(as_id("deid_patient_id")).with_columns(
        patient_id=pl.coalesce("deid_patient_id", inside)
    )


def _one_report_a_study(table: pl.DataFrame, choice: SectionChoice, found: Found) -> pl.DataFrame:
    order = {"+".join(alternative): rank for rank, alternative in enumerate(choice.alternatives)}
    rank = pl.col("text_from").replace_strict(order, default=None, return_dtype=pl.Int32)
    ranked = table.with_columns(rank=rank).filter(pl.col("text_from").is_not_null())
    first = ranked.sort("study_id", "rank", "image", nulls_last=True).unique(
        "study_id", keep="first", maintain_order=True
    )
    texts = ranked.group_by("study_id").agg(pl.col("report").n_unique())
    found.read["studies whose images bring different texts"] = int((texts["report"] > 1).sum())
    return table.drop("report", "text_from").join(
        first.select("study_id", "report", "text_from"), on="study_id", how="left", maintain_order="left"
    ).with_columns(pl.col("report").fill_null(""))  # fmt: skip


def _with_view(table: pl.DataFrame) -> pl.DataFrame:
    """Name a view by `ap_pa`, else by `frontal_lateral`; what is frontal follows from the latter."""
    blank = pl.lit(None, pl.String)
    side = pl.col("frontal_lateral") if "frontal_lateral" in table.columns else blank
    beam = pl.col("ap_pa") if "ap_pa" in table.columns else blank
    side, beam = side.str.strip_chars().str.to_lowercase(), beam.str.strip_chars().str.to_uppercase()
    named = pl.col("image").str.to_lowercase().str.extract(r"_(frontal|lateral)\.[a-z]+$", 1)
    side = pl.coalesce(pl.when(side.is_in(["frontal", "lateral"])).then(side), named)
    table = table.with_columns(side=side, beam=pl.when(beam.is_in(["AP", "PA"])).then(beam))
    frontal = pl.col("side") == "frontal"
    return table.with_columns(
        frontal=frontal, view=pl.coalesce(pl.when(frontal).then("beam"), pl.col("side").str.to_uppercase())
    ).drop("side", "beam")


def _with_labels(table: pl.DataFrame, tree: Survey, asked: str | None, found: Found) -> pl.DataFrame:
    if asked is not None and asked not in LABELS:
        raise InputError(f"--labels is {asked!r}; CheXpert Plus has {', '.join(LABELS)}.")
    kind = asked or "impression"
    files = tree.named(rf"{kind}_fixed\.jsonl?")
    if not files:
        if asked:
            raise InputError(f"{tree.base} holds no {kind}_fixed.json; unpack the label files there.")
        return table
    labels = _json_lines(files[0])
    found.read[f"images with {kind} labels"] = len(labels)
    found.labels = tuple(label for label in CHEXPERT_LABELS if label in labels.columns)
    if kind == "findings":
        found.notes.append(
            'Labels from findings call most studies "No Finding", for many reports have no findings.'
        )
    return table.join(labels, on="pair_id", how="left", maintain_order="left")


def _json_lines(path: Path) -> pl.DataFrame:
    """Read labels: a row per image, `pair_id` and the labels that stand in the first lines."""
    rows: list[dict[str, object]] = []
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict) or not isinstance(row.get("path_to_image"), str):
                    raise InputError(f"{path} line {number} has no path_to_image; check the file.")
                rows.append(row)
    except InputError:  # which is a ValueError
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path} cannot be read as JSON Lines ({type(error).__name__}); check the file."
        ) from None
    columns = label_columns(list(dict.fromkeys(key for row in rows[:1000] for key in row)))
    image = pl.Series("image", [row["path_to_image"] for row in rows], pl.String)
    core = image.str.replace(_CORE, "${1}").str.replace(r"^(\./|/)+", "")
    values = {
        label: pl.Series([_value(row.get(name)) for row in rows], dtype=pl.Int8)
        for name, label in columns.items()
    }
    table = pl.DataFrame({"pair_id": core.str.replace(r"\.[A-Za-z]{3,4}$", ""), **values})
    return table.unique("pair_id", keep="first", maintain_order=True)


def _value(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) and value in (1, 0, -1) else None


CHEXPERT_PLUS = Format("chexpert-plus", "CheXpert Plus", "df_chexpert_plus_*.csv", fits, read)
