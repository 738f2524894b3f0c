"""The method: what was done, from the settings of the audit, and nothing that was not done."""

import pytest
from synthetic_audit import changed, synthetic_audit

from relinkage.linkage.result import AttackerUsed
from relinkage.linkage.rows import LevelRow
from relinkage.pages import render_card, render_page
from relinkage.pages.sections import method_steps, settings_table


def told(*audits):
    return {step.name: step.texts for step in method_steps(audits)}


@pytest.fixture(scope="module")
def complete():
    return synthetic_audit(queries=5_000, patients=2_000, complete=True)


def words(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_complete_audit_tells_all_of_it(complete):
    steps = {name: words(" ".join(texts)) for name, texts in told(complete).items()}
    assert list(steps) == [
        *("Score", "Ranks", "Pools", "Distractors", "Chance", "Intervals", "Verdict", "Hits"),
        *("Open set", "Entropy", "Controls", "Text", "To repeat it"),
    ]
    for name, said in {
        "Ranks": "engine: cpu",
        "Pools": "no pool is sampled",
        "Intervals": "At 95 %, 2,000 bootstrap draws of patients",
        "Open set": "each sets thresholds on cosine and margin for FPIR 0.3 %, 1 % and 10 %",
        "Entropy": "temperature 0.07",
        "Controls": "scrambled mates and random scorer",
        "Text": "a budget of 64 tokens (words and punctuation marks); 21.0 % of the reports were cut there",
        "To repeat it": "Seed 0, relinkage 0.1.0",
    }.items():
        assert said in steps[name]
    assert "The gallery is held fixed" in steps["Intervals"]


def test_what_was_not_done_is_not_told():
    steps = told(synthetic_audit(queries=300, patients=None, kind="arrays"))
    assert not {"Hits", "Open set", "Entropy", "Hard negatives", "Text"} & set(steps)
    assert "studies (patients are not known)" in steps["Intervals"][0]


def test_hard_negatives_name_columns_and_the_policy_for_uncertain_labels():
    audit = synthetic_audit(queries=300, patients=200)
    level = LevelRow(
        negatives="labels+view", columns=("Edema", "view"), uncertain="absent", strata=3, largest=100,
        median_stratum_of_a_query=90.0, alone=0.0,
    )  # fmt: skip
    audit = changed(
        audit, strata=(level,), settings__hard_negatives=("labels", "view"), settings__uncertain="absent"
    )
    (said,) = next(step.texts for step in method_steps([audit]) if step.name == "Hard negatives")
    assert "share the query's value in labels and view." in said
    assert "Uncertain labels: count as not mentioned." in said


@pytest.mark.parametrize(
    ("choices", "known", "expected"),
    [
        ({}, True, ["Blanks: a query without a value searches all values", "They are of other patients"]),
        ({"missing": "own"}, True, ["Blanks: a value of their own"]),
        ({"missing": "exclude"}, True, ["Blanks: a study with one is left out"]),
        ({"hard_negatives_of": "all"}, True, ["The patient's other studies are among them."]),
        ({}, False, ["Patients are not known, so some may be of the query's own patient."]),
    ],
)
def test_hard_negatives_say_what_a_blank_means_and_whose_they_are(choices, known, expected):
    level = LevelRow(
        negatives="view", columns=("view",), uncertain="own", strata=3, largest=100,
        median_stratum_of_a_query=90.0, alone=0.0,
    )  # fmt: skip
    settings = {f"settings__{name}": value for name, value in choices.items()}
    audit = changed(
        synthetic_audit(queries=300, patients=200 if known else None), strata=(level,),
        settings__hard_negatives=("view",), **settings,
    )  # fmt: skip
    (said,) = next(step.texts for step in method_steps([audit]) if step.name == "Hard negatives")
    for words_of_it in expected:
        assert words_of_it in said


def test_an_attacker_is_named_with_what_it_learned_from():
    audit = synthetic_audit(queries=300, patients=200)
    assert "vectors as given" in told(audit)["Score"][0]
    attacker = AttackerUsed(
        name="procrustes", on="features", auxiliary_pairs=1000, auxiliary_patients=812,
        auxiliary_split="train", asked_for=1000, seed=0, settings={},
    )  # fmt: skip
    audit = changed(audit, attacker=attacker)
    (said,) = told(audit)["Score"]
    assert "that the attacker procrustes makes of the features" in said
    assert "learned from 1,000 pairs of 812 other patients" in words(said)
    assert "Plain cosine is the simplest" not in render_page([audit])
    card = render_card([audit])
    assert "They score by procrustes, having learned from 1,000 pairs of 812 other patients." in card
    assert "Cosine is the simplest" not in card


def test_other_patients_is_told():
    audit = synthetic_audit(queries=300, patients=200)
    audit = changed(audit, settings__distractors="other-patients")
    assert "are left out of the pool" in told(audit)["Distractors"][0]


def test_several_audits_tell_once_what_they_share_and_apart_what_they_do_not(complete):
    other = synthetic_audit("other\nname", queries=300, patients=200)
    other = changed(other, settings__seed=7)
    steps = told(complete, other)
    assert len(steps["Score"]) == len(steps["Chance"]) == 1
    assert steps["To repeat it"][0].startswith("report-level encoder: Seed 0")
    assert steps["To repeat it"][1].startswith("other name: Seed 7")
    assert steps["Open set"][1] == "other name: not done."


def test_the_section_stands_at_the_end_with_all_settings_folded(complete):
    page = render_page([complete])
    marks = ("<h2>Controls</h2>", "<h2>Method</h2>", "All settings and versions")
    assert sorted(marks, key=page.index) == list(marks)
    for name, values in settings_table([complete]):
        assert f'<tr><th scope="row">{name}</th><td>{values[0]}</td>' in page
