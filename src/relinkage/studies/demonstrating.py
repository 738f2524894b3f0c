"""The demonstration: the ladder of specialisation on a phantom cohort, with nothing to download."""

from pathlib import Path

import relinkage
from relinkage.cohorts.phantom import phantom_cohort
from relinkage.embeddings import EmbedSettings, embed
from relinkage.encoders import load_encoder
from relinkage.files import whole_folder
from relinkage.pages import write_page
from relinkage.progress import say
from relinkage.records import write_record
from relinkage.studies.auditing import audit
from relinkage.studies.demo_settings import MARKER, SCHEMA, DemoMark, DemoSettings
from relinkage.studies.places import PAGE

ENCODERS = ("phantom:general", "phantom:label", "phantom:report")


def demo(out: Path, settings: DemoSettings) -> list[Path]:
    """Draw a phantom cohort, embed it with three encoders of rising specialisation, audit each.

    Args:
        out: the folder to write: `cohort/`, and per encoder `embeddings-*/` and `run-*/`; beside them one
            report over all three. An earlier demonstration there is replaced.
        settings: the choices.

    Returns:
        The run folders, from the least to the most specialised encoder.

    Raises:
        InputError: `out` is a file or holds other things, or so few pairs leave no test patients.
    """
    names = [model.partition(":")[2] for model in ENCODERS]
    with whole_folder(out, MARKER, SCHEMA) as folder:
        say(f"Drawing {settings.pairs} phantom image-report pairs …")
        cohort = phantom_cohort(folder / "cohort", pairs=settings.pairs, seed=settings.seed)
        for model, name in zip(ENCODERS, names, strict=True):
            say(f"Embedding and auditing {model} …")
            embed(
                cohort, load_encoder(model), folder / f"embeddings-{name}", settings=EmbedSettings(batch=128)
            )
            made = audit(folder / f"embeddings-{name}", split="test", direction="both", seed=settings.seed)
            made.save(folder / f"run-{name}", linkage=True)  # its patients are drawn
        write_page([folder / f"run-{name}" for name in names], folder / PAGE)
        mark = DemoMark(version=relinkage.__version__, pairs=settings.pairs, seed=settings.seed)
        write_record(folder / MARKER, mark)
    return [out / f"run-{name}" for name in names]
