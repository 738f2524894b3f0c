"""Planted embeddings: labels lie in the features of images and reports, so it is known what can be found."""

import msgspec
import numpy as np
import polars as pl
import torch

from embeddings.manifests import sketched_card, sketched_manifest
from relinkage.embeddings import read_embeddings
from relinkage.embeddings.manifest import CohortOrigin
from relinkage.embeddings.shards import write_shard
from relinkage.encoders import HeadPair, HeadSpec, TextFeatures, save_heads
from relinkage.files import fingerprint
from relinkage.records import write_record
from relinkage.usefulness import UtilityInputs, utility_result

LABELS = ("Edema", "Fracture", "No Finding", "Rare")
WIDTH = 12


CARD = sketched_card(id="planted", revision="1", image_features=WIDTH, text_features=WIDTH, embedding=WIDTH)


def plant(folder, patients=160, *, seed=0, heads=True, noise=0.7, overlap=0):
    """Write an embeddings folder of patients with one to three studies of one or two images; read it.

    A study's first three labels lie along the first three features of its images and its report; two further
    features tell patients apart, the others hold noise. Labels have uncertain and absent values, too. The
    label Rare is positive in three patients only.

    Args:
        folder: where to.
        patients: how many; the first half is in the split train, the others in test.
        seed: of everything.
        heads: whether the model has heads of its own: those that change nothing.
        noise: deviation of what tells nothing.
        overlap: so many patients of train are in test as well, with a study of their own.
    """
    random = np.random.default_rng(seed)
    rows, images, texts = [], [], []
    for patient in range(patients):
        own = random.normal(size=2)
        for study in range(2 if patient < overlap else int(random.integers(1, 4))):
            truth = random.random(3) < (0.3, 0.25, 0.4)
            signal = np.zeros(WIDTH)
            signal[:3], signal[3:5] = 2 * truth - 1.0, own
            values = [
                1 if positive else random.choice([0, None, -1], p=[0.5, 0.4, 0.1]) for positive in truth
            ]
            values.append(1 if patient in (1, 2, patients - 1) else 0)
            side = "train" if patient < patients // 2 else "test"
            for image in range(int(random.integers(1, 3))):
                rows.append(
                    {
                        "pair_id": f"p{patient}s{study}i{image}",
                        "study_id": f"p{patient}s{study}",
                        "patient_id": f"patient-{patient}",
                        "split": "test" if patient < overlap and study else side,
                        **dict(zip(LABELS, values, strict=True)),
                        "report_hash": f"h{len(texts)}",
                        "report_words": 7,
                        "report_row": len(texts),
                        "cut": False,
                        "truncated": False,
                    }
                )
                images.append(signal + noise * random.normal(size=WIDTH))
            texts.append(signal + noise * random.normal(size=WIDTH))
    arrays = {"image": np.float32(images), "text": np.float32(texts)}
    pair = turned(np.eye(WIDTH))
    folder.mkdir(parents=True)
    for side, embed in (("image", pair.embed_images), ("text", pair.embed_texts)):
        tensors = {"features": arrays[side]}
        if heads:
            tensors["embeddings"] = embed(torch.from_numpy(arrays[side])).detach().numpy()
        write_shard(folder / f"{side}-00000.safetensors", tensors, {})
    if heads:
        save_heads(pair, folder / "heads.safetensors")
    schema = dict.fromkeys(LABELS, pl.Int8) | {"report_row": pl.Int32, "report_words": pl.Int32}
    pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None).write_parquet(
        folder / "pairs.parquet"
    )
    manifest = sketched_manifest(
        CARD if heads else msgspec.structs.replace(CARD, embedding=None),
        name="planted",
        fingerprint=fingerprint(str(seed).encode()),
        labels=LABELS,
        images=len(images),
        texts=len(texts),
    )
    write_record(folder / "manifest.json", manifest)
    return read_embeddings(folder)


def turned(texts):
    """Give heads that leave images as they are and multiply reports by a matrix."""
    pair = HeadPair(HeadSpec("linear", WIDTH, WIDTH), HeadSpec("linear", WIDTH, WIDTH)).eval()
    with torch.no_grad():
        pair.image.weight.copy_(torch.eye(WIDTH))
        pair.text.weight.copy_(torch.from_numpy(np.float32(texts)))
    return pair.requires_grad_(False)


def rotation(seed=0):
    """Give a random rotation."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(WIDTH, WIDTH)))[0]


def result_of(benchmark, measured, baseline):
    """Give the result of a benchmark that nothing more is known of."""
    sha = fingerprint(b"planted")
    inputs = UtilityInputs(
        embeddings="emb", model=CARD, cohort=CohortOrigin(name="planted", fingerprint=sha),
        features=sha, measured=None, baseline=None,
    )  # fmt: skip
    return utility_result(benchmark, measured, baseline, inputs)


class PlantedEncoder:
    """Its text tower knows the planted labels by their public prompts: a name is +1, a denial −1."""

    card, heads = CARD, None

    def encode_texts(self, texts):
        features = np.zeros((len(texts), WIDTH), np.float32)
        for row, text in enumerate(texts):
            said = text.lower()
            for place, word in enumerate(("edema", "fracture")):
                if word in said:
                    features[row, place] = -1 if said.startswith("no ") else 1
            if "normal chest" in said or "no acute" in said or "lungs are clear" in said:
                features[row] = [-1, -1, 1, *np.zeros(WIDTH - 3)]
        return TextFeatures(features, np.zeros(len(texts), np.bool_))
