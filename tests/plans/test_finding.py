"""The headline of a scenario: its counts by hand, and its words."""

import msgspec
import numpy as np
import pytest

from plans.toy_verbs import plan
from policies.planted_runs import IMAGES, measured
from relinkage.errors import InputError
from relinkage.linkage.measures import Cell, recalls
from relinkage.linkage.uncertainty import clopper_pearson
from relinkage.plans.finding import _Linked, _linked, conclude, finding
from relinkage.plans.result import Scenario

SCENARIO = Scenario(
    leaves="images", holds="reports", headline=("attack",), unsaid="It does\nnot say.  Nor this."
)


def linked(share, patients=500, queries=None, name="cosine", on_chance=False):
    """What an attacker would link, with the interval of a share."""
    row = msgspec.structs.replace(measured().audit.closed_set[0], on_chance=on_chance, pool=300, full=True)
    high = clopper_pearson(share, patients, patients, 0.95)[1]
    return _Linked(name, share * patients, patients, queries or patients, high, row)


def test_a_patient_is_linked_where_some_query_is():
    run = measured()
    found = _linked(run, "cosine", IMAGES)
    table = run.tables[IMAGES]
    values = recalls(table.standings["all"], [Cell("full", 1)])[:, 0]
    first = {patient: 1 - np.prod(1 - values[table.patient == patient]) for patient in set(table.patient)}
    assert (found.patients, found.queries) == (60, 120)
    assert found.linked == pytest.approx(sum(first.values()))
    assert found.linked / 60 < found.at_most < 1


def test_a_run_without_what_the_headline_speaks_of_is_refused():
    run = measured()
    with pytest.raises(InputError, match="risk_pool full"):
        _linked(run, "cosine", "report-to-image")


def test_the_strongest_is_named_and_the_largest_limit_holds():
    weak, strong = linked(0.02, name="weak"), linked(0.12, name="strong")
    told = finding(SCENARIO, [weak, strong], True)
    assert (told.strongest, told.linked, told.at_most) == ("strong", pytest.approx(60), strong.at_most)
    assert told.attackers == ("weak", "strong")


def test_the_sentence_says_who_holds_what_and_what_is_found():
    told = finding(SCENARIO, [linked(share) for share in (0.02, 0.12)], True)
    begins = (
        f"With {told.candidates} reports in hand, the strongest of the 2 attackers tried ranks the right "
        "report first for 60 of these 500 patients (12.0 %; he does not know for which); in patients like "
        "these, at most "
    )
    assert told.sentence.startswith(begins)
    assert told.unsaid == "It does not say. Nor this."


def test_several_queries_of_a_patient_are_said():
    told = finding(SCENARIO, [linked(3 / 40, patients=40, queries=80)], True)
    assert "first for some image of 3 of these 40 patients" in told.sentence
    assert "the attacker tried ranks" in told.sentence


def test_where_nobody_lies_above_chance_no_linkage_was_found():
    quiet = linked(0, on_chance=True)
    told = finding(SCENARIO, [quiet, quiet], False)
    assert told.null
    assert told.sentence.startswith("No linkage found. With ")
    assert "in studies like these, at most 0.7" in told.sentence


def test_a_plan_that_is_no_scenario_has_no_headline(tmp_path):
    (tmp_path / "source.txt").write_text("a")
    assert conclude(plan(tmp_path)) is None
