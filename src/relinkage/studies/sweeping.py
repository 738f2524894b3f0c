"""Many head trainings on one embeddings folder, set against the model's own heads and CLIP-style ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

import relinkage
from relinkage.alignment import AlignSettings, Sweep, Weights, align
from relinkage.alignment.sweep_result import (
    SCHEMA,
    SWEEP,
    StatedPrivacy,
    SweepFigure,
    SweepResult,
    SweptHeads,
)
from relinkage.embeddings import Embeddings
from relinkage.errors import InputError
from relinkage.files import check_folder, whole_folder
from relinkage.linkage import Resampling
from relinkage.pages.sweep_page import render_sweep
from relinkage.privacy import read_stated_heads
from relinkage.progress import say
from relinkage.records import plain, write_record
from relinkage.studies.places import PAGE
from relinkage.studies.sweep_judging import Ground, Judged
from relinkage.usefulness import UtilitySettings
from relinkage.usefulness.benchmark import DIRECTIONS

PRETRAINED, CLIP_STYLE = "pretrained heads", "CLIP-style heads"


def sweep_heads(
    embeddings: Embeddings,
    train: str,
    split: str,
    sweep: Sweep,
    out: Path,
    beside: Sequence[Path] = (),
    resampling: Resampling | None = None,
) -> SweepResult:
    """Train every pair of heads of a sweep, judge all on the same patients, and write heads and table.

    Args:
        embeddings: features of a cohort with splits.
        train: the split to train on.
        split: the split that heads are judged on.
        sweep: the trainings.
        out: the folder to write: `sweep.json`, `page.html`, and a folder of heads for each training.
        beside: further heads to judge, such as hardened ones.
        resampling: how intervals are made.

    Returns:
        The content of `sweep.json`: a row for each kind of heads.

    Raises:
        InputError: the settings do not fit the embeddings, or `out` holds other things.
    """
    check_folder(out, SWEEP, SCHEMA)
    if train == split:
        raise InputError(f"--train {train} is the split that heads are judged on; name another.")
    drawing = plain(resampling or Resampling())
    settings = UtilitySettings(fit=train, split=split, **drawing)
    ground = Ground.prepare(embeddings, settings)
    with whole_folder(out, SWEEP, SCHEMA) as folder:
        kinds = list(_kinds(embeddings, train, sweep, ground, folder, beside))
        first = kinds[0]
        result = SweepResult(
            version=relinkage.__version__,
            model=embeddings.manifest.encoder.id,
            train=train,
            split=split,
            pool=ground.pool,
            pairs=len(ground.benchmark.test),
            patients=int(ground.benchmark.patient.max()) + 1,
            baseline=first.title,
            rows=tuple(
                kind.row(ground.figures(kind.judged, None if kind is first else first.judged))
                for kind in kinds
            ),
            **drawing,
        )
        write_record(folder / SWEEP, result)
        (folder / PAGE).write_bytes(render_sweep(result).encode("utf-8", "replace"))
    return result


@dataclass(frozen=True, eq=False)
class _Kind:
    """One kind of heads and what was found of it; the settings and the folders of those that were trained."""

    title: str
    judged: Judged
    settings: AlignSettings | None = None
    heads: tuple[str, ...] = ()
    privacy: StatedPrivacy | None = None

    def row(self, figures: Sequence[SweepFigure]) -> SweptHeads:
        return SweptHeads(
            title=self.title,
            weights=None if self.settings is None else self.settings.weights,
            temperature=None if self.settings is None else self.settings.temperature,
            classes=None if self.settings is None else self.settings.classes,
            heads=self.heads,
            privacy=self.privacy,
            figures=tuple(figures),
            balance=_balance(figures),
        )


def _kinds(
    embeddings: Embeddings, train: str, sweep: Sweep, ground: Ground, folder: Path, beside: Sequence[Path]
) -> Iterator[_Kind]:
    """Give each kind of heads, the baseline first."""
    if embeddings.heads is not None:
        yield _Kind(PRETRAINED, ground.judge(None))
    alone = replace(sweep.settings[0], objective="multi-task", weights=Weights(clip=1))
    trainings = [(CLIP_STYLE, alone)]
    trainings += [(_title(settings), settings) for settings in sweep.settings if settings != alone]
    for number, (title, settings) in enumerate(trainings):
        say(f"{number + 1} of {len(trainings)}: {title} …")
        parts, names = [], []
        for run in sweep.runs(settings):
            names.append(f"heads-{number:02d}-seed-{run.seed}")
            parts.append(ground.judge(align(embeddings, train, run, folder / names[-1]).pair))
        yield _Kind(title, Judged.beside(parts), settings, tuple(names))
    for path in beside:
        heads = read_stated_heads(path)
        privacy = None if heads.manifest is None else heads.manifest.privacy
        stated = None
        if privacy is not None:
            stated = StatedPrivacy(kind=privacy.kind, epsilon=privacy.epsilon, delta=privacy.delta)
        yield _Kind(path.name, ground.judge(heads.pair), privacy=stated)


def _title(settings: AlignSettings) -> str:
    return f"{settings.weights}, τ={settings.temperature:g}"


def _balance(figures: Sequence[SweepFigure]) -> dict[str, float]:
    """Give how far apart the two directions are, measure by measure."""
    there, back = (
        {figure.measure: figure.measured.value for figure in figures if figure.direction == side}
        for side in DIRECTIONS
    )
    return {measure: abs(there[measure] - back[measure]) for measure in there}
