"""Policies from files and by name: what comes along is valid, and five mistakes are five sentences."""

import pytest

from relinkage.errors import InputError, SeveralFaultsError
from relinkage.linkage.risk import THRESHOLD
from relinkage.linkage.uncertainty import clopper_pearson
from relinkage.policies import read_policy
from relinkage.policies.audit_rows import fewest_that_can_pass
from relinkage.policies.reading import PUBLISHED, policy_of, policy_text
from relinkage.policies.rules import RULES, Controls, PatientsAbove, WorstGroup
from relinkage.toml_files import TomlFile

BAD = """name = ""
fewest_patient = 100

[[rule]]
figure = "recal"

[[rule]]
figure = "recall"
at_most = 1.5
pool = "all"
"""


def test_five_mistakes_are_five_sentences_with_their_lines():
    with pytest.raises(SeveralFaultsError) as told:
        policy_of(TomlFile(BAD, "mine.toml"))
    starts = [fault.split(";")[0] for fault in told.value.faults]
    assert starts == [
        "mine.toml, line 1: name  is not a valid name",
        "mine.toml, line 2: fewest_patient is not a valid key",
        "mine.toml, line 5: recal is not a valid figure",
        "mine.toml, line 9: at_most 1.5 is not a valid limit",
        "mine.toml, line 10: pool all is not a valid pool size",
    ]
    assert "did you mean fewest_patients?" in told.value.faults[1]
    assert "did you mean recall?" in told.value.faults[2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"', "the policy has no rules"),
        ('name = "x"\nrule = 3', "the policy has no rules"),
        ('name = "x"\nrule = [3]', "a rule is not a table"),
        ('name = "x"\n[[rule]]\nat_most = 0.1', "figure is missing; give recall, lift"),
        ('name = "x"\n[[rule]]\nfigure = "recall"', "at_most is missing; give a number above 0 and below 1"),
        ('name = "x"\n[[rule]]\nfigure = ["recall"]', "is not a valid figure"),
        (
            'name = "x"\ncontext = ["owner", "moon"]\n[[rule]]\nfigure = "controls"',
            "line 2: context owner,moon",
        ),
    ],
)
def test_what_is_wrong_is_said(text, says):
    with pytest.raises(InputError, match=says):
        policy_of(TomlFile(text, "mine.toml"))


def test_a_name_that_nobody_knows_is_refused():
    with pytest.raises(InputError, match="did you mean hospital, or name a TOML file"):
        read_policy("hospitl")


@pytest.mark.parametrize("name", PUBLISHED)
class TestPublished:
    def test_every_rule_has_its_reasoning_and_a_limit_that_a_good_release_can_keep(self, name):
        policy = read_policy(name)
        assert policy.head.name == name
        assert all(rule.why for rule in policy.rules)
        for rule in policy.rules:
            if isinstance(rule, Controls):
                continue
            # At 0.8 of its limit a share of 5,000 patients passes in 95 % of cohorts (see the files).
            share = rule.at_most / 100 if rule.unit == "times chance" else rule.at_most
            assert 0.2 * share >= (1.645 + 1.96) * (0.8 * share * (1 - 0.8 * share) / 5000) ** 0.5

    def test_a_cohort_as_small_as_it_may_be_passes_where_nobody_is_linked(self, name):
        policy = read_policy(name)
        fewest = policy.head.fewest_patients
        for rule in policy.rules:
            if isinstance(rule, WorstGroup):
                smallest = policy.head.smallest_group
                assert fewest_that_can_pass(rule.at_most, smallest) == smallest
            elif not isinstance(rule, Controls) and rule.unit == "share":
                assert clopper_pearson(0, fewest, fewest, 0.9)[1] < rule.at_most

    def test_it_asks_for_no_file_with_a_row_per_query(self, name):
        """Rows of an audit hold the share of patients above one threshold."""
        for rule in read_policy(name).rules:
            if isinstance(rule, PatientsAbove):
                assert rule.threshold == THRESHOLD

    def test_its_file_says_why(self, name):
        assert policy_text(name).count("#") > 5


def test_the_smallest_group_that_can_pass_is_the_first_one():
    for limit in (0.01, 0.1, 0.5):
        size = fewest_that_can_pass(limit, 10)
        assert clopper_pearson(0, size, size, 0.9)[1] <= limit
    assert fewest_that_can_pass(0.99, 10) == 10


def test_every_kind_of_rule_is_named_by_its_tag():
    assert {kind.__struct_config__.tag: kind for kind in RULES.values()} == RULES
