"""Runs whose linkage is known: tables in which each patient's mate ranks first, or second, by a coin."""

from functools import cache

import msgspec
import numpy as np
import polars as pl

from relinkage.linkage import AuditSettings, LinkageTable, Links, Standing, measure
from relinkage.policies import Attacked
from relinkage.policies.reading import policy_of
from relinkage.toml_files import TomlFile

IMAGES = "image-to-report"


def policy(rules, head=""):
    """A policy of the rules that a text names, without a context."""
    return policy_of(TomlFile(f'name = "planted"\n{head}\n{rules}', "planted.toml"))


def rule(figure, at_most, **further):
    lines = [
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
        for key, value in further.items()
    ]
    return "\n".join([f'[[rule]]\nfigure = "{figure}"\nat_most = {at_most}', *lines, ""])


@cache
def small_audit(**choices):
    """An audit of sixty patients of two sexes and three age groups."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(120, 8))
    pairs = pl.DataFrame(
        {
            "pair_id": [f"pair-{row}" for row in range(120)],
            "patient_id": [f"patient-{row // 2}" for row in range(120)],
            "sex": ["F" if row // 2 % 2 else "M" for row in range(120)],
            "age": [str(30 + 10 * (row // 2 % 3)) for row in range(120)],
            "label_a": [str(row // 2 % 4 // 2) for row in range(120)],
        }
    )
    settings = AuditSettings(replicates=200, pool=(10, "full"), k=1, risk_pool="full", **choices)
    links = Links.from_pairs(pairs, 120, 120, "pairs.csv")
    return measure(images, images + rng.normal(size=images.shape), links, settings)


def run(first, attacker="cosine", key=None, patient=None, gallery=None, **changes):
    """A run in which the mates of some queries rank first, and those of the others second.

    Args:
        first: bool, shape (queries,).
        attacker: who attacked.
        key: ids of the pairs.
        patient: int, shape (queries,): a number per patient; each query has its own where not given.
        gallery: eligible candidates; as many as queries where not given.
        changes: of the audit.
    """
    first = np.asarray(first)
    count = len(first)
    patient = np.arange(count) if patient is None else patient
    standing = Standing(
        np.full(count, gallery or count), np.where(first, 0, 1).astype(np.int64), np.zeros(count, np.int64)
    )
    ids = pl.Series([f"p{row}" for row in range(count)] if key is None else key)
    table = LinkageTable(IMAGES, ids, patient, np.zeros(count), {"all": standing})
    audit = msgspec.structs.replace(small_audit().result, patients=len(np.unique(patient)), **changes)
    return Attacked(attacker, audit, {IMAGES: table})


def measured(**choices):
    """The run of `small_audit`, as it is."""
    found = small_audit(**choices)
    return Attacked("cosine", found.result, {table.direction: table for table in found.tables})
