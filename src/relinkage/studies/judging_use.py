"""What heads are good for: from embeddings and pairs of heads to a result and its file."""

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import polars as pl

from relinkage.alignment import Heads
from relinkage.embeddings import Embeddings
from relinkage.errors import InputError
from relinkage.files import fingerprint, whole_folder
from relinkage.options import chosen
from relinkage.pages.utility import utility_table
from relinkage.records import write_record
from relinkage.studies.found_encoder import find_encoder
from relinkage.studies.frames import frame
from relinkage.studies.held_out import not_held_out, used
from relinkage.studies.opening import embeddings_of, heads_of
from relinkage.usefulness import (
    Benchmark,
    UtilityInputs,
    UtilityResult,
    UtilitySettings,
    read_prompts,
    utility_result,
)
from relinkage.usefulness.result import SCHEMA, UTILITY


@dataclass(frozen=True)
class Usefulness:
    """What heads are good for: what `relinkage.utility` gives.

    Attributes:
        result: everything that was measured, as `utility.json` holds it.
    """

    result: UtilityResult

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know, a sentence each."""
        return self.result.notes

    @property
    def probes(self) -> pl.DataFrame:
        """Linear probes: a row per label and kind of vectors."""
        return frame(self.result.probe)

    @property
    def retrieval(self) -> pl.DataFrame:
        """Clinical retrieval: a row per direction and measure."""
        return frame(self.result.retrieval)

    def save(self, out: str | PathLike[str]) -> Path:
        """Write `utility.json` into a folder, whole or not at all; see `write_utility`."""
        return write_utility(self.result, Path(out))

    def __repr__(self) -> str:
        return utility_table(self.result) + "".join(f"\nNote: {note}" for note in self.notes)


def utility(
    images: Any,
    reports: Any = None,
    pairs: Any = None,
    *,
    heads: Heads | str | PathLike[str] | None = None,
    against: Heads | str | PathLike[str] | None = None,
    prompts: str | PathLike[str] | None = None,
    model: str | None = None,
    settings: UtilitySettings | None = None,
    **choices: Any,
) -> Usefulness:
    """Measure what must stay useful: linear probes, clinical retrieval, zero-shot labels.

    Args:
        images: embeddings, as `relinkage.open` gives them, or their folder; or an array as in
            `relinkage.audit`, and then reports.
        reports: as in `relinkage.audit`.
        pairs: as in `relinkage.audit`, with labels and a column split.
        heads: trained heads, or their folder; the model's own, or the arrays as they are, where not given.
        against: the baseline of trained heads.
        prompts: a file with prompts for zero-shot labels.
        model: where the encoder lies, for its text tower.
        settings: the choices, as a record.
        choices: the same one by one, such as `k=10`; see `UtilitySettings`.

    Raises:
        InputError: a file cannot be read, does not fit the others, or does not hold what is measured.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> random = np.random.default_rng(0)
        >>> edema = random.integers(0, 2, 400)
        >>> images = random.normal(size=(400, 6)) + edema[:, None]
        >>> reports = images + random.normal(size=(400, 6))
        >>> pairs = rl.Pairs(patient=range(400), labels={"Edema": edema}, split=["train", "test"] * 200)
        >>> rl.utility(images, reports, pairs, replicates=100).retrieval["measure"].n_unique() > 1
        True
    """
    result = measure_utility(
        embeddings_of(images, reports, pairs),
        heads_of(heads),
        heads_of(against),
        chosen(UtilitySettings, settings, choices),
        prompts=None if prompts is None else Path(prompts),
        model=model,
    )
    return Usefulness(result)


def benchmark(
    embeddings: Embeddings,
    settings: UtilitySettings,
    *,
    prompts: Path | None = None,
    model: str | None = None,
) -> Benchmark:
    """Prepare embeddings for measuring pairs of heads, one or many.

    Args:
        embeddings: features of a cohort with labels, and its splits.
        settings: the choices.
        prompts: a file with prompts for zero-shot labels.
        model: where the encoder lies, for its text tower; where the folder says, if not given.

    Raises:
        InputError: a file cannot be read, or the embeddings do not hold what is measured.
    """
    said = None if prompts is None else read_prompts(prompts)
    encoder, reason = find_encoder(embeddings, model)
    prepared = Benchmark.prepare(embeddings, settings, encoder, said)
    if reason is not None:
        prepared = replace(prepared, notes=(*prepared.notes, f"Zero-shot labels are left out: {reason}."))
    return prepared


def measure_utility(
    embeddings: Embeddings,
    heads: Heads | None,
    against: Heads | None,
    settings: UtilitySettings,
    *,
    prompts: Path | None = None,
    model: str | None = None,
) -> UtilityResult:
    """Measure what heads are good for, beside a baseline where there is one.

    Args:
        embeddings: features of a cohort with labels, and its splits.
        heads: trained heads; the model's own, or the arrays as they are, where not given.
        against: the baseline of trained heads; the model's own where not given.
        settings: the choices.
        prompts: a file with prompts for zero-shot labels.
        model: where the encoder lies, for its text tower.

    Returns:
        The content of `utility.json`.

    Raises:
        InputError: a file cannot be read, does not fit the others, or does not hold what is measured.
    """
    if against is not None and heads is None:
        raise InputError("--against names a baseline for trained heads; name those with --heads.")
    prepared = benchmark(embeddings, settings, prompts=prompts, model=model)
    own = embeddings.image_embeddings is not None
    measured = prepared.measure(heads.pair if heads else None) if heads or own else None
    baseline = prepared.measure(against.pair if against else None) if heads and (against or own) else None
    manifest = prepared.test.manifest
    inputs = UtilityInputs(
        embeddings=embeddings.name,
        model=manifest.encoder,
        cohort=manifest.cohort,
        features=_fingerprint(prepared),
        measured=None if measured is None else used(heads, embeddings),
        baseline=None if baseline is None else used(against, embeddings),
    )
    return utility_result(prepared, measured, baseline, inputs, _notes(prepared, heads, against, own))


def write_utility(result: UtilityResult, out: Path) -> Path:
    """Write `utility.json` into a folder, whole or not at all.

    Args:
        result: what `measure_utility` gives.
        out: the folder to write; an earlier result there is replaced.

    Raises:
        InputError: `out` is a file or holds other things.
    """
    with whole_folder(out, UTILITY, SCHEMA) as folder:
        write_record(folder / UTILITY, result)
    return out / UTILITY


def _fingerprint(prepared: Benchmark) -> str:
    """Fingerprint the features that everything followed from: images fitted on, images and reports tested."""
    parts = (prepared.fit.image_features, prepared.test.image_features, prepared.test.text_features)
    return fingerprint(*(part.data for part in parts))


def _notes(prepared: Benchmark, heads: Heads | None, against: Heads | None, own: bool) -> list[str]:
    notes = []
    if heads is None and not own:
        notes.append("The model has no heads, so only its features are probed; name heads with --heads.")
    if heads is not None and against is None and not own:
        notes.append("The model has no heads of its own to compare with; name a baseline with --against.")
    cohort, settings = prepared.test.manifest.cohort.fingerprint, prepared.settings
    for each, option in ((heads, "--heads"), (against, "--against")):
        called = f"the heads of {option}"
        notes += not_held_out(each, prepared.test, settings.split, called)
        told = None if each is None else each.manifest
        if told is not None and (told.cohort_fingerprint, told.train_split) == (cohort, settings.fit):
            notes.append(
                f"The split {settings.fit} trained {called}, and probes are fitted on it: where heads fit "
                "those pairs better than new ones, probes come out too low."
            )
    return notes
