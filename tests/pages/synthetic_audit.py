"""A realistic audit from simple formulas, for the tests of everything that a person reads.

The mate of the query at quantile u has b = (M − 1)·u^γ distractors above it. γ = 1 is chance; the larger γ,
the better the linkage. Recall follows from b by the closed form with replacement, so that every row relates
to every other one as in a real audit.
"""

import json
from copy import deepcopy
from functools import cache
from typing import Any

import msgspec
import numpy as np
from scipy.special import gammaln
from synthetic_parts import FPIRS, det_rows, entropy_row, open_set_rows, target_rows

from relinkage.linkage.result import AuditResult

EDGES = np.concatenate(([0.0], np.geomspace(1e-8, 1, 1200)))
QUANTILES, WEIGHTS = (EDGES[1:] + EDGES[:-1]) / 2, np.diff(EDGES)
"""Of the queries, denser where the mates rank high."""


def synthetic_audit(name: str = "report-level encoder", **choices: Any) -> AuditResult:
    """Give an audit of `queries` images against as many reports, as `synthetic_json` makes it."""
    made = as_record(synthetic_json("a name", **choices))
    return msgspec.structs.replace(made, name=name)  # which may hold what no JSON can


def as_record(audit: dict[str, Any]) -> AuditResult:
    """Read the JSON of an audit."""
    return msgspec.json.decode(json.dumps(audit), type=AuditResult)


def synthetic_json(
    name: str = "report-level encoder",
    *,
    gamma: float = 1.9,
    queries: int = 43_793,
    patients: int | None = 9_000,
    pools: tuple[int, ...] = (100, 1000, 10_000),
    ks: tuple[int, ...] = (1, 5, 10),
    directions: tuple[str, ...] = ("image-to-report",),
    kind: str = "embeddings",
    off_chance: bool = False,
    complete: bool = False,
) -> dict[str, Any]:
    """Give the JSON of such an audit, the caller's to change.

    With `complete` it has the open set, the other meanings of a hit and the entropy of the match too.
    """
    audit = deepcopy(_measured(name, gamma, queries, patients, pools, ks, directions, kind, off_chance))
    return _completed(audit, gamma) if complete else audit


