"""Verdicts on planted runs: what passes, what fails, and what cannot be answered."""

import datetime

import msgspec
import numpy as np
import pytest

from policies.planted_runs import IMAGES, measured, policy, rule, run
from relinkage.linkage.measures import Cell, chance
from relinkage.linkage.settings import Resampling
from relinkage.linkage.strongest import at_most
from relinkage.policies import Attacked, Context, judge
from relinkage.policies.judging import Reference

TODAY = datetime.date(2030, 1, 1)
FEW = "fewest_patients = 20\nsmallest_group = 10"


def verdicts(rules, *runs, head=FEW, **further):
    return judge(policy(rules, head), runs, name="run", today=TODAY, **further).verdicts


def coin(rate, patients, seed):
    return np.random.default_rng(seed).random(patients) < rate


def test_a_figure_is_held_against_the_largest_upper_limit_of_all_attackers():
    runs = [run(coin(rate, 400, seed), f"attacker {seed}") for seed, rate in enumerate((0.02, 0.06, 0.04))]
    (verdict,) = verdicts(rule("recall", 0.1), *runs)
    tables = [each.tables[IMAGES] for each in runs]
    how = Resampling(interval=0.95, replicates=200, seed=0)
    assert verdict.at_most == pytest.approx(at_most(tables, Cell("full", 1), how))
    assert (verdict.attacker, verdict.verdict) == ("attacker 1", "pass")


@pytest.mark.parametrize(
    ("hits", "outcome"), [(0, "pass"), (20, "pass"), (48, "too few to tell"), (80, "fail")]
)
def test_the_limit_holds_for_the_upper_limit_and_the_figure_tells_how_it_is_missed(hits, outcome):
    (verdict,) = verdicts(rule("recall", 0.05), run(np.arange(1000) < hits))
    assert verdict.verdict == outcome
    assert ("would show it" in verdict.detail) == (outcome == "too few to tell")


def test_lift_is_recall_and_its_limit_as_multiples_of_chance():
    runs = run(coin(0.02, 1000, 0))
    share, times = (
        verdicts(rule(name, 50 if name == "lift" else 0.5), runs)[0] for name in ("recall", "lift")
    )
    assert times.figure == pytest.approx(1000 * share.figure)
    assert times.at_most == pytest.approx(1000 * share.at_most)
    assert (times.relative, share.relative) == (True, False)


def test_linkage_in_the_own_stratum_is_counted_above_its_chance():
    found = measured(hard_negatives=("labels",))
    (verdict,) = verdicts(rule("own-stratum", 0.9), found)
    row = next(row for row in found.audit.closed_set if row.negatives == "labels" and row.full)
    expected = chance(found.tables[IMAGES].standings["labels"], Cell("full", 1))
    assert verdict.figure == pytest.approx(row.recall - expected)
    assert verdict.at_most <= row.high - expected + 1e-12  # one-sided


def test_patients_above_a_threshold_are_counted_by_patient():
    first = np.array([True, False] * 10 + [False] * 80)
    found = run(first, patient=np.repeat(np.arange(50), 2))
    (verdict,) = verdicts(rule("patients-above", 0.5, threshold=0.4), found)
    assert verdict.figure == pytest.approx(10 / 50)
    assert verdict.patients == 50


def test_at_least_one_query_of_a_patient_is_linked_more_often_than_the_most_exposed():
    found = run(np.zeros(200, bool), patient=np.repeat(np.arange(50), 4), gallery=200)
    most, one = (
        verdicts(rule("patients-above", 0.9, threshold=0.6, pool=100, risk=risk), found)[0]
        for risk in ("most-exposed", "at-least-one")
    )
    assert (most.figure, one.figure) == (0, 1)  # 1 − 99/199 = 0.502 each, 1 − 0.498⁴ = 0.94 of four


class TestGroups:
    def test_the_worst_group_decides(self):
        found = measured()
        (verdict,) = verdicts(rule("worst-group", 0.9), found)
        strata = found.audit.risk[0].strata
        assert verdict.at_most == max(row.high for row in strata)
        assert any(f"{row.column} {row.value}" in verdict.detail for row in strata)

    def test_columns_can_be_named(self):
        (verdict,) = verdicts(rule("worst-group", 0.9) + 'columns = ["sex"]', measured())
        assert verdict.detail.startswith("sex ")

    def test_small_decades_are_pooled_and_other_small_groups_are_too_small_to_tell(self):
        (verdict,) = verdicts(
            rule("worst-group", 0.9), measured(), head="fewest_patients = 20\nsmallest_group = 40"
        )
        assert verdict.verdict == "pass"
        assert verdict.detail.startswith("age 30-39 and age 40-49 and age 50-59") or "age" in verdict.detail
        assert "too small to tell (fewer than 40 patients): " in verdict.detail
        assert "sex F" in verdict.detail

    def test_a_group_that_would_fail_without_a_hit_is_not_judged(self):
        """Thirty patients of whom none is linked have an upper limit of about 10 %."""
        (verdict,) = verdicts(rule("worst-group", 0.05), measured())
        assert verdict.verdict == "cannot answer"
        assert "every group is too small to tell" in verdict.detail


