"""A desk full of files, good and bad: what people hand to the command line by mistake."""

import json
import os
import re
import shutil

import numpy as np
import polars as pl
from PIL import Image

from calling import done
from embeddings.sketch_encoder import SketchEncoder
from relinkage.alignment import AlignSettings, align
from relinkage.cohorts import read_cohort
from relinkage.embeddings import embed
from relinkage.encoders import HeadPair, HeadSpec, save_heads

ROWS = 24
IDS = [f"pair-{row}" for row in range(ROWS)]
PATIENTS = [f"Petra-{row // 2}" for row in range(ROWS)]
REPORTS = [f"Spiculated hydropneumothorax number {row} of the phrenic kind." for row in range(ROWS)]

SECRETS = re.compile("petra|spiculated|hydropneumothorax|phrenic", re.IGNORECASE)
"""What no message may hold: words of every patient's id and of every report."""


def lay(folder):
    """Put everything on the desk."""
    lay_arrays(folder)
    lay_pairs(folder)
    lay_cohorts(folder / "cohort")
    lay_embeddings(folder)
    lay_runs(folder)
    (folder / "letter").write_text("a file where a folder was meant")
    (folder / "drawer").mkdir()
    (folder / "drawer/page.html").write_text("a folder with somebody's own files")


def lay_arrays(folder):
    random = np.random.default_rng(0)
    images = random.normal(size=(ROWS, 8)).astype(np.float32)
    reports = images + random.normal(size=images.shape).astype(np.float32)
    broken, null = reports.copy(), reports.copy()
    broken[3, 1], broken[7, 2] = np.nan, np.inf
    null[5] = null[9] = 0
    arrays = {
        "images": images,
        "reports": reports,
        "wide": np.pad(reports, ((0, 0), (0, 4))),
        "short": reports[:20],
        "flat": reports[:, 0],
        "cube": reports[None],
        "none": reports[:0],
        "whole": reports.astype(np.int64),
        "broken": broken,
        "null": null,
        "pickled": np.array([[{}]], dtype=object),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=True)
    np.savez(folder / "two.npz", images=images, reports=reports)
    (folder / "text.npy").write_text("\n".join(REPORTS))
    (folder / "empty.npy").touch()
    (folder / "cut.npy").write_bytes((folder / "images.npy").read_bytes()[:300])
    (folder / "folder.npy").mkdir()


def lay_pairs(folder):
    tables = {
        "pairs": {"pair_id": IDS, "patient_id": PATIENTS},
        "few": {"pair_id": IDS[:20], "patient_id": PATIENTS[:20]},
        "nameless": {"name": IDS, "patient_id": PATIENTS},
        "repeating": {"pair_id": [*IDS[:-1], IDS[0]]},
        "beyond": {"pair_id": IDS, "candidate": [str(row + 1) for row in range(ROWS)]},
        "below": {"pair_id": IDS, "candidate": ["-1", *("1" for _ in IDS[1:])]},
        "wordy": {"pair_id": IDS, "candidate": ["0", PATIENTS[0], *("1" for _ in IDS[2:])]},
        "shared": {"pair_id": IDS, "study_id": ["s"] * ROWS, "patient_id": PATIENTS},
    }
    for name, columns in tables.items():
        pl.DataFrame(columns).write_csv(folder / f"{name}.csv")
    (folder / "headless.csv").write_text("\n".join(PATIENTS))
    (folder / "header.csv").write_text("pair_id,patient_id\n")
    (folder / "void.csv").touch()
    (folder / "ragged.csv").write_text("pair_id\n" + "\n".join(f"{patient},2" for patient in PATIENTS))
    (folder / "bytes.csv").write_bytes(b"pair_id\n\xff\xfe\x00\x9c\n")
    (folder / "text.parquet").write_text("\n".join(PATIENTS))


