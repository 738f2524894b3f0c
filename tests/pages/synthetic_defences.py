"""A table of defences made by hand: what the page and the terminal are tested on."""

import msgspec

from embeddings.manifests import sketched_card
from encoders.trained.sketched import HARDENED
from relinkage.defences.result import DefencesResult
from relinkage.records import plain

ROWS = {
    "published": ("Heads as published", {"cosine": 0.02, "cca": 0.03}, 0.81, (0.64, 0.74)),
    "hardened": ("Hardened heads", {"cosine": 0.002, "cca": 0.004}, 0.808, (0.66, 0.66)),
    "without-noise": ("Same training without DP", {"cosine": 0.0015, "cca": 0.0045}, 0.809, (0.69, 0.72)),
    "group-norm": ("GroupNorm swap, untrained", None, None, None),
    "weight-noise": ("Weight noise", {"cosine": 0.018, "cca": 0.028}, 0.808, (0.62, 0.66)),
    "rotation": ("Random rotation", {"cosine": 0.0, "cca": 0.03}, 0.81, (0.38, 0.36)),
    "random-image-head": ("Random image head", {"cosine": 0.0001, "cca": 0.02}, 0.807, (0.39, 0.37)),
    "features": ("Features before any head", {"cca": 0.035}, 0.815, None),
}
POOL = 10_000
SEARCHES = (
    ("image-to-report", "all", POOL, 15_705, 1.0),
    ("image-to-report", "all", 100, 15_705, 10.0),
    ("image-to-report", "labels", 100, 9_000, 4.0),
    ("report-to-image", "all", POOL, 15_705, 1.1),
)
"""Who asks, among whom, and how many times the Recall@1 of the first search is reached there."""


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
            "split": "test", "auxiliary": "train", "auxiliary_pairs": 1000, "attackers": ["cosine", "cca"],
            "pool": [POOL, 1000, 100], "seeds": 5, "tolerance": 0.002, "k": 10,
            "match": ["both", "report-to-image", "image-to-report"],
            "least_patients": 10, "interval": 0.95, "replicates": 2000, "seed": 0,
        },
        "rows": [_row(key, *told) for key, told in ROWS.items()],
        "cohorts": [_cohort(name) for name in cohorts],
        "notes": ["Figures and intervals are those of the first seed."],
    }  # fmt: skip


def _row(key, title, recall, *_):
    matched = {
        "setting": 0.5,
        "measure": "report-to-image",
        "target": {"image_to_report": 0.66, "report_to_image": 0.66},
        "reached": {"image_to_report": 0.62, "report_to_image": 0.6601},
        "held": True,
    }
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
        "candidates": 12_411, "auxiliary_pairs": 1000, "auxiliary_patients": 450,
        "searches": [_search(*told[:4]) for told in SEARCHES],
        "labels": ["Edema"],
        "figures": {key: _figures(key, *told[1:]) for key, told in ROWS.items() if told[1] is not None},
    }  # fmt: skip


def _search(direction, negatives, pool, queries):
    return {"direction": direction, "negatives": negatives, "pool": pool, "queries": queries}


def _figures(key, recall, auroc, precision):
    use = [("auroc", None, auroc, ROWS["published"][2])]
    if precision is not None:
        sides = zip(("image-to-report", "report-to-image"), precision, ROWS["published"][3], strict=True)
        use = [*(("precision", *side) for side in sides), *use]
    return {
        "linkage": [row for search in SEARCHES for row in _linkage(key, recall, *search)],
        "use": [_used(key, *told) for told in use],
        "use_held": None if key in ("published", "features") else key == "without-noise",
    }


def _linkage(key, recall, direction, negatives, pool, queries, more):
    before = ROWS["published"][1]
    by = max(recall, key=recall.get)
    sides = {
        **{name: (name, recall[name], before[name]) for name in recall},
        "strongest": (by, recall[by], max(before.values())),
    }
    for name, (attacker, after, base) in sides.items():
        yield {
            **_search(direction, negatives, pool, queries),
            "attacker": name,
            "by": attacker,
            "recall": _share(after * more),
            "chance": 1 / pool,
            "lift": after * more * pool,
            "relative": None if key == "published" else _around(after / base - 1, 0.02),
            "trainings": _trainings(key, after * more),
        }


def _trainings(key, value):
    """Give three trainings of the rows that train: one below the shown, one above."""
    return [value, 0.9 * value, min(1.05 * value, 1.0)] if key in ("hardened", "without-noise") else [value]


def _used(key, measure, direction, value, base):
    first = key == "published"
    return {
        "measure": measure,
        "direction": direction,
        "queries": 9_000,
        "trainings": _trainings(key, value),
        "chance": 0.5,
        "measured": _share(value),
        "baseline": None if first else _share(base),
        "difference": None if first else _around(value - base, 0.001),
    }


def _share(value):
    return {"value": value, "low": 0.8 * value, "high": min(1.1 * value + 1e-4, 1.0)}


def _around(value, width):
    return {"value": value, "low": max(value - width, -1.0), "high": value + width}