class TestUnanswered:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (rule("recall", 0.1, pool=10_000), "no query of the run has pools of 10,000"),
            (rule("own-stratum", 0.1), "audit with --hard-negatives labels"),
            (rule("tpir", 0.1, false_claims=0.01), "audit with --open-set 0.01"),
            (rule("worst-group", 0.3, pool=10), "audit with --risk-pool 10"),
            (rule("memorisation", 0.1), "measured no memorisation"),
            (rule("recall", 0.1, direction="report-to-image"), "audit with --direction both"),
        ],
    )
    def test_what_a_run_does_not_have_is_named(self, text, says):
        (verdict,) = verdicts(text, measured())
        assert verdict.verdict == "cannot answer"
        assert says in verdict.detail

    def test_a_run_that_does_not_know_its_patients_answers_nothing_unless_the_policy_says_so(self):
        found = run(np.zeros(1000, bool), patients_known=False)
        assert verdicts(rule("recall", 0.1), found)[0].verdict == "cannot answer"
        assert verdicts(rule("recall", 0.1), found, head="patients_known = false")[0].verdict == "pass"

    def test_ten_patients_never_pass(self):
        many = np.repeat(np.arange(10), 500)
        for found in (run(np.zeros(10, bool)), run(np.zeros(5000, bool), patient=many)):
            for name in ("recall", "patients-above"):
                (verdict,) = verdicts(rule(name, 0.99), found)
                assert verdict.verdict == "cannot answer"
            assert verdicts(rule("lift", 1e6), found)[0].verdict == "cannot answer"

    def test_one_attacker_that_cannot_answer_is_enough(self):
        good = measured(hard_negatives=("labels",))
        other = Attacked("other", measured().audit, measured().tables)
        assert verdicts(rule("own-stratum", 0.99), good, other)[0].verdict == "cannot answer"


def test_a_run_without_linkage_tables_is_judged_by_its_rows_and_no_less_strictly():
    found = measured()
    bare = Attacked("cosine", found.audit, {})
    for text in (rule("recall", 0.9), rule("recall", 0.9, pool=10), rule("patients-above", 0.9)):
        exact, rows = verdicts(text, found)[0], verdicts(text, bare)[0]
        assert rows.figure == pytest.approx(exact.figure)
        assert rows.at_most >= exact.at_most - 1e-9
    assert "--pool 7" in verdicts(rule("recall", 0.9, pool=7), bare)[0].detail
    narrow = msgspec.structs.replace(found.audit.settings, interval=0.8)
    bare = Attacked("cosine", msgspec.structs.replace(found.audit, settings=narrow), {})
    assert "too narrow" in verdicts(rule("recall", 0.9), bare)[0].detail


def test_controls_fail_where_a_scorer_without_knowledge_finds_something():
    found = measured()
    assert verdicts('[[rule]]\nfigure = "controls"', found)[0].verdict == "pass"
    rows = (msgspec.structs.replace(found.audit.controls[0], on_chance=False), *found.audit.controls[1:])
    off = Attacked("cosine", msgspec.structs.replace(found.audit, controls=rows), found.tables)
    (verdict,) = verdicts('[[rule]]\nfigure = "controls"', off)
    assert verdict.verdict == "fail"
    assert verdict.detail.startswith("1 of ")


class TestContext:
    HEAD = 'context = ["owner", "expires"]'

    def judged(self, context):
        return verdicts(rule("recall", 0.5), run(np.zeros(500, bool)), head=self.HEAD, context=context)[1:]

    def test_what_is_asked_for_and_not_stated_cannot_be_answered(self):
        (verdict,) = self.judged(None)
        assert (verdict.verdict, verdict.detail.split(";")[0]) == (
            "cannot answer",
            "not provided: owner, expires",
        )
        (verdict,) = self.judged(Context(owner="  ", expires=TODAY))
        assert "not provided: owner;" in verdict.detail

    def test_an_expired_one_fails_from_the_day_after(self):
        assert [v.verdict for v in self.judged(Context(owner="the board", expires=TODAY))] == ["pass"]
        stale = Context(owner="the board", expires=TODAY - datetime.timedelta(days=1))
        assert [v.verdict for v in self.judged(stale)] == ["pass", "fail"]


