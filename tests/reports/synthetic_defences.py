"""A table of defences made by hand: what the page and the terminal are tested on."""

import msgspec

from embeddings.manifests import sketched_card
from encoders.trained.sketched import HARDENED
from relinkage.defences.result import DefencesResult
from relinkage.records import plain

ROWS = {
    "published": ("Heads as published", {"cosine": 0.02, "cca": 0.03}, 0.81, 0.64),
    "hardened": ("Hardened heads", {"cosine": 0.002, "cca": 0.004}, 0.808, 0.66),
    "without-noise": ("Same training without DP", {"cosine": 0.0015, "cca": 0.0045}, 0.809, 0.69),
    "group-norm": ("GroupNorm swap, untrained", None, None, None),
    "weight-noise": ("Weight noise", {"cosine": 0.018, "cca": 0.028}, 0.808, 0.62),
    "rotation": ("Random rotation", {"cosine": 0.0, "cca": 0.03}, 0.81, 0.38),
    "features": ("Features before any head", {"cca": 0.035}, 0.815, None),
}
POOL = 10_000


def synthetic_defences(cohorts=("city",), model="phantom:report"):
    """Give the record of `defences_json`."""
    return msgspec.convert(defences_json(cohorts, model), DefencesResult)


def defences_json(cohorts=("city",), model="phantom:report"):
    """Give a result that the schema allows, with a row that does not apply and one that has no retrieval."""
    return {
        "schema": "relinkage.defences/1",
        "version": "0",
        "inputs": {
            "embeddings": "emb",
            "model": plain(sketched_card(id=model)),
            "train": "train",
            "hardened": plain(HARDENED),
        },
        "settings": {
            "split": "test", "auxiliary": "train", "auxiliary_pairs": 1000, "attacker": ["cosine", "cca"],
            "pool": POOL, "seeds": 3, "match": ["precision", "auroc"], "tolerance": 0.002, "k": 10,
            "least_patients": 10, "interval": 0.95, "replicates": 2000, "seed": 0,
        },
        "rows": [_row(key, *told) for key, told in ROWS.items()],
        "cohorts": [_cohort(name) for name in cohorts],
        "notes": ["Figures and intervals are those of the first seed."],
    }  # fmt: skip


def _row(key, title, recall, *_):
    matched = {"setting": 0.5, "measure": "auroc", "target": 0.808, "reached": 0.8081, "held": True}
    return {
        "key": key,
        "title": title,
        "applies": recall is not None,
        "note": "Does not apply: there is no norm." if recall is None else "Gaussian noise.",
        "knob": "amount" if key == "weight-noise" else None,
        "matched": matched if key == "weight-noise" else None,
    }


def _cohort(name):
    return {
        "name": name, "fingerprint": "sha256:0", "pairs": 15_705, "studies": 12_411, "patients": 7_122,
        "pool": POOL, "candidates": 12_411, "auxiliary_pairs": 1000, "auxiliary_patients": 450,
        "labels": ["Edema"],
        "figures": {key: _figures(key, *told[1:]) for key, told in ROWS.items() if told[1] is not None},
    }  # fmt: skip


def _figures(key, recall, auroc, precision):
    before = ROWS["published"]
    strongest = max(recall, key=recall.get)
    sides = {
        **{name: (recall[name], before[1][name]) for name in recall},
        "strongest": (max(recall.values()), 0.03),
    }
    points = {
        **recall,
        "strongest": max(recall.values()),
        "auroc": auroc,
        "precision": precision,
        "zero_shot": None,
    }
    return {
        "linkage": [
            {
                "attacker": name,
                "recall": _share(after),
                "chance": 1 / POOL,
                "lift": after * POOL,
                "relative": None if key == "published" else _around(after / base - 1, 0.02),
            }
            for name, (after, base) in sides.items()
        ],
        "strongest": strongest,
        "auroc": _paired(auroc, before[2], key),
        "precision": None if precision is None else {**_paired(precision, before[3], key), "queries": 9_000},
        "zero_shot": None,
        "seeds": 1,
        "points": [points],
        "deviation": dict.fromkeys(points),
    }


def _paired(value, base, key):
    first = key == "published"
    return {
        "chance": 0.5,
        "measured": _share(value),
        "baseline": None if first else _share(base),
        "difference": None if first else _around(value - base, 0.001),
    }


def _share(value):
    return {"value": value, "low": 0.8 * value, "high": min(1.1 * value + 1e-4, 1.0)}


def _around(value, width):
    return {"value": value, "low": max(value - width, -1.0), "high": value + width}
