"""The open set, other meanings of a hit and the entropy of the match, from the model of `synthetic_audit`.

A mate at quantile u lies at the tail share p = u^γ of the distractors' scores. A threshold that a share a of
them reaches gives FPIR = 1 − (1 − a)^N in pools of N, and everything else follows by the binomial law.
"""

from typing import Any

import numpy as np
from scipy.stats import norm

FPIRS = (0.003, 0.01, 0.1)
PRIORS = (0.5, 0.1, 0.01)
SCORES = {"cosine": 1.0, "margin": 1.03}
"""How much better the mates rank by each score: a factor on γ."""

TARGETS = {"text": (1.07, 1.09), "patient": (2.1, 2.4)}
"""Recall and chance of each target, as multiples of the study's."""


def open_set_rows(where: dict[str, Any], pools: list[int], quantiles: Any, weights: Any, gamma: float) -> Any:
    """A row per score, pool and rate; `where` holds direction, negatives, queries and patients."""
    return [
        _operating_point(where, score, pool, pool == pools[-1], rate, quantiles ** (gamma * factor), weights)
        for score, factor in SCORES.items()
        for pool in pools
        for rate in FPIRS
    ]


def det_rows(where: dict[str, Any], pools: list[int], quantiles: Any, weights: Any, gamma: float) -> Any:
    """A trade-off curve per score and pool, from FPIR 0.0003 to 1."""
    rates = np.append(np.geomspace(3e-4, 0.97, 60), 1 - 1e-12)
    return [
        {
            **where,
            "score": score,
            "pool": pool,
            "full": pool == pools[-1],
            "points": [
                {
                    "threshold": threshold(rate, pool),
                    "fpir": float(rate),
                    "tpir": _claims(rate, pool, quantiles ** (gamma * factor), weights)[0],
                }
                for rate in reversed(rates)
            ],
        }
        for score, factor in SCORES.items()
        for pool in pools
    ]


def target_rows(closed_set: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The closed-set rows again for texts (reports as candidates only) and patients."""
    rows = []
    for target, (better, easier) in TARGETS.items():
        for row in closed_set:
            if target == "text" and row["direction"] != "image-to-report":
                continue
            chance = min(row["chance"] * easier, 1.0)
            recall, low, high = (min(row[key] * better, 1.0) for key in ("recall", "low", "high"))
            rows.append(
                row
                | {"target": target, "recall": recall, "low": low, "high": high}
                | {"chance": chance, "lift": recall / chance, "on_chance": low <= chance <= high}
            )
    return rows


def entropy_row(where: dict[str, Any], candidates: int, gamma: float) -> dict[str, Any]:
    """The sharper the linkage, the lower the entropy."""
    middle = 1 - 0.09 * gamma
    shares = (0.05, 0.25, 0.5, 0.75, 0.95)
    quantiles = [{"share": share, "entropy": middle + 0.12 * (share - 0.5)} for share in shares]
    return {
        "direction": where["direction"],
        "temperature": 0.07,
        "candidates": candidates,
        "entropy": middle - 0.01,
        "low": middle - 0.014,
        "high": middle - 0.006,
        "median": middle,
        "quantiles": quantiles,
        "queries": min(where["queries"], 2048),
        "patients": min(where["patients"], 1700),
        "sampled": where["queries"] > 2048,
    }


def threshold(rate: float, pool: int) -> float:
    """The score that a best distractor reaches at this rate."""
    return float(0.2 + 0.1 * norm.isf(_tail(rate, pool)))


def _operating_point(
    where: dict[str, Any], score: str, pool: int, full: bool, rate: float, tails: Any, weights: Any
) -> dict[str, Any]:
    found, wrong = _claims(rate, pool, tails, weights)
    half = 1.96 * np.sqrt(max(found * (1 - found), 1e-9) / (where["patients"] / 2))
    return {
        **where,
        "score": score,
        "pool": pool,
        "full": full,
        "fpir": rate,
        "thresholds": [threshold(rate * 0.97, pool), threshold(rate * 1.03, pool)],
        "tpir": found,
        "low": max(found - half, 0.0),
        "high": min(found + half, 1.0),
        "fpir_measured": rate * 1.04,
        "fpir_low": rate * 0.9,
        "fpir_high": rate * 1.2,
        "misidentified": wrong,
        "ppv": [_worth(prior, found, wrong, rate) for prior in PRIORS],
    }


def _worth(prior: float, found: float, wrong: float, rate: float) -> dict[str, float]:
    ppv = prior * found / (prior * (found + wrong) + (1 - prior) * 1.04 * rate)
    return {"prior": prior, "ppv": ppv, "low": 0.8 * ppv, "high": min(1.2 * ppv, 1.0)}


def _claims(rate: float, pool: int, tails: Any, weights: Any) -> tuple[float, float]:
    """TPIR and the share of pools with the mate where a claim names another candidate."""
    tail = _tail(rate, pool)
    reaches = tails <= tail
    found = float((reaches * (1 - tails) ** (pool - 1)) @ weights)
    silent = float((~reaches * (1 - tail) ** (pool - 1)) @ weights)
    return found, max(1 - silent - found, 0.0)


def _tail(rate: float, pool: int) -> float:
    return float(-np.expm1(np.log1p(-rate) / pool))