class TestAgainst:
    def held(self, new, old, at_most=0.5, margin=0.2, name="recall"):
        reference = Reference("old", [old] if isinstance(old, Attacked) else old, margin)
        return verdicts(rule(name, at_most), new, reference=reference)[1]

    def test_the_same_release_does_not_exceed_itself(self):
        found = run(coin(0.1, 500, 0))
        verdict = self.held(found, found)
        assert (verdict.figure, verdict.at_most, verdict.limit) == (0, 0, 0.1)
        assert "in pairs" in verdict.detail

    def test_pairs_are_found_whatever_their_order_and_narrow_the_difference(self):
        first, order = coin(0.2, 500, 0), np.random.default_rng(1).permutation(500)
        more = first | coin(0.05, 500, 2)
        key = [f"p{row}" for row in order]
        paired = self.held(run(more), run(first[order], key=key))
        apart = self.held(run(more), run(first, key=[f"q{row}" for row in range(500)]))
        assert paired.figure == pytest.approx(apart.figure) == pytest.approx(more.mean() - first.mean())
        assert paired.figure < paired.at_most < apart.at_most
        assert "other patients" in apart.detail

    def test_a_small_cohort_does_not_pass_by_being_small(self):
        new, old = run(coin(0.05, 100, 0)), run(coin(0.05, 5000, 1))
        assert self.held(new, old, at_most=0.3).verdict == "too few to tell"

    def test_the_strongest_of_the_reference_counts_and_its_choice_is_paid_for(self):
        first = coin(0.1, 2000, 0)
        weak, strong = run(coin(0.01, 2000, 1), "weak"), run(first, "strong")
        alone, among = (
            self.held(run(first), strong),
            self.held(run(first | coin(0.01, 2000, 3)), [weak, strong]),
        )
        assert alone.at_most == 0
        assert 0 <= among.figure < 0.02
        only = self.held(run(first | coin(0.01, 2000, 3)), strong)
        assert only.at_most <= among.at_most < 0.03

    def test_lift_is_compared_in_its_own_unit(self):
        first = coin(0.1, 500, 0)
        more = first | coin(0.05, 500, 2)
        share = self.held(run(more), run(first))
        times = self.held(run(more), run(first), at_most=100, name="lift")
        assert times.figure == pytest.approx(500 * share.figure)
        assert times.at_most == pytest.approx(500 * share.at_most)

    def test_a_reference_without_the_figure_is_named(self):
        verdict = self.held(run(coin(0.1, 500, 0)), run(np.zeros(10, bool)))
        assert verdict.verdict == "cannot answer"
        assert verdict.detail.startswith("of the reference: it rests on 10 patients")


@pytest.mark.slow
class TestBySimulation:
    """A limit of 5 % on 5,000 patients with one query each."""

    COHORTS = 200

    def share_that_passes(self, rate, text, patients=5000):
        passed = [
            verdicts(text, run(coin(rate, patients, seed)))[0].verdict == "pass"
            for seed in range(self.COHORTS)
        ]
        return np.mean(passed)

    @pytest.mark.parametrize(
        "text",
        [
            rule("recall", 0.05),
            rule("lift", 250),  # of a chance of 1 in 5,000
            rule("patients-above", 0.05, threshold=0.5),
        ],
    )
    def test_a_release_at_0_8_of_its_limit_passes_in_95_of_100_cohorts_and_one_at_1_2_fails(self, text):
        assert self.share_that_passes(0.04, text) >= 0.95
        assert self.share_that_passes(0.06, text) <= 0.05

    def test_one_at_its_limit_passes_in_one_of_twenty(self):
        assert self.share_that_passes(0.05, rule("recall", 0.05)) <= 0.05 + 2 * np.sqrt(
            0.05 * 0.95 / self.COHORTS
        )

    def test_a_rising_chain_of_releases_fails_before_the_sum_exceeds_the_margin(self):
        """Each release adds 0.08 of the limit; after the third the margin of 0.2 is exceeded."""
        passed = np.zeros(5)
        for seed in range(self.COHORTS):
            rng = np.random.default_rng(seed)
            order = rng.permutation(5000)  # the truth rises with the patients that are drawn
            released = [order < 5000 * 0.02 + rng.binomial(5000, 0.004 * step) for step in range(5)]
            reference = Reference("first", [run(released[0])], 0.2)
            for step, first in enumerate(released):
                (_, verdict) = verdicts(rule("recall", 0.05), run(first), reference=reference)
                passed[step] += verdict.verdict == "pass"
        assert passed[0] == self.COHORTS
        assert passed[1] > 0.8 * self.COHORTS
        assert (passed[3:] <= 0.05 * self.COHORTS).all()
