"""A whole phantom cohort on disk: PNG images and a cohort table, as any other cohort is."""

import itertools
from pathlib import Path

import polars as pl
from PIL import Image

from relinkage.cohorts.labels import CHEXPERT_LABELS
from relinkage.cohorts.phantom.patient import draw_patient
from relinkage.cohorts.phantom.settings import MARKER, SCHEMA, PhantomMark, PhantomSettings
from relinkage.cohorts.phantom.site import CITY, Site
from relinkage.cohorts.table import Cohort
from relinkage.cohorts.tabular import read_cohort
from relinkage.files import whole_folder
from relinkage.progress import progress
from relinkage.records import write_record
from relinkage.tables import write_csv

TABLE = "cohort.csv"


def phantom_cohort(out: Path, *, pairs: int, seed: int = 0, site: Site = CITY) -> Cohort:
    """Draw a phantom cohort and write it as a folder: `cohort.csv` and `images/`.

    Patients are drawn one after the other until there are enough pairs; the last one may lose some. So a
    smaller cohort of the same seed and site holds the first pairs of a larger one, byte for byte. Half of the
    patients are in the split `train`, a tenth in `validate`, the others in `test`.

    Args:
        out: the folder to write; an earlier phantom cohort there is replaced.
        pairs: image-report pairs, at least 1.
        seed: 0 or more; the same seed gives the same bytes.
        site: the hospital; `COUNTY` is one that the phantom encoders have not seen.

    Returns:
        The cohort as read back from `out`.

    Raises:
        InputError: a number is out of range, or `out` holds other things.
    """
    PhantomSettings(pairs=pairs, seed=seed)  # which checks them
    with whole_folder(out, MARKER, SCHEMA) as folder, progress(pairs, "drawing", "pairs") as bar:
        rows: list[dict[str, str | int | None]] = []
        for number in itertools.count():
            written = _write_patient(folder, number, seed, site, room=pairs - len(rows))
            rows += written
            bar.update(len(written))
            if len(rows) == pairs:
                break
        schema = {name: pl.Int64 if name in ("age", *CHEXPERT_LABELS) else pl.String for name in rows[0]}
        write_csv(pl.DataFrame(rows, schema=schema), folder / TABLE)
        write_record(folder / MARKER, PhantomMark(pairs=pairs, seed=seed, site=site.name))
    return read_cohort(out)


def _write_patient(
    folder: Path, number: int, seed: int, site: Site, room: int
) -> list[dict[str, str | int | None]]:
    patient = draw_patient(number, seed=seed, site=site)
    patient_id = f"{site.name}-{seed}-{number:06d}"
    images = Path("images", f"{number // 1000:03d}")
    (folder / images).mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str | int | None]] = []
    for study in patient.studies:
        study_id = f"{patient_id}-s{study.scene.number:02d}"
        for position, (view, pixels) in enumerate(zip(study.scene.views, study.images, strict=True), 1):
            if len(rows) == room:
                return rows
            pair_id = f"{study_id}-i{position}"
            image = images / f"{pair_id}.png"
            Image.fromarray(pixels).save(folder / image, compress_level=1)
            rows.append(
                {
                    "pair_id": pair_id,
                    "study_id": study_id,
                    "patient_id": patient_id,
                    "image": image.as_posix(),
                    "report": study.report.text,
                    "view": view,
                    "split": patient.split,
                    "sex": study.scene.habitus.sex,
                    "age": int(study.scene.age),
                    **{label: study.report.labels.get(label) for label in CHEXPERT_LABELS},
                }
            )
    return rows
