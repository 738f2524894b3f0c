"""Risk per patient: how probable it is that a query is linked, and which patients that concerns most.

The risk of a query is its expected Recall@1 in a pool of a stated size: the probability that its mate comes
first, over all pools of that size and with ties broken at random. It is an attacker's success only where the
mate is known to be in the pool (closed set, prior 1).

A patient has as a rule several queries. The risk of the most exposed one is a floor of the patient's. That at
least one of them is linked has the probability 1 − Π(1 − risk) where each is searched by itself in a pool of
its own. An attacker who knows which queries belong together, and searches for them together, is not in it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from relinkage.cohorts.cells import label_values, present, years
from relinkage.cohorts.labels import POSITIVE
from relinkage.errors import InputError
from relinkage.linkage.measures import Cell, chance, recalls, size
from relinkage.linkage.pools import at_least_one
from relinkage.linkage.risk_rows import PatientRisk, RiskHistogram, RiskQuantile, RiskRow, RiskStratum
from relinkage.linkage.settings import FULL, PoolSize, Resampling
from relinkage.linkage.table import ALL, LinkageTable
from relinkage.linkage.uncertainty import ClusterBootstrap

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

THRESHOLD = 0.09
"""A commonly used highest re-identification probability for public release (El Emam et al., JMIR
2020;22:e23139)."""
FEWEST_PATIENTS = 10
"""Patients that a stratum needs to be shown."""
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
DEFAULT_POOLS = (10_000, 1_000, 100)
_BINS_ABOVE = 5
_STRICT = 0.999
"""The level at which a stratum stands out: some dozens are looked at together."""


def risk_pool(tables: Sequence[LinkageTable], wanted: PoolSize | None = None) -> PoolSize:
    """Choose the pool that risk is stated at.

    Args:
        tables: a linkage table per direction.
        wanted: a size or "full"; where not given, the largest of 10,000, 1,000 and 100 that every query has,
            else "full".

    Raises:
        InputError: no query of some direction has that many eligible candidates.
    """
    eligible = [table.standings[ALL].eligible for table in tables]
    if wanted is None:
        least = min(int(each.min()) for each in eligible)
        return next((pool for pool in DEFAULT_POOLS if pool <= least), FULL)
    largest = min(int(each.max()) for each in eligible)
    if wanted != FULL and int(wanted) > largest:
        raise InputError(
            f"--risk-pool {wanted} is larger than the {largest} eligible candidates; give a smaller size, "
            "or full."
        )
    return wanted


def query_risk(table: LinkageTable, pool: PoolSize) -> Floats:
    """Give every query's risk: float64, shape (q,); NaN where fewer candidates are eligible than in it."""
    return recalls(table.standings[ALL], [Cell(pool, 1)])[:, 0]


def risk_row(
    table: LinkageTable, pool: PoolSize, pairs: pl.DataFrame, labels: Sequence[str], resampling: Resampling
) -> RiskRow:
    """Say how probable it is that each patient is linked, for `audit.json`.

    Args:
        table: the linkage table of one direction.
        pool: the pool, as `risk_pool` gives it.
        pairs: a row per query, in the order of the table, with whatever is known of it.
        labels: the label columns among them.
        resampling: how intervals are made.
    """
    risk = query_risk(table, pool)
    seen = ~np.isnan(risk)
    exposed, mean = per_patient(risk[seen], table.patient[seen])
    linked = at_least_one(risk[seen], table.patient[seen])
    most_exposed, any_linked = _over_patients([exposed, linked], resampling)
    average, strata = _strata(table, risk, _groups(pairs, labels), resampling)
    expected = chance(table.standings[ALL], Cell(pool, 1))
    edges = _edges(expected)
    return RiskRow(
        direction=table.direction,
        pool=size(table.standings[ALL], pool),
        full=pool == FULL,
        chance=expected,
        queries=int(seen.sum()),
        patients=len(exposed),
        coverage=float(seen.mean()),
        maximum=float(exposed.max()),
        **average,
        threshold=THRESHOLD,
        most_exposed=most_exposed,
        at_least_one=any_linked,
        quantiles=tuple(
            RiskQuantile(share=share, most_exposed=float(top), mean=float(middle), at_least_one=float(one))
            for share, top, middle, one in zip(
                QUANTILES, *(np.quantile(each, QUANTILES) for each in (exposed, mean, linked)), strict=True
            )
        ),
        histogram=RiskHistogram(
            edges=tuple(edges.tolist()),
            most_exposed=_histogram(exposed, edges),
            mean=_histogram(mean, edges),
        ),
        strata=strata,
    )


