"""What heads are good for: from an embeddings folder and pairs of heads to a result and its file."""

from dataclasses import replace
from pathlib import Path

from relinkage.alignment import Heads, read_heads
from relinkage.embeddings import read_embeddings
from relinkage.encoders import HeadPair
from relinkage.errors import InputError
from relinkage.files import fingerprint, whole_folder
from relinkage.records import write_record
from relinkage.studies.provenance.encoder import find_encoder
from relinkage.studies.provenance.heads import heads_entry
from relinkage.utility import (
    Benchmark,
    UtilityInputs,
    UtilityResult,
    UtilitySettings,
    read_prompts,
    utility_result,
)
from relinkage.utility.result import SCHEMA, UTILITY


def benchmark(
    path: Path, settings: UtilitySettings, *, prompts: Path | None = None, model: str | None = None
) -> Benchmark:
    """Prepare an embeddings folder for measuring pairs of heads, one or many.

    Args:
        path: the folder that `relinkage embed` wrote.
        settings: the choices.
        prompts: a file with prompts for zero-shot labels.
        model: where the encoder lies, for its text tower; where the folder says, if not given.

    Raises:
        InputError: a file cannot be read, or the folder does not hold what is measured.
    """
    embeddings = read_embeddings(path)
    said = None if prompts is None else read_prompts(prompts)
    encoder, reason = find_encoder(embeddings, model)
    prepared = Benchmark.prepare(embeddings, settings, encoder, said)
    if reason is not None:
        prepared = replace(prepared, notes=(*prepared.notes, f"Zero-shot labels are left out: {reason}."))
    return prepared


def measure_utility(
    path: Path,
    heads: Path | None,
    against: Path | None,
    settings: UtilitySettings,
    *,
    prompts: Path | None = None,
    model: str | None = None,
) -> UtilityResult:
    """Measure what heads are good for, beside a baseline where there is one.

    Args:
        path: the folder that `relinkage embed` wrote.
        heads: trained heads; the model's own where not given.
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
    trained = None if heads is None else read_heads(heads)
    base = None if against is None else read_heads(against)
    prepared = benchmark(path, settings, prompts=prompts, model=model)
    own = prepared.test.heads
    measured = prepared.measure(trained.pair if trained else None) if trained or own else None
    baseline = prepared.measure(base.pair if base else None) if trained and (base or own) else None
    manifest = prepared.test.manifest
    inputs = UtilityInputs(
        embeddings=path.resolve().name,
        model=manifest.encoder,
        cohort=manifest.cohort,
        features=_fingerprint(prepared),
        measured=None if measured is None else heads_entry(path, heads, trained),
        baseline=None if baseline is None else heads_entry(path, against, base),
    )
    return utility_result(prepared, measured, baseline, inputs, _notes(prepared, trained, base, own))


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


def _notes(prepared: Benchmark, trained: Heads | None, base: Heads | None, own: HeadPair | None) -> list[str]:
    notes = []
    if trained is None and own is None:
        notes.append("The model has no heads, so only its features are probed; name heads with --heads.")
    if trained is not None and base is None and own is None:
        notes.append("The model has no heads of its own to compare with; name a baseline with --against.")
    cohort = prepared.test.manifest.cohort.fingerprint
    settings = prepared.settings
    for heads, name in ((trained, "--heads"), (base, "--against")):
        if heads is None:
            continue
        told = heads.manifest
        split = None if told is None else told.train_split
        if told is None:
            notes.append(f"What trained the heads of {name} is not known: tested patients may be among it.")
        elif told.cohort_fingerprint == cohort and split == settings.split:
            notes.append(f"The heads of {name} were trained on the tested split {split}: not held out.")
        elif told.cohort_fingerprint == cohort and split == settings.fit:
            notes.append(
                f"The heads of {name} were trained on the split {split}, as probes are: where "
                "they fit those pairs better than new ones, probes come out too low."
            )
    return notes
