"""Verdicts for programs: XML that parses, and workflow commands that nothing can forge."""

import datetime
from xml.etree import ElementTree

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from policies.planted_runs import policy, rule, run
from relinkage.policies import judge
from relinkage.policies.junit import annotations, junit

RULES = rule("recall", 0.5) + rule("recall", 0.01) + rule("memorisation", 0.1)


def result(name="run"):
    found = run(np.arange(1000) < 30)
    return judge(policy(RULES), [found], name=name, today=datetime.date(2030, 1, 1))


def test_a_rule_is_a_case_a_failure_is_a_failure_and_what_is_not_known_an_error():
    suite = ElementTree.fromstring(junit(result()))[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "3", "failures": "1", "errors": "1",
    }  # fmt: skip
    assert [[part.tag for part in case] for case in suite] == [[], ["failure"], ["error"]]
    assert "3 %, at most" in suite[1][0].get("message")


def test_each_rule_that_is_not_passed_is_an_annotation():
    lines = annotations(result())
    assert [line.split("::")[1].split(" ")[0] for line in lines] == ["error", "error"]
    passed = msgspec.structs.replace(result(), verdicts=result().verdicts[:1])
    assert annotations(passed)[0].startswith("::notice ")


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_hostile_name_stays_text(name):
    hostile = result(name)
    case = ElementTree.fromstring(junit(hostile))[0][0]
    assert case.get("classname").startswith("relinkage.")
    passed = msgspec.structs.replace(hostile, verdicts=hostile.verdicts[:1])
    (line,) = annotations(passed)
    assert not {"\n", "\r"} & set(line)