def _completed(audit: dict[str, Any], gamma: float) -> dict[str, Any]:
    pools = sorted({row["pool"] for row in audit["closed_set"]})
    directions = list(dict.fromkeys(row["direction"] for row in audit["closed_set"]))
    who = {"negatives": "all", "queries": audit["queries"] // 2, "patients": max(audit["patients"] // 2, 1)}
    for direction in directions:
        where = {"direction": direction, **who}
        audit["open_set"] += open_set_rows(where, pools, QUANTILES, WEIGHTS, gamma)
        audit["det"] += det_rows(where, pools, QUANTILES, WEIGHTS, gamma)
        audit["entropy"].append(entropy_row(where, audit["candidates"], gamma))
    for row in audit["ranks"]:
        named = ("mrr", "median_rank", "mean_rank")
        worse, better = (1.1, 0.9)
        row["optimistic"] = {key: max(row[key] * better, 1.0) for key in named} | {
            "mrr": min(row["mrr"] * worse, 1.0)
        }
        row["pessimistic"] = {key: row[key] * worse for key in named} | {"mrr": row["mrr"] * better}
    audit["targets"] = target_rows(audit["closed_set"])
    audit["settings"]["open_set"] = list(FPIRS)
    audit["inputs"] |= {"token_budget": 64, "cut_share": 0.21} if audit["inputs"]["model"] else {}
    return audit


@cache
def _measured(
    name: str,
    gamma: float,
    queries: int,
    patients: int | None,
    pools: tuple[int, ...],
    ks: tuple[int, ...],
    directions: tuple[str, ...],
    kind: str,
    off_chance: bool,
) -> dict[str, Any]:
    better = np.floor(queries * QUANTILES**gamma)
    clusters = patients or queries
    table = sorted({pool for pool in pools if pool < queries} | {queries})
    steps = sorted({int(n) for n in np.geomspace(2, queries, 36).round()} | set(table))
    edges = np.geomspace(1 / queries, 1, 31)
    edges[-1] = 1.0

    def row(direction: str, pool: int, k: int, better: Any) -> dict[str, Any]:
        each = _recall(better, queries, pool, k)
        recall = _mean(each)
        half = 1.96 * np.sqrt(max(_mean(each**2) - recall**2, 0.0)) / np.sqrt(clusters)
        low, high = float(max(recall - half, 0.0)), float(min(recall + half, 1.0))
        chance = min(k / pool, 1.0)
        return {
            "direction": direction,
            "negatives": "all",
            "pool": pool,
            "k": k,
            "recall": recall,
            "low": low,
            "high": high if recall else min(1.0, 3 / clusters),
            "chance": chance,
            "lift": recall / chance,
            "queries": queries,
            "patients": clusters,
            "effective_patients": float(clusters),
            "varies": "patients",
            "queries_found": recall * queries,
            "patients_found": recall * clusters,
            "refits": 0,
            "coverage": 1.0,
            "full": pool == queries,
            "on_chance": low <= chance <= high,
        }

    def control(direction: str, name: str, pool: int, k: int) -> dict[str, Any]:
        shift = 1.004 if name == "random scorer" else 1.6 if off_chance and pool == table[0] else 1.0
        return {"control": name, **row(direction, pool, k, np.floor(queries * QUANTILES**shift))}

    def ranks(direction: str, pool: int) -> dict[str, Any]:
        # A pool holds (pool - 1) / (queries - 1) of the gallery's distractors.
        expected = 1 + better * (pool - 1) / (queries - 1)
        mrr = _mean(1 / expected)
        median = float(1 + np.floor(queries * 0.5**gamma) * (pool - 1) / (queries - 1))
        untied = {"mrr": mrr, "median_rank": median, "mean_rank": _mean(expected)}
        return {
            "direction": direction,
            "negatives": "all",
            "pool": pool,
            "full": pool == queries,
            **untied,
            "mrr_low": 0.9 * mrr,
            "mrr_high": min(1.1 * mrr, 1.0),
            "queries": queries,
            "optimistic": untied,
            "pessimistic": untied,
        }

    relative = (better + 1) / queries
    numbers = np.histogram(relative, edges, weights=WEIGHTS)[0] * queries
    return {
        "schema": "relinkage.audit/1",
        "version": "0.1.0",
        "name": name,
        "queries": queries,
        "candidates": queries,
        "dimension": 128,
        "patients": clusters,
        "effective_patients": float(clusters),
        "patients_known": patients is not None,
        "studies": queries,
        "inputs": _inputs(kind, queries),
        "settings": {
            "pool": [*pools, "full"],
            "k": list(ks),
            "direction": directions[0] if len(directions) == 1 else "both",
            "distractors": "all",
            "interval": 0.95,
            "replicates": 2000,
            "seed": 0,
            "engine": "cpu",
        },
        "closed_set": [row(d, n, k, better) for d in directions for n in table for k in ks if k <= n],
        "curve": [row(d, n, k, better) for d in directions for k in ks for n in steps if k <= n],
        "ranks": [ranks(direction, pool) for direction in directions for pool in table],
        "rank_distribution": [
            {
                "direction": direction,
                "negatives": "all",
                "edges": [float(edge) for edge in edges],
                "counts": [round(number) for number in numbers],
            }
            for direction in directions
        ],
        "open_set": [],
        "det": [],
        "open_set_sample": 2048,
        "entropy": [],
        "strata": [],
        "targets": [],
        "risk": [],
        "controls": [
            control(direction, name, pool, k)
            for direction in directions
            for name in ("scrambled mates", "random scorer")
            for pool in table
            for k in ks
            if k <= pool
        ],
        "duplicates": {
            "known": kind == "embeddings",
            "texts": round(0.93 * queries),
            "largest": max(2, round(0.012 * queries)),
            "queries_sharing": 0.087,
            "recall_at_1_ceiling": 0.931,
        },
        "notes": ["12 images could not be read and are left out."],
    }


def _mean(each: Any) -> float:
    return float(each @ WEIGHTS)


def _recall(better: Any, gallery: int, pool: int, k: int) -> Any:
    """Recall@K of each query in a pool of a size: the hypergeometric law, term by term."""
    drawn, others = pool - 1, gallery - 1
    terms = [
        _log_choose(better, above) + _log_choose(others - better, drawn - above) - _log_choose(others, drawn)
        for above in range(min(k, pool))
    ]
    return np.minimum(np.exp(terms).sum(axis=0), 1.0)


def _log_choose(n: Any, k: Any) -> Any:
    possible = (np.asarray(n) >= k) & (np.asarray(k) >= 0)
    return np.where(
        possible, gammaln(np.maximum(n, k) + 1) - gammaln(k + 1) - gammaln(np.abs(n - k) + 1), -np.inf
    )


def _inputs(kind: str, rows: int) -> dict[str, Any]:
    def file(name: str, digit: str) -> dict[str, Any]:
        return {"file": name, "rows": rows, "fingerprint": f"sha256:{digit * 64}"}

    inputs: dict[str, Any] = {
        "kind": kind,
        "images": file("image.safetensors", "a"),
        "reports": file("text.safetensors", "b"),
        "pairs": file("pairs.parquet", "c"),
        "model": None,
        "heads": None,
        "cohort": None,
        "split": None,
        "truncated_share": None,
    }
    if kind == "embeddings":
        inputs |= {
            "model": {
                "id": "phantom:report",
                "revision": "sha256:0f3c9a",
                "licence": "Apache-2.0",
                "preprocessing": "resize 96, grey, mean and standard deviation of the image",
                "image_features": 256,
                "text_features": 256,
                "embedding": 128,
                "token_limit": 256,
                "seen": "phantom patients of other seeds",
            },
            "cohort": {"name": "phantom, 9,000 patients", "fingerprint": f"sha256:{'d' * 64}"},
            "split": "test",
            "truncated_share": 0.013,
        }
    return inputs


def changed(value: Any, **changes: Any) -> Any:
    """Give a record with other values at some places: `changed(audit, inputs__cohort__name="x")`."""
    for path, new in changes.items():
        first, _, rest = path.partition("__")
        inner = changed(getattr(value, first), **{rest: new}) if rest else new
        value = msgspec.structs.replace(value, **{first: inner})
    return value
