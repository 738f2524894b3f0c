"""The headline says what the rows say, and no more."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_audit import changed, synthetic_audit

from encoders.trained.sketched import HARDENED
from relinkage.linkage.result import AuditedHeads
from relinkage.pages import headline
from relinkage.pages.headlines import strongest


def words(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def audit_with(recall, *, pool=10_000, half_width=None, **changes):
    """An audit whose headline row has the recall asked for."""
    audit = synthetic_audit(ks=(1,))
    row = next(row for row in audit.closed_set if row.pool == 10_000)
    half = recall / 10 if half_width is None else half_width
    low, high = max(recall - half, 0.0), min(recall + half, 1.0)
    row = changed(
        row, full=False, pool=pool, chance=1 / pool, recall=recall, lift=recall * pool, low=low, high=high
    )
    row = changed(row, on_chance=low <= row.chance <= high)
    if "patients" in changes:
        row = changed(row, patients=changes["patients"] or row.queries)
        audit = changed(audit, patients_known=changes["patients"] is not None)
    return changed(audit, closed_set=(row,))


def test_the_sentence_of_the_paper():
    found = headline(audit_with(0.005))
    assert words(found.sentence) == (
        "An attacker holding 10,000 reports finds the right one for 1 image in 200: 50 times chance."
    )
    assert words(found.detail) == (
        "Recall@1 is 0.50 % (95 % interval for other patients like them 0.45 to 0.55 %), chance is 0.01 %, "
        "over 43,793 images of 9,000 patients. It is the exact average over all pools of 10,000 reports."
    )
    assert found.outcome == "above"
    assert found.verdict == "Above chance: 50 times at 10,000\N{NO-BREAK SPACE}reports"
    assert found.caveats == ()


@given(st.floats(0.0002, 1.0))
def test_what_it_says_is_within_a_tenth_of_the_recall(recall):
    sentence = words(headline(audit_with(recall)).sentence)
    said = re.search(r"for (?:(?P<hits>[\d,]+) images? in (?P<of>[\d,]+)|every image)", sentence)
    share = int(said["hits"].replace(",", "")) / int(said["of"].replace(",", "")) if said["hits"] else 1.0
    assert share == pytest.approx(recall, rel=0.1)
    lift = float(re.search(r"([\d,.]+) times chance", sentence)[1].replace(",", ""))
    assert lift == pytest.approx(recall * 10_000, rel=0.1)


def test_too_few_hits_are_neither_a_finding_nor_an_all_clear():
    found = headline(audit_with(0.0012, pool=1000, half_width=0.0009))
    assert found.outcome == "unclear"
    assert words(found.sentence) == (
        "An attacker holding 1,000 reports finds the right one for 1 image in 830: too few hits to tell from "
        "chance, which is 1 image in 1,000."
    )
    assert words(found.caveats[0]) == "The interval still allows 1 image in 480: 2.1 times chance."
    needed = re.search(r"about (.*) like these would do", words(found.verdict))[1]
    assert words(found.caveats[1]).startswith(f"About {needed} like these would tell in four audits of five")


def test_green_says_at_most():
    found = headline(audit_with(0.0012, pool=1000, half_width=0.00055))
    assert found.outcome == "none"
    assert words(found.sentence) == (
        "An attacker holding 1,000 reports finds the right one at most 1.75 times as often as chance (95 % "
        "limit); chance alone does for 1 image in 1,000."
    )
    assert (
        words(found.verdict) == "No linkage found in pools of up to 1,000: at most 1.75 times chance at 95 %"
    )
    stricter = changed(audit_with(0.0012, pool=1000, half_width=0.00055), settings__negligible_lift=1.5)
    assert headline(stricter).outcome == "unclear"


def test_no_hit_at_all_still_names_what_the_interval_allows():
    found = headline(audit_with(0.0, half_width=0.0004))
    assert "for none of the 43,793 images: too few hits to tell from chance" in words(found.sentence)
    assert words(found.caveats[0]) == "The interval still allows 1 image in 2,500: 4 times chance."


def rows_at(recalls, **changes):
    """An audit with a row at each pool: recall, low, high as multiples of chance."""
    audit = synthetic_audit(ks=(1,))
    row = audit.closed_set[0]
    made = []
    for pool, (value, low, high) in recalls.items():
        chance = 1 / pool
        made.append(
            changed(
                row,
                full=pool == max(recalls),
                pool=pool,
                chance=chance,
                recall=value * chance,
                lift=value,
                low=low * chance,
                high=high * chance,
                on_chance=low <= 1 <= high,
                **changes,
            )
        )
    return changed(audit, closed_set=tuple(made))


def test_a_small_pool_above_chance_is_named_where_the_largest_cannot_tell():
    found = headline(rows_at({100: (2.41, 1.89, 2.98), 1_282: (2.3, 0.1, 6.0)}))
    assert found.outcome == "above"
    assert words(found.verdict) == "Above chance: 2.41 times at 100 reports; too few hits to tell at 1,282"
    assert "holding 100 reports finds the right one for 1 image in 41: 2.41 times chance" in words(
        found.sentence
    )


def test_the_largest_pool_may_be_clear_where_a_small_one_is_above():
    found = headline(rows_at({100: (2.4, 1.9, 3.0), 1_000: (1.0, 0.8, 1.25)}))
    assert words(found.verdict).endswith("at 100 reports; at most 1.3 times chance at 1,000")


def test_what_small_pools_rule_out_is_said_where_the_largest_cannot_tell():
    found = headline(rows_at({100: (1.0, 0.8, 1.3), 1_000: (1.0, 0.1, 4.0)}))
    assert found.outcome == "unclear"
    assert words(found.caveats[-1]) == "It is at most 1.3 times chance at 100 reports."


def test_a_row_of_the_other_direction_is_enough():
    audit = rows_at({100: (1.0, 0.8, 1.3)})
    other = rows_at({100: (3.0, 2.0, 4.0)}, direction="report-to-image").closed_set
    found = headline(changed(audit, closed_set=(*audit.closed_set, *other)))
    assert words(found.verdict) == "Above chance: 3 times at 100 images"


def test_a_row_of_the_own_stratum_has_no_pool_size():
    audit = rows_at({100: (1.0, 0.8, 1.3)})
    other = rows_at({53: (2.4, 2.0, 3.0)}, negatives="labels").closed_set
    found = headline(changed(audit, closed_set=(*audit.closed_set, *other)))
    assert words(found.verdict) == "Above chance: 2.4 times at reports that share labels (up to 53)"
    assert "53 reports" not in words(found.sentence + found.detail + found.verdict)


def test_the_count_at_hand_stands_beside_the_interval():
    audit = rows_at({1_282: (39.0, 30.0, 50.0)}, queries=1_641)
    row = audit.closed_set[0]
    audit = changed(audit, closed_set=(changed(row, recall=50 / 1_641),))
    assert (
        "The right one ranked first for 50 of these 1,641 images; the attacker does not know which."
        in words(headline(audit).detail)
    )
    assert "ranked first for" not in headline(audit_with(0.005)).detail


def test_synthetic_patients_are_named_under_the_headline():
    audit = audit_with(0.005)
    assert not any("synthetic" in caveat for caveat in headline(audit).caveats)
    cohort = changed(audit.inputs.cohort, synthetic=True)
    found = headline(changed(audit, inputs__cohort=cohort))
    assert found.caveats[0].startswith("These patients are synthetic")


def test_near_certain_linkage():
    assert "for 19 images in 20: 95 times chance" in words(headline(audit_with(0.95, pool=100)).sentence)
    assert "for every image: 100 times chance" in words(headline(audit_with(1.0, pool=100)).sentence)


def test_below_chance_points_at_mixed_up_pairs():
    found = headline(audit_with(0.002, pool=100, half_width=0.001))
    assert found.outcome == "below"
    assert words(found.sentence).endswith(
        "for 1 image in 500: less often than chance, which is 1 image in 100."
    )
    assert "mixed up" in found.caveats[0]


def test_a_hair_above_chance_is_not_one_times_chance():
    sentence = headline(audit_with(0.01004, pool=100, half_width=0.00001)).sentence
    assert sentence.endswith("just above chance.")


@pytest.mark.parametrize(
    ("recall", "patients", "caveat"),
    [
        (0.0001, 137, "137 patients: too few to tell a rate below 1 image in 46 from none."),
        (0.005, 7, "7 patients: too few to say anything about others."),
        (0.005, None, "Patients are not known"),
    ],
)
def test_small_or_unknown_cohorts_are_named(recall, patients, caveat):
    assert words(headline(audit_with(recall, patients=patients)).caveats[-1]).startswith(caveat)


def test_green_in_small_pools_says_that_larger_ones_were_not_asked_for():
    small = changed(audit_with(0.0012, pool=1000, half_width=0.00055), candidates=40_000)
    assert any(
        "larger pools, up to all 40,000: they were not asked for" in text for text in headline(small).caveats
    )


def test_the_other_direction_asks_about_reports():
    audit = synthetic_audit(directions=("report-to-image",))
    assert words(headline(audit).sentence).startswith(
        "An attacker holding 10,000 images finds the right one for 1 report"
    )


@pytest.mark.parametrize(
    ("queries", "pools", "expected"),
    [
        (43_793, (100, 1000, 10_000), "10,000 reports"),
        (3_955, (100, 1000), "all 3,955 reports"),
        (240, (100,), "all 240 reports"),
        (43_793, (20_000,), "20,000 reports"),
    ],
)
def test_it_speaks_of_the_largest_pool_up_to_ten_thousand(queries, pools, expected):
    audit = synthetic_audit(queries=queries, pools=pools, patients=1000)
    assert words(headline(audit).sentence).startswith(f"An attacker holding {expected} ")


def test_without_k_1_it_speaks_of_guesses():
    audit = synthetic_audit(ks=(5, 10))
    assert "has the right one among 5 guesses for 1 image in" in words(headline(audit).sentence)


def test_controls_off_chance_come_first():
    audit = synthetic_audit(off_chance=True)
    assert "off chance" in headline(audit).caveats[0]


def test_left_out_queries_are_named():
    audit = audit_with(0.005)
    audit = changed(audit, closed_set=(changed(audit.closed_set[0], coverage=0.61),))
    assert "61.0 % of the queries have so large a pool" in words(headline(audit).detail)


def test_the_strongest_is_judged_at_a_pool_that_all_have():
    weak = synthetic_audit("weak", gamma=1.2, queries=43_793)
    strong = synthetic_audit("strong", gamma=1.9, queries=2_000, patients=900)
    position, found = strongest([weak, strong])
    assert position == 1
    assert found.row.pool == 1000


def test_the_first_screen_says_whom_a_statement_of_the_heads_protects():
    heads = AuditedHeads(file="heads", manifest=HARDENED)
    told = " ".join(headline(changed(audit_with(0.005), inputs__heads=heads)).caveats)
    stated = HARDENED.privacy
    assert f"{stated.kind} differential privacy (ε {stated.epsilon:.3g}" in told
    assert "It does not bound linkage of other patients" in told
    assert "differential privacy" not in " ".join(headline(audit_with(0.005)).caveats)