def _over_patients(figures: Sequence[Floats], resampling: Resampling) -> list[PatientRisk]:
    """Give each figure's mean over patients and the share above the threshold, with intervals."""
    above = [(figure > THRESHOLD).astype(np.float64) for figure in figures]
    drawn = ClusterBootstrap.draw(
        np.stack([*figures, *above], axis=1),
        np.arange(len(above[0])), resampling.replicates, resampling.seed,
    ).interval(resampling.interval)  # fmt: skip
    return [
        PatientRisk(
            average=float(drawn.mean[place]),
            low=float(drawn.low[place]),
            high=float(drawn.high[place]),
            above=int(above[place].sum()),
            above_share=float(drawn.mean[share]),
            above_low=float(drawn.low[share]),
            above_high=float(drawn.high[share]),
        )
        for place, share in enumerate(range(len(figures), 2 * len(figures)))
    ]


def per_patient(risk: Floats, patient: Ints) -> tuple[Floats, Floats]:
    """Return the risk of each patient's most exposed query, and the mean over its queries.

    Args:
        risk: float64, shape (q,): every query's risk.
        patient: int64, shape (q,): a number per patient.

    Returns:
        Both float64, shape (patients,), in the order of the patients' numbers.
    """
    order = np.argsort(patient, kind="stable")
    first = np.flatnonzero(np.diff(patient[order], prepend=patient[order[0]] - 1))
    queries = np.diff(first, append=len(order))
    return np.maximum.reduceat(risk[order], first), np.add.reduceat(risk[order], first) / queries


def _groups(pairs: pl.DataFrame, labels: Sequence[str]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """List the strata that are looked at: column, value, and whether each query bears it."""
    told = [column for column in ("view", "sex", "age") if column in pairs.columns]
    text = pairs.select(present(pairs[column]) for column in told)
    found = [(label, "positive", _is(label_values(pairs[label])[0], POSITIVE)) for label in labels]
    for column in ("view", "sex"):
        if column in text.columns:
            found += [(column, v, _is(text[column], v)) for v in text[column].drop_nulls().unique().sort()]
    if "age" in text.columns:
        decade = (years(pairs["age"]) / 10).floor().cast(pl.Int64, strict=False)
        decades = decade.drop_nulls().unique().sort()
        found += [("age", f"{10 * d}-{10 * d + 9}", _is(decade, d)) for d in decades]
    return found


def _is(values: pl.Series, value: Any) -> NDArray[np.bool_]:
    return (values == value).fill_null(False).to_numpy()


def _strata(
    table: LinkageTable,
    risk: Floats,
    groups: Sequence[tuple[str, str, NDArray[np.bool_]]],
    resampling: Resampling,
) -> tuple[dict[str, float], tuple[RiskStratum, ...]]:
    """Give the average over queries with its interval, and the strata with theirs, most exposed first."""
    values = np.stack([risk, *(np.where(inside, risk, np.nan) for _, _, inside in groups)], axis=1)
    drawn = ClusterBootstrap.draw(values, table.patient, resampling.replicates, resampling.seed)
    shown, wide = drawn.interval(resampling.interval), drawn.interval(_STRICT)
    average = float(shown.mean[0])
    rows = [
        RiskStratum(
            column=column,
            value=value,
            risk=float(shown.mean[cell]),
            low=float(shown.low[cell]),
            high=float(shown.high[cell]),
            ratio=float(shown.mean[cell]) / average if average > 0 else 1.0,
            queries=int((~np.isnan(values[:, cell])).sum()),
            patients=int(drawn.patients[cell]),
            stands_out=not wide.low[cell] <= average <= wide.high[cell],
        )
        for cell, (column, value, _) in enumerate(groups, 1)
        if drawn.patients[cell] >= FEWEST_PATIENTS
    ]
    rows.sort(key=lambda row: (-row.risk, row.column, row.value))
    low, high = float(shown.low[0]), float(shown.high[0])
    return {"average": average, "average_low": low, "average_high": high}, tuple(rows)


def _edges(expected: float) -> Floats:
    """Give edges from a tenth of chance or less to 1, in equal logarithmic steps, one at the threshold."""
    step = THRESHOLD ** (-1 / _BINS_ABOVE)
    below = max(int(np.ceil(np.log(10 * THRESHOLD / expected) / np.log(step) - 1e-9)), 1)
    edges = THRESHOLD * step ** np.arange(-below, _BINS_ABOVE + 1)
    edges[below], edges[-1] = THRESHOLD, 1.0
    return edges


def _histogram(values: Floats, edges: Floats) -> tuple[int, ...]:
    """Count values by bin, each open below and closed above; what lies below all edges is in the first."""
    place = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    return tuple(np.bincount(place, minlength=len(edges) - 1).tolist())
