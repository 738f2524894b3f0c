"""The demonstration: the ladder of specialisation on a phantom cohort, with nothing to download."""

from pathlib import Path

import relinkage
from relinkage.cohorts.phantom import phantom_cohort
from relinkage.embeddings import EmbedSettings, embed
from relinkage.encoders import load_encoder
from relinkage.files import whole_folder, write_json
from relinkage.linkage import AuditSettings, Resampling
from relinkage.progress import say
from relinkage.reports import write_report
from relinkage.studies.audits import REPORT, audit_embeddings, write_run

ENCODERS = ("phantom:general", "phantom:label", "phantom:report")
SCHEMA, MARKER = "relinkage.demo/1", "demo.json"
"""What an earlier demonstration is known by; people keep a report.html in folders of their own."""


def demo(out: Path, *, pairs: int = 6000, seed: int = 0) -> list[Path]:
    """Draw a phantom cohort, embed it with three encoders of rising specialisation, audit each.

    Args:
        out: the folder to write: `cohort/`, and per encoder `embeddings-*/` and `run-*/`; beside them one
            report over all three. An earlier demonstration there is replaced.
        pairs: image-report pairs to draw; the audit takes its test patients.
        seed: of the cohort and of the audit.

    Returns:
        The run folders, from the least to the most specialised encoder.

    Raises:
        InputError: `out` is a file or holds other things, or so few pairs leave no test patients.
    """
    names = [model.partition(":")[2] for model in ENCODERS]
    with whole_folder(out, MARKER, SCHEMA) as folder:
        say(f"Drawing {pairs} phantom image-report pairs …")
        cohort = phantom_cohort(folder / "cohort", pairs=pairs, seed=seed)
        for model, name in zip(ENCODERS, names, strict=True):
            say(f"Embedding and auditing {model} …")
            embed(
                cohort, load_encoder(model), folder / f"embeddings-{name}", settings=EmbedSettings(batch=128)
            )
            settings = AuditSettings(direction="both", resampling=Resampling(seed=seed))
            result = audit_embeddings(folder / f"embeddings-{name}", None, "test", settings)
            write_run(result, folder / f"run-{name}")
        write_report([folder / f"run-{name}" for name in names], folder / REPORT)
        write_json(
            folder / MARKER,
            {"schema": SCHEMA, "version": relinkage.__version__, "pairs": pairs, "seed": seed},
        )
    return [out / f"run-{name}" for name in names]
