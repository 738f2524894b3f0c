"""The page and the terminal's table about hardened heads and their controls."""

import json

import jsonschema
import pytest
from msgspec.structs import replace
from synthetic_defences import ROWS, defences_json, synthetic_defences
from test_report_page import HOSTILE, Page

from encoders.trained.sketched import ALIGNED
from relinkage.defences.result import DefencesResult
from relinkage.errors import InputError
from relinkage.records import json_schema, plain, read_record, write_record
from relinkage.reports.defences import defences_table, findings
from relinkage.reports.defences_page import render_defences
from relinkage.reports.figures.frontier import frontier_figures
from relinkage.reports.wording import percent


@pytest.fixture(scope="module")
def result():
    return synthetic_defences(("city", "county"))


@pytest.fixture(scope="module")
def page(result):
    return render_defences(result)


READ = (DefencesResult, "a table of defences", "make it again")


def test_the_result_made_by_hand_is_written_and_read_back_as_it_was(result, tmp_path):
    write_record(tmp_path / "defences.json", result)
    assert read_record(tmp_path / "defences.json", *READ) == result
    jsonschema.Draft202012Validator(json_schema(DefencesResult)).validate(plain(result))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "relinkage.defences/2"),
        (("rows", 0, "applies"), "yes"),
        (("rows", 4, "matched", "measure"), "beauty"),
        (("cohorts",), []),
        (("cohorts", 0, "pool"), 1),
        (("cohorts", 0, "figures", "hardened", "linkage", 0, "recall", "value"), 1.2),
        (("cohorts", 0, "figures", "hardened", "linkage", 0, "relative", "low"), -1.1),
        (("cohorts", 0, "figures", "hardened", "auroc", "difference", "value"), 2),
        (("settings", "seeds"), 0),
    ],
)
def test_what_a_table_cannot_hold_is_refused(path, value, tmp_path):
    result = defences_json()
    *parents, last = path
    place = result
    for key in parents:
        place = place[key]
    place[last] = value
    assert not jsonschema.Draft202012Validator(json_schema(DefencesResult)).is_valid(result)
    (tmp_path / "defences.json").write_text(json.dumps(result))
    with pytest.raises(InputError, match="make it again"):
        read_record(tmp_path / "defences.json", *READ)


def test_the_page_is_whole_loads_nothing_and_runs_no_script(page):
    parsed = Page(page)  # asserts that every element is closed
    names = [name for name, _ in parsed.elements]
    assert "script" not in names
    fetched = [
        value for _, held in parsed.elements for key, value in held.items() if key in ("src", "srcset")
    ]
    assert fetched == []
    ids = [held["id"] for _, held in parsed.elements if "id" in held]
    assert len(ids) == len(set(ids))
    links = [held["href"] for name, held in parsed.elements if name == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_the_page_states_every_row_under_every_attacker(page, result):
    words = Page(page).words
    for title, recall, *_ in ROWS.values():
        assert title in words
        for value in (recall or {}).values():
            assert " ".join(percent(value).split()) in words
    for said in (
        "Carried over to county",
        "7,122 patients",
        "chance 0.01 %",
        "(0.34, 6e-06)-differential privacy, proven",
        "Does not apply: there is no norm.",
        "Matched at amount 0.5: macro AUROC 80.8 %, hardened 80.8 %.",
        "ε does not bound these figures.",
        "The rotation is no defence.",
    ):
        assert said in words, said


def test_the_headline_is_by_the_strongest_attacker_and_not_by_the_cosine(page, result):
    first = findings(result, result.cohorts[0])[0]
    assert "by the strongest attacker (cca) from 3.00 % to 0.40 % (−86.7 %" in first
    held = [text for text in Page(page).text if text.startswith("Hardening takes")]
    assert "strongest attacker" in held[0]


def test_names_from_elsewhere_are_shown_and_not_obeyed():
    parsed = Page(render_defences(synthetic_defences((HOSTILE,), HOSTILE)))
    assert "script" not in [name for name, _ in parsed.elements]
    assert "img" not in [name for name, _ in parsed.elements]


def test_the_frontier_has_a_dot_for_each_row_that_has_both_figures(result):
    figures = frontier_figures(result, result.cohorts[0], "frontier")
    assert [figure.key for figure in figures] == ["frontier-auroc", "frontier-precision"]
    shown = [[row[0].split(" ", 1)[1] for row in figure.rows] for figure in figures]
    judged = [title for title, recall, *_ in ROWS.values() if recall is not None]
    assert shown == [judged, [title for title in judged if title != "Features before any head"]]
    assert "Hardened heads" in figures[0].wide
    assert "the strongest attacker links 3.00 %" in figures[0].takeaway.replace("\N{NO-BREAK SPACE}", " ")
    again = frontier_figures(result, result.cohorts[0], "frontier")
    assert [figure.wide for figure in again] == [figure.wide for figure in figures]


def test_the_table_in_the_terminal_fits_it_and_names_what_a_change_is_from(result):
    table = defences_table(result)
    rows = [line for line in table.splitlines() if line.startswith(tuple(told[0] for told in ROWS.values()))]
    assert max(len(row) for row in rows if ":" not in row) <= 120
    line = next(row for row in rows if row.startswith("Random rotation"))
    assert line.split()[2:8] == ["0", "%", "3.00", "%", "3.00", "%"]
    assert "The same training without DP already gives −85.0 % by the strongest attacker and −92.5 %" in table


def test_heads_without_a_statement_are_said_to_have_none(result):
    inputs = replace(result.inputs, hardened=ALIGNED)
    assert defences_table(replace(result, inputs=inputs)).startswith(
        "No differential privacy is stated for the hardened heads."
    )
