"""Many head trainings on one embeddings folder, set against the model's own heads and CLIP-style ones."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import relinkage
from relinkage.alignment import AlignSettings, Sweep, Weights, align, read_heads
from relinkage.embeddings import Embeddings, read_embeddings
from relinkage.errors import InputError
from relinkage.files import check_folder, whole_folder, write_json
from relinkage.linkage import Resampling
from relinkage.progress import say
from relinkage.reports.sweep_page import render_sweep
from relinkage.studies.sweeps.judging import Ground, Judged
from relinkage.utility import UtilitySettings
from relinkage.utility.benchmark import DIRECTIONS

SCHEMA, RESULT, REPORT = "relinkage.sweep/1", "sweep.json", "report.html"
PRETRAINED, CLIP_STYLE = "pretrained heads", "CLIP-style heads"

Row = dict[str, Any]


def sweep_heads(
    path: Path,
    train: str,
    split: str,
    sweep: Sweep,
    out: Path,
    beside: Sequence[Path] = (),
    resampling: Resampling | None = None,
) -> dict[str, Any]:
    """Train every pair of heads of a sweep, judge all on the same patients, and write heads and table.

    Args:
        path: the folder that `relinkage embed` wrote.
        train: the split to train on.
        split: the split that heads are judged on.
        sweep: the trainings.
        out: the folder to write: `sweep.json`, `report.html`, and a folder of heads for each training.
        beside: further heads to judge, such as hardened ones.
        resampling: how intervals are made.

    Returns:
        The content of `sweep.json`, schema `relinkage.sweep/1`: a row for each kind of heads.

    Raises:
        InputError: the settings do not fit the embeddings, or `out` holds other things.
    """
    check_folder(out, RESULT, SCHEMA)
    if train == split:
        raise InputError(f"--train {train} is the split that heads are judged on; name another.")
    resampling = resampling or Resampling()
    embeddings = read_embeddings(path)
    ground = Ground.prepare(embeddings, UtilitySettings(fit=train, split=split, resampling=resampling))
    with whole_folder(out, RESULT, SCHEMA) as folder:
        kinds = list(_kinds(embeddings, train, sweep, ground, folder, beside))
        baseline = kinds[0][1]
        rows = [
            {**row, "figures": ground.figures(judged, None if judged is baseline else baseline)}
            for row, judged in kinds
        ]
        result = {
            "schema": SCHEMA,
            "version": relinkage.__version__,
            "model": embeddings.manifest["encoder"]["id"],
            "train": train,
            "split": split,
            "pool": ground.pool,
            "interval": resampling.level,
            "replicates": resampling.replicates,
            "pairs": len(ground.benchmark.test),
            "patients": int(ground.benchmark.patient.max()) + 1,
            "baseline": rows[0]["title"],
            "rows": [{**row, "balance": _balance(row["figures"])} for row in rows],
        }
        write_json(folder / RESULT, result)
        (folder / REPORT).write_bytes(render_sweep(result).encode("utf-8", "replace"))
    return result


def _kinds(
    embeddings: Embeddings, train: str, sweep: Sweep, ground: Ground, folder: Path, beside: Sequence[Path]
) -> Iterator[tuple[Row, Judged]]:
    """Give each kind of heads and what was found of it, the baseline first."""
    if embeddings.heads is not None:
        yield _row(PRETRAINED), ground.judge(None)
    alone = replace(sweep.settings[0], objective="multi-task", weights=Weights(0, 0, 1))
    trainings = [(CLIP_STYLE, alone)]
    trainings += [(_title(settings), settings) for settings in sweep.settings if settings != alone]
    for number, (title, settings) in enumerate(trainings):
        say(f"{number + 1} of {len(trainings)}: {title} …")
        parts, names = [], []
        for run in sweep.runs(settings):
            names.append(f"heads-{number:02d}-seed-{run.seed}")
            parts.append(ground.judge(align(embeddings, train, run, folder / names[-1]).pair))
        yield _row(title, settings, names), Judged.beside(parts)
    for path in beside:
        heads = read_heads(path)
        privacy = heads.manifest.get("privacy")
        yield _row(path.name, privacy=privacy), ground.judge(heads.pair)


def _row(
    title: str, settings: AlignSettings | None = None, names: Sequence[str] = (), privacy: Any = None
) -> Row:
    told = privacy if isinstance(privacy, dict) else None
    return {
        "title": title,
        "weights": None if settings is None else asdict(settings.weights),
        "temperature": None if settings is None else settings.temperature,
        "classes": None if settings is None else settings.classes,
        "heads": list(names),
        "privacy": None if told is None else {key: told[key] for key in ("kind", "epsilon", "delta")},
    }


def _title(settings: AlignSettings) -> str:
    return f"{settings.weights}, τ={settings.temperature:g}"


def _balance(figures: Sequence[Row]) -> dict[str, float]:
    """Give how far apart the two directions are, measure by measure."""
    there, back = (
        {row["measure"]: row["measured"]["value"] for row in figures if row["direction"] == side}
        for side in DIRECTIONS
    )
    return {measure: abs(there[measure] - back[measure]) for measure in there}
