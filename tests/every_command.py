"""A room with something of everything that commands take, and a command line for each command.

Whatever tells something of a patient has a mark in it, so that one can look for where it comes out.
"""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from calling import done
from images.dicom_files import dicom

sys.path.insert(0, str(Path(__file__).parent / "encoders"))

KINDS = ("pair", "study", "patient", "image", "report", "column", "cell", "dicom", "png")
MARK = re.compile(rb"ZQ(" + "|".join(KINDS).encode() + rb")\d*QZ")
PAIRS = 240


def mark(kind, number=0):
    """What to look for, in place of something of a kind."""
    return f"ZQ{kind}{number}QZ"


def lay_out(room):
    """Put everything into a room: a cohort, embeddings, heads, runs, arrays."""
    done("phantom", room / "drawn", "--pairs", PAIRS)
    lay_cohort(room / "drawn", room / "cohort")
    shutil.rmtree(room / "drawn")
    done("embed", room / "cohort", "--model", "phantom:report", "--out", room / "emb")
    done("align", room / "emb", "--steps", 5, "--out", room / "heads")
    done("phantom", room / "public", "--pairs", 100, "--seed", 9)
    done("embed", room / "public", "--model", "phantom:report", "--out", room / "public-emb")
    for name, seed in (("one", 1), ("two", 2)):
        done(*_few("audit", room / "emb", "--seed", seed, "--linkage", "--out", room / name))
    rng = np.random.default_rng(0)
    images = rng.normal(size=(PAIRS, 8)).astype(np.float32)
    np.save(room / "images.npy", images)
    np.save(room / "reports.npy", images + rng.normal(size=images.shape).astype(np.float32))
    pairs = pl.read_csv(room / "cohort/cohort.csv", infer_schema=False)
    pairs.select("pair_id", "patient_id", "study_id", mark("column")).write_csv(room / "pairs.csv")
    (room / "plan.toml").write_text(
        'name = "small"\n[stage.audit]\ncommand = "audit"\nembeddings = "emb"\nreplicates = 100\n'
        '[stage.page]\ncommand = "page"\nrun = "stage:audit"\n'
    )
    rules = "".join(f'[[rule]]\nfigure = "recall"\nk = {k}\nat_most = 0.999\n' for k in (1, 5, 10))
    (room / "lenient.toml").write_text(f'name = "lenient"\n{rules}')


def lay_model(room):
    """Put a small CLIP into the room, embeddings of it, and heads that were hardened on them."""
    import tiny_models

    tiny_models.save_clip(room / "clip")
    done("embed", room / "cohort", "--model", f"clip:{room / 'clip'}", "--out", room / "clip-emb")
    done(*_harden(room / "clip-emb"), "--out", room / "clip-heads")


def lay_cohort(source, target):
    """Write a cohort again with marks in ids, texts, names of files, further columns and within images."""
    table = pl.read_csv(source / "cohort.csv", infer_schema=False)
    files = []
    for number, name in enumerate(table["image"]):
        pixels = np.asarray(Image.open(source / name))
        file = target / "images" / (mark("image", number) + (".dcm" if number % 10 == 0 else ".png"))
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".dcm":
            secret = mark("dicom")
            file.write_bytes(dicom(pixels, PatientName=secret, PatientID=secret, StudyDescription=secret))
        else:
            told = PngInfo()
            told.add_text("Comment", mark("png"))
            Image.fromarray(pixels).save(file, pnginfo=told)
        files.append(f"images/{file.name}")

    def marked(column, kind):
        numbers = {value: number for number, value in enumerate(table[column].unique(maintain_order=True))}
        return [mark(kind, numbers[value]) for value in table[column]]

    table = table.with_columns(
        pl.Series("pair_id", marked("pair_id", "pair")),
        pl.Series("study_id", marked("study_id", "study")),
        pl.Series("patient_id", marked("patient_id", "patient")),
        pl.Series("image", files),
        pl.Series("report", [f"{mark('report', row)} {text}" for row, text in enumerate(table["report"])]),
        pl.lit(mark("cell")).alias(mark("column")),
    )
    table.write_csv(target / "cohort.csv")


def lines(room, out):
    """The command line of each command that reads from the room and writes to `out`, by a name."""
    emb, arrays = room / "emb", ["--images", room / "images.npy", "--reports", room / "reports.npy"]
    steps, twice = ["--steps", 5], ["--heads", room / "heads", "--coins", 2, "--shadows", 4]
    return {
        "phantom": ["phantom", out, "--pairs", 100],
        "cohort": ["cohort", room / "cohort", "--out", f"{out}.parquet"],
        "cohort to csv": ["cohort", room / "cohort", "--out", f"{out}.csv"],
        "embed": ["embed", room / "cohort", "--model", "phantom:report", "--out", out],
        "align": ["align", emb, *steps, "--out", out],
        "sweep": ["align", emb, "--sweep", "clip=1;bce=0,1", "--seeds", 1, *steps, "--out", out],
        "harden": [*_harden(emb), "--public", room / "public-emb", "--out", out],
        "audit": _few("audit", emb, "--direction", "both", "--open-set", "0.1", "--linkage", "--out", out),
        "audit arrays": _few("audit", *arrays, "--pairs", room / "pairs.csv", "--linkage", "--out", out),
        "attack": _few("attack", emb, "--attackers", "whiten", "--linkage", "--out", out),
        "compare": ["compare", room / "one", room / "two", "--out", out],
        "utility": _few("utility", emb, "--out", out),
        "page": ["page", room / "one", "--out", f"{out}.html"],
        "card": ["card", room / "one", "--out", f"{out}.md"],
        "check": ["check", room / "one", "--policy", room / "lenient.toml", "--out", f"{out}.json"],
        "run": ["run", room / "plan.toml", "--out", out],
        "retrieve": ["retrieve", emb, "--query", 3, "--out", out],
        "map": ["map", emb, "--sample", 30, "--perplexity", 5, "--out", out],
        "heads": ["heads", emb, "--out", out],
        "memorisation": _few("memorisation", emb, *twice, "--out", out),
        "schema": ["schema", "--out", out],
    }


def model_lines(room, out):
    """The command lines that need what `lay_model` puts into the room."""
    heads, model = room / "clip-heads", room / "clip"
    return {
        "export": ["export", heads, "--model", model, "--any-revision", "--out", out],
        "retrieve a text": _asked(room, "--text", "effusion", "--out", out),
        "retrieve an image": _asked(
            room, "--image", room / f"cohort/images/{mark('image', 1)}.png", "--out", out
        ),
        "retrieve a DICOM": _asked(
            room, "--image", room / f"cohort/images/{mark('image')}.dcm", "--out", out
        ),
    }


def written(path):
    """Everything that a file holds, what is packed in Parquet unpacked; of a folder, of all its files."""
    if path.is_dir():
        return b"\n".join(written(file) for file in sorted(path.rglob("*")) if file.is_file())
    content = path.name.encode() + path.read_bytes()
    if path.suffix == ".parquet":
        content += pl.read_parquet(path).write_ndjson().encode()
    return content


def marks(content):
    """The kinds whose marks are in it."""
    return {kind.decode() for kind in MARK.findall(content)}


def _few(*line):
    return [*line, "--replicates", 100]


def _asked(room, *line):
    return ["retrieve", room / "clip-emb", "--model", f"clip:{room / 'clip'}", *line]


def _harden(emb):
    given = {"--epsilon": 8, "--delta": 1e-3, "--population": PAIRS, "--batch": 40, "--steps": 3}
    return ["harden", emb, *(str(part) for item in given.items() for part in item)]
