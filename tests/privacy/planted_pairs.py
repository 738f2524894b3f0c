"""Small embeddings whose images and reports look at the same hidden findings, and labels that name them."""

from pathlib import Path

import numpy as np
import polars as pl

from embeddings.manifests import sketched_card, sketched_manifest
from relinkage.embeddings import Embeddings

LABELS = ("Edema", "Pneumonia", "Fracture")


def planted(patients=60, pairs_a_patient=2, *, seed=0, images=9, texts=7, noise=0.2, model="sketch"):
    """Embeddings with a `train` split of two thirds of the patients; all cohorts share the same encoder."""
    see, read = np.random.default_rng(99).normal(size=(2, len(LABELS), max(images, texts)))
    rng = np.random.default_rng(seed)
    rows = patients * pairs_a_patient
    patient = np.repeat(np.arange(patients), pairs_a_patient)
    found = rng.random((rows, len(LABELS))) < 0.4
    features = [
        ((found - 0.4) @ side[:, :width] + noise * rng.normal(size=(rows, width))).astype(np.float32)
        for side, width in ((see, images), (read, texts))
    ]
    values = np.where(found, 1, np.where(rng.random(found.shape) < 0.5, 0, -2)).astype(float)
    labels = {
        name: pl.Series([None if value == -2 else int(value) for value in column], dtype=pl.Int8)
        for name, column in zip(LABELS, values.T, strict=True)
    }
    table = {
        "pair_id": [f"pair-{seed}-{row}" for row in range(rows)],
        "patient_id": [f"patient-{seed}-{number}" for number in patient],
        "split": ["train" if number < patients * 2 // 3 else "test" for number in patient],
        "report_row": np.arange(rows).astype(np.int32),
        **labels,
    }
    fingerprint = f"sha256:{seed:02}{patients}"
    manifest = sketched_manifest(
        sketched_card(id=model), name=f"planted-{seed}", fingerprint=fingerprint, labels=LABELS
    )
    return Embeddings(pl.DataFrame(table), *features, None, None, manifest, Path("emb"))
