"""The headline of a scenario: its counts by hand, and its words."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from plans.toy_verbs import plan
from policies.planted_runs import IMAGES, run
from relinkage.linkage.uncertainty import clopper_pearson
from relinkage.plans.finding import _linked, conclude, finding
from relinkage.plans.result import Scenario

SCENARIO = Scenario(
    leaves="images", holds="reports", headline=("attack",), unsaid="It does\nnot say.  Nor this."
)


def linked(first, name="cosine", **changes):
    return _linked(run(first, name, **changes), name, IMAGES)


def test_a_patient_is_linked_where_some_query_is():
    first = np.zeros(80, bool)
    first[[0, 1, 2, 40]] = True  # both queries of the first patient, one of two others
    found = linked(first, patient=np.repeat(np.arange(40), 2))
    assert (found.linked, found.patients, found.queries) == (3, 40, 80)
    assert found.at_most == pytest.approx(clopper_pearson(3 / 40, 39, 40, 0.9)[1])


def test_the_strongest_is_named_and_the_largest_limit_holds():
    weak, strong = linked(np.arange(500) < 10, "weak"), linked(np.arange(500) < 60, "strong")
    told = finding(SCENARIO, [weak, strong], True)
    assert (told.strongest, told.linked, told.at_most) == ("strong", 60, strong.at_most)
    assert told.attackers == ("weak", "strong")


def test_the_sentence_says_who_holds_what_and_what_is_found():
    told = finding(SCENARIO, [linked(np.arange(500) < n) for n in (10, 60)], True)
    begins = (
        f"With {told.candidates} reports in hand, the strongest of the 2 attackers tried ranks the right "
        "report first for 60 of these 500 patients (12.0 %; he does not know for which); in patients like "
        "these, at most "
    )
    assert told.sentence.startswith(begins)
    assert told.unsaid == "It does not say. Nor this."


def test_several_queries_of_a_patient_are_said():
    first = np.arange(80) < 6
    told = finding(SCENARIO, [linked(first, patient=np.repeat(np.arange(40), 2))], True)
    assert "first for some image of 3 of these 40 patients" in told.sentence
    assert "the attacker tried ranks" in told.sentence


def test_where_nobody_lies_above_chance_no_linkage_was_found():
    nothing = linked(np.zeros(500, bool))
    quiet = replace(nothing, row=msgspec.structs.replace(nothing.row, on_chance=True))
    told = finding(SCENARIO, [quiet, quiet], False)
    assert told.null
    assert told.sentence.startswith("No linkage found. With ")
    assert "in studies like these, at most 0.6" in told.sentence


def test_a_plan_that_is_no_scenario_has_no_headline(tmp_path):
    (tmp_path / "source.txt").write_text("a")
    assert conclude(plan(tmp_path)) is None
