"""A sweep made by hand: what the page and the terminal are tested on."""

import msgspec

from relinkage.alignment.sweep_result import SweepResult

SIDES = ("image-to-report", "report-to-image")
MEASURES = ("recall@1", "recall@10", "precision@10", "ndcg@10", "map", "abnormal-auroc")


def figure(side, measure, value, first):
    told = {"value": value, "low": value * 0.9, "high": min(value * 1.1, 1)}
    moved = None if first else {"value": 0.01, "low": -0.02, "high": 0.03}
    return {
        "direction": side, "measure": measure, "chance": 0.001 if "recall" in measure else 0.3,
        "measured": told, "baseline": None if first else told, "difference": moved,
        "seed_deviation": None if first else 0.002, "queries": 900, "patients": 400,
    }  # fmt: skip


def synthetic_sweep(titles=("pretrained heads", "CLIP-style heads", "bce=1,supcon=1,clip=0, τ=0.07")):
    rows = [
        {
            "title": title, "weights": None, "temperature": None, "classes": None, "heads": [],
            "privacy": None,
            "figures": [
                figure(side, measure, place / 20 + (0.1 if "recall" in measure else 0.5), first=not place)
                for side in SIDES for measure in MEASURES
            ],
            "balance": dict.fromkeys(MEASURES, 0.01),
        }
        for place, title in enumerate(titles)
    ]  # fmt: skip
    found = {
        "schema": "relinkage.sweep/1", "version": "0", "model": "sketch", "train": "train", "split": "test",
        "pool": 1000, "interval": 0.95, "replicates": 200, "seed": 0, "pairs": 900,
        "patients": 400, "baseline": titles[0], "rows": rows,
    }  # fmt: skip
    return msgspec.convert(found, SweepResult)
