"""Access, limits and the sentence under hard negatives follow from what was done."""

import pytest
from synthetic_audit import changed, synthetic_audit

from relinkage.linkage.rows import LevelRow
from relinkage.pages import render_card, render_page
from relinkage.pages.places import holding, pool_cell, pool_name
from relinkage.pages.sections.hard_negatives import hard_negatives_view


def words(text):
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def inside_strata(*columns, **choices):
    """An audit with a row of the own stratum for some columns."""
    audit = synthetic_audit(queries=2_000, patients=500, **choices)
    name = "+".join(columns)
    level = LevelRow(
        negatives=name, columns=columns, uncertain="own", strata=9, largest=53,
        median_stratum_of_a_query=20.0, alone=0.1,
    )  # fmt: skip
    row = changed(audit.closed_set[0], negatives=name, full=True, pool=53, k=1, chance=0.189)
    return changed(
        audit, strata=(level,), closed_set=(*audit.closed_set, row), settings__hard_negatives=tuple(columns)
    )


@pytest.mark.parametrize(("columns", "controlled"), [(("labels",), True), (("view",), False)])
def test_what_is_left_inside_strata_depends_on_the_columns(columns, controlled):
    audit = inside_strata(*columns)
    page, card = words(render_page([audit])), words(render_card([audit]))
    assert ("is what these do not tell" in page) == controlled
    assert ("may be a finding that many patients share" in page) != controlled
    assert ("Not why." in page) != controlled
    assert ("are needed to tell it apart" in card) != controlled
    assert "about the patient and not about the finding" not in page


def test_what_is_linked_inside_a_stratum_stands_above_its_chance():
    audit = inside_strata("labels")
    row = next(row for row in audit.closed_set if (row.negatives, row.k) == ("labels", 1))
    (sentence, *_) = hard_negatives_view(audit, "x")["above"]
    above, low, high = (100 * (share - row.chance) for share in (row.recall, row.low, row.high))
    assert f": {above:+.2f} points above it ({low:+.2f} to {high:+.2f}), over the " in sentence.replace(
        "−", "-"
    )
    assert f"of {row.patients:,} patients" in words(sentence)
    assert words(sentence) in words(render_page([audit]))


def test_the_card_says_what_the_attacker_knows():
    card = words(render_card([inside_strata("view")]))
    assert "In the rows whose distractors share view they also know these of the query" in card
    assert "They know neither labels nor metadata" in words(render_card([synthetic_audit()]))
    assert "an image whose report is in the pool. They compare" in card
    both = synthetic_audit(directions=("image-to-report", "report-to-image"))
    assert "or a report whose image is in the pool" in words(render_card([both]))


def test_the_own_stratum_is_never_called_by_its_largest_size():
    audit = inside_strata("labels")
    row = audit.closed_set[-1]
    assert words(pool_cell(row)) == "own stratum, up to 53"
    assert words(pool_name(row)) == "own stratum, up to 53 reports"
    assert words(holding(row)) == "all reports that share labels (up to 53)"
    card = words(render_card([audit]))
    assert "| own stratum, up to 53 |" in card
    assert "pool: 53" not in card
    assert 'pool: "own stratum", largest: 53' in card


@pytest.mark.parametrize("synthetic", [True, False])
def test_pages_and_cards_name_synthetic_patients(synthetic):
    audit = synthetic_audit()
    audit = changed(audit, inputs__cohort=changed(audit.inputs.cohort, synthetic=synthetic))
    for text in (render_page([audit]), render_page([audit, audit]), render_card([audit])):
        assert ("These patients are synthetic" in words(text)) == synthetic
