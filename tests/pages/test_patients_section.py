"""The sections "Hard negatives" and "Patients" say what the audit holds, and satisfy the published schema."""

import re

import jsonschema
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.result import AuditResult
from relinkage.pages import render_page
from relinkage.pages.figures import hardness_figure, patients_figure
from relinkage.pages.figures.patients import exposed_figure, shared_out
from relinkage.pages.wording import bare_percent, count, interval, percent
from relinkage.records import json_schema, plain
from tiers import quick


def measured(rows=400, noise=1.5, known=True, **settings):
    """An audit of patients with four images each; fractures link better than anything else."""
    random = np.random.default_rng(0)
    fracture = random.random(rows) < 0.2
    reports = random.normal(size=(rows, 16))
    images = reports + (noise * np.where(fracture, 0.3, 1))[:, None] * random.normal(size=reports.shape)
    pairs = pl.DataFrame(
        {
            "pair_id": [f"secret-{row}" for row in range(rows)],
            "patient_id": [f"person-{row // 4}" for row in range(rows)],
            "Fracture": fracture.astype(int),
            "view": random.choice(["PA", "AP"], rows).tolist(),
        }
    )
    links = Links.from_pairs(pairs if known else pairs.drop("patient_id"), rows, rows, "pairs")
    chosen = AuditSettings(replicates=100, **settings)
    return measure(images, reports, links, chosen).result


@pytest.fixture(scope="module")
def found():
    return measured(direction="both", ladder=True)


def words(page):
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]*>", " ", page, flags=re.S)
    return " ".join(text.replace("&#39;", "'").replace("&nbsp;", " ").split())


def test_the_schema_knows_every_field(found):
    jsonschema.validate(plain(found), json_schema(AuditResult), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("risk", 0, "average"), 1.5),
        (("risk", 0, "most_exposed", "above"), -1),
        (("risk", 0, "strata", 0, "patients"), 9),
        (("risk", 0, "histogram", "edges"), []),
        (("strata", 0, "uncertain"), "maybe"),
        (("strata", 0, "columns"), []),
        (("pseudonymised",), "yes"),
    ],
)
def test_the_schema_refuses_what_an_audit_cannot_hold(found, path, value):
    made = plain(found)
    *parents, last = path
    place = made
    for key in parents:
        place = place[key]
    place[last] = value
    assert not jsonschema.Draft202012Validator(json_schema(AuditResult)).is_valid(made)


def test_the_page_says_the_risk_of_patients(found):
    text = words(render_page([found]))
    for row in found.risk:
        shares, ends = [row.maximum, row.average], [(row.average_low, row.average_high)]
        for risk in (row.most_exposed, row.at_least_one):
            shares += [risk.average, risk.above_share]
            ends += [(risk.low, risk.high), (risk.above_low, risk.above_high)]
        for share in shares:
            assert " ".join(percent(share).split()) in text
        for low, high in ends:
            assert " ".join(interval(low, high).split()) in text
        for stratum in row.strata:
            assert " ".join(percent(stratum.risk).split()) in text
    assert "El Emam" in text
    assert "prior of 1" in text
    assert not re.search(r"secret-|person-", text)


def test_the_page_prints_the_specification_and_the_control(found):
    text = words(render_page([found]))
    assert "labels+view" in text
    assert "Uncertain labels a value of their own" in text
    for level in found.strata:
        assert count(level.strata) in text
        assert " ".join(percent(level.alone).split()) in text
    for row in found.closed_set:
        assert " ".join(percent(row.recall).split()) in text
    assert "It does, in every row." in text


@pytest.mark.slow
def test_a_stratum_scorer_off_chance_is_told(found):
    place = next(i for i, row in enumerate(found.controls) if row.negatives != "all")
    rows = list(found.controls)
    rows[place] = replace(rows[place], on_chance=False)
    assert f"In 1 of {sum(row.negatives != 'all' for row in found.controls)} rows it does not" in words(
        render_page([replace(found, controls=tuple(rows))])
    )


def test_where_there_is_nothing_to_say_there_is_no_section():
    without = measured()
    headings = re.findall(r"<h2>(.*?)</h2>", render_page([without]))
    assert "Hard negatives" not in headings
    assert "Patients" in headings


def _not_called_patients(text):
    """Whether studies that stand for patients are nowhere counted as patients."""
    told = "every study counts as a patient of its own" in text
    patients = r"\d (?:of )?patients(?! not known)|[Aa]verage patient|hare of patients|each patient"
    return told and re.search(patients, text) is None


def test_unknown_patients_are_told():
    assert _not_called_patients(words(render_page([measured(known=False)])))


@pytest.mark.parametrize(
    "settings", quick(1, [{"rows": 12}, {"noise": 0.0}, {"noise": 1e6}, {"risk_pool": 2}])
)
def test_every_audit_can_be_drawn(settings):
    found = measured(**settings)
    (row,) = found.risk
    figure = patients_figure(row, "p")
    assert figure.wide.startswith("<svg")
    assert sum(int(cells[2].replace(",", "")) for cells in figure.rows) == row.patients
    assert figure.wide.count("<use") == min(100, row.patients)


def test_dots_are_red_above_the_threshold(found):
    row = found.risk[0]
    figure = patients_figure(row, "p")
    red = re.findall(r"<use[^>]*var\(--alert", figure.wide)
    assert len(red) == pytest.approx(100 * row.most_exposed.above_share, abs=1)
    assert f"a probability above {bare_percent(0.09)}" in figure.takeaway


def test_what_is_exposed_most_stands_first(found):
    figure = exposed_figure(found.risk[0], "p")
    assert figure.rows[0][0] == "Fracture"
    assert "most of all Fracture" in figure.takeaway
    assert exposed_figure(replace(found.risk[0], strata=()), "p") is None


def test_the_ladder_of_hardness_has_a_row_for_each_level_at_one_pool(found):
    figure = hardness_figure(found, "p")
    for direction in ("image-to-report", "report-to-image"):
        rows = [cells for cells in figure.rows if cells[1] == direction]
        assert [cells[0] for cells in rows] == ["all distractors", "labels", "labels+view"]
        assert len({cells[2] for cells in rows}) == 1
    assert hardness_figure(measured(), "p") is None


@given(st.lists(st.integers(0, 5000), min_size=1).filter(any), st.integers(1, 100))
def test_dots_are_shared_out_in_proportion(counts, dots):
    shared = shared_out(counts, dots)
    assert sum(shared) == dots
    assert all(abs(dot - number * dots / sum(counts)) < 1 for dot, number in zip(shared, counts, strict=True))
