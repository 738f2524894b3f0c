"""Real audits, made by the linkage room, satisfy the schema and can be reported on."""

import jsonschema
import numpy as np
import polars as pl
import pytest

from relinkage.linkage.links import Links
from relinkage.linkage.measuring import AuditSettings, measure
from relinkage.linkage.result import AuditResult
from relinkage.pages import audit_table, headline, render_card, render_page
from relinkage.pages.wording import percent
from relinkage.records import json_schema, plain
from tiers import quick


def vectors(rows, noise, seed=0):
    """Reports, and images beside them: the less noise, the better they link."""
    random = np.random.default_rng(seed)
    reports = random.normal(size=(rows, 24))
    return reports + noise * random.normal(size=reports.shape), reports


def measured(images, reports, links=None, **settings):
    return measure(images, reports, links, AuditSettings(**settings), name="a model").result


def both_ways():
    return measured(*vectors(300, 1.5), direction="both")


def perfect():
    return measured(*vectors(60, 0.0))


def one_pool():
    return measured(*vectors(200, 2.0), pool=(50,), k=(3,))


def tied():
    images, reports = vectors(150, 1.0)
    reports[20:120] = reports[20]
    return measured(images, reports)


def tiny():
    return measured(*vectors(2, 1.0))


def siblings():
    images, reports = vectors(200, 1.0)
    patients = [f"p{i // 3}" for i in range(200)]
    pairs = pl.DataFrame({"pair_id": [str(i) for i in range(200)], "patient_id": patients})
    links = Links.from_pairs(pairs, 200, 200, "pairs")
    return measured(images, reports, links, distractors="other-patients", direction="both")


def open_set():
    images, reports = vectors(240, 1.0)
    reports[200:] = reports[199]
    return measured(images, reports, direction="both", pool=(10, 50, "full"), open_set=(0.1, 0.3))


def open_set_of_two():
    return measured(*vectors(24, 0.0), open_set=(0.5,))


@pytest.mark.parametrize(
    "make", quick(2, [tiny, open_set_of_two, both_ways, perfect, one_pool, tied, siblings, open_set])
)
def test_a_real_audit_satisfies_the_schema_and_can_be_reported(make):
    found = make()
    jsonschema.validate(plain(found), json_schema(AuditResult), jsonschema.Draft202012Validator)
    page = render_page([found])
    for row in found.closed_set:
        assert percent(row.recall) in page
    assert headline(found).sentence.replace("'", "&#39;") in page
    assert render_card([found]).startswith("---\n")
    shown = [row for row in found.closed_set if row.chance <= 0.5 and row.k < row.pool] or found.closed_set
    assert len(audit_table([found]).split("\n\n")[0].splitlines()) == 1 + len(shown)


@pytest.mark.slow
def test_two_real_audits_make_a_ladder():
    page = render_page([tied(), perfect()])
    assert page.count('class="run"') == 2
    assert "These runs differ in the number of queries" in page