def lay_cohorts(folder):
    (folder / "scans").mkdir(parents=True)
    shades = np.random.default_rng(0).integers(0, 256, (ROWS, 32, 32), dtype=np.uint8)
    for row in range(ROWS):
        Image.fromarray(shades[row]).save(folder / f"scans/{row}.png")
    (folder / "scans/text.png").write_text(REPORTS[0])
    shutil.copy(folder / "scans/0.png", folder.parent / "outside.png")
    os.symlink(folder.parent / "outside.png", folder / "scans/link.png")
    good = {
        "pair_id": IDS,
        "study_id": [f"study-{row}" for row in range(ROWS)],
        "patient_id": PATIENTS,
        "image": [f"scans/{row}.png" for row in range(ROWS)],
        "report": REPORTS,
    }
    rest = good["image"][1:]
    changes = {
        "cohort": {},
        "up": {"image": ["scans/../../outside.png", *rest]},
        "absolute": {"image": ["/etc/hostname", *rest]},
        "drive": {"image": ["C:\\scans\\0.png", *rest]},
        "link": {"image": ["scans/link.png", *rest]},
        "text": {"image": ["scans/text.png", *rest]},
        "gone": {"image": ["scans/not-there.png"] * ROWS},
        "blank": {"report": [""] * ROWS},
        "repeating": {"pair_id": [IDS[1], *IDS[1:]]},
        "unnamed": {"patient_id": ["", *PATIENTS[1:]]},
        "shared": {"study_id": ["study-9", *good["study_id"][1:]]},
        "old": {"age": ["ninety", *("60" for _ in rest)]},
    }
    for name, change in changes.items():
        pl.DataFrame({**good, **change}).write_csv(folder / f"{name}.csv")
    pl.DataFrame(good).drop("report").write_csv(folder / "lacking.csv")
    pl.DataFrame(good).clear().write_csv(folder / "empty.csv")
    pl.DataFrame(good).write_csv(folder / "headless.csv", include_header=False)
    (folder / "void.csv").touch()


def lay_embeddings(folder):
    cohort = read_cohort(folder / "cohort")
    made = embed(cohort, SketchEncoder(), folder / "emb")
    embed(cohort, SketchEncoder(heads=False), folder / "towers")
    align(made, "train", AlignSettings(steps=12, dimension=4), folder / "heads")
    save_heads(HeadPair(HeadSpec("linear", 7, 4), HeadSpec("linear", 5, 4)), folder / "other.safetensors")
    (folder / "text.safetensors").write_text(REPORTS[0])

    def damaged(name):
        return shutil.copytree(folder / "emb", folder / f"emb-{name}")

    manifest = json.loads((folder / "emb/manifest.json").read_text())
    (damaged("lacking") / "manifest.json").write_text(json.dumps({"schema": manifest["schema"]}))
    (damaged("shardless") / "manifest.json").write_text(json.dumps({**manifest, "shards": []}))
    (damaged("foreign") / "manifest.json").write_text(json.dumps({**manifest, "schema": "else"}))
    (damaged("plundered") / "pairs.parquet").unlink()
    (damaged("stranger") / "pairs.parquet").write_text("\n".join(REPORTS))
    os.truncate(damaged("cut") / "image-00000.safetensors", 100)
    unfinished = damaged("unfinished")
    (unfinished / "manifest.json").rename(unfinished / "progress.json")


def lay_runs(folder):
    done(
        "audit",
        "--images",
        folder / "images.npy",
        "--reports",
        folder / "reports.npy",
        "--out",
        folder / "run",
    )
    audit = json.loads((folder / "run/audit.json").read_text())
    row = audit["closed_set"][0]
    contents = {
        "cut": json.dumps(audit)[:400],
        "list": "[1, 2]",
        "bare": '{"schema": "relinkage.audit/1"}',
        "later": json.dumps({**audit, "schema": "relinkage.audit/9"}),
        "wordy": json.dumps({**audit, "closed_set": [{**row, "recall": "high"}]}),
        "rowless": json.dumps({**audit, "closed_set": [{}]}),
        "nan": json.dumps({**audit, "curve": [{**audit["curve"][0], "low": float("nan")}]}),
        "null": json.dumps({**audit, "settings": None}),
    }
    for name, content in contents.items():
        (folder / f"run-{name}").mkdir()
        (folder / f"run-{name}/audit.json").write_text(content)
