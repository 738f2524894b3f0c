"""Sections of a report, and which of them stand for it."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.cohorts.sections import NAMES, SectionChoice, fold, split_report
from relinkage.errors import InputError

REPORT = """WET READ: ___ ___ 12:24 AM
  No pneumothorax on the wet read.
______________________________________________________________________________
                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F at 10:45 with cough

 COMPARISON:  None.

 FINDINGS:

 The heart is normal. LUNGS: clear.
 BONES: intact.

 IMPRESSION:

 No acute process.  Findings were told
 to Dr. ___ at 3:15 PM.
"""


def test_a_report_falls_into_its_sections():
    sections = split_report(REPORT)
    assert sections["findings"] == "The heart is normal. LUNGS: clear. BONES: intact."
    assert sections["impression"] == "No acute process. Findings were told to Dr. ___ at 3:15 PM."
    assert sections["indication"] == "___F at 10:45 with cough"
    assert sections["comparison"] == "None."
    assert sections["last_paragraph"] == sections["impression"]


def test_what_stands_before_the_final_report_is_left_out():
    sections = split_report(REPORT)
    assert "wet_read" not in sections
    assert "wet read" not in sections["report"]


@pytest.mark.parametrize(
    "header",
    [
        "IMPRESSION:",
        "Impression:",
        " IMPRESSION : ",
        "IMPRESSION",
        "CONCLUSION:",
        "IMPRESSON:",
        "IMPRESSIONS:",
    ],
)
def test_headers_are_known_in_any_case_alone_or_misspelt(header):
    assert split_report(f"FINDINGS: Clear.\n{header}\n Normal chest.")["impression"] == "Normal chest."


def test_line_ends_of_windows_make_no_difference():
    assert split_report(REPORT.replace("\n", "\r\n")) == split_report(REPORT)


def test_a_header_within_a_sentence_begins_no_section():
    assert split_report("FINDINGS: No FINDINGS: here.") == {
        "findings": "No FINDINGS: here.",
        "report": "FINDINGS: No FINDINGS: here.",
        "last_paragraph": "No FINDINGS: here.",
    }


def test_a_report_with_rules_of_its_own_has_its_last_paragraph():
    text = "FINAL REPORT\n PORTABLE CHEST:  ___.\n\n HISTORY:  Tube.\n\n The tube ends well.\n ______\n\n"
    sections = split_report(text)
    assert "findings" not in sections
    assert sections["last_paragraph"] == "The tube ends well."


@pytest.mark.parametrize(
    "title",
    ["PA AND LATERAL VIEWS OF THE CHEST:", "AP CHEST:", "CHEST, TWO VIEWS:", "FRONTAL CHEST RADIOGRAPH:"],
)
def test_what_stands_below_the_views_is_the_findings_of_a_report_without_that_header(title):
    sections = split_report(f"FINAL REPORT\n HISTORY:  Cough.\n\n {title}  Clear.\n\n IMPRESSION:  Normal.\n")
    assert (sections["findings"], sections["impression"]) == ("Clear.", "Normal.")
    assert split_report(f"{title} Erect.\n FINDINGS: Clear.")["findings"] == "Clear."
    assert split_report(f"IMPRESSION: Normal.\n {title} Clear.")["impression"] == f"Normal. {title} Clear."


@pytest.mark.parametrize(
    "text", ["                FINAL REPORT\n", "FINAL REPORT\n \n ___\n", "FINAL ADDENDUM"]
)
def test_a_title_is_no_text(text):
    assert split_report(text).keys() <= {"report", "addendum"}
    assert "last_paragraph" not in split_report(text)


def test_a_final_addendum_ends_the_impression():
    text = "FINAL REPORT\n IMPRESSION:  Normal.\n          FINAL ADDENDUM\n The tube is high.\n"
    sections = split_report(text)
    assert (sections["impression"], sections["addendum"]) == ("Normal.", "The tube is high.")


def test_a_section_that_stands_twice_is_joined_once():
    text = "IMPRESSION: Normal.\nADDENDUM: Late.\nIMPRESSION: Normal.\nIMPRESSION: Not normal."
    assert split_report(text)["impression"] == "Normal. Not normal."


@given(st.text(max_size=300))
def test_any_text_splits_into_texts_that_it_holds(text):
    sections = split_report(text)
    assert sections.keys() <= set(NAMES)
    whole = fold(text)
    for name in sections.keys() - {"report"}:
        for word in sections[name].split():
            assert word in whole


@given(
    st.lists(st.sampled_from(["findings", "impression"]), unique=True),
    st.sampled_from(["findings+impression", "findings,impression", "impression,report", "report"]),
)
def test_a_table_and_a_single_report_are_chosen_from_alike(there, choice):
    sections = {name: f"Text of {name}." for name in there}
    chosen = SectionChoice.parse(choice, NAMES)
    frame = pl.DataFrame({name: [sections.get(name)] for name in NAMES}, dict.fromkeys(NAMES, pl.String))
    row = chosen.picked(frame, {name: name for name in NAMES}).row(0)
    assert row == chosen.pick(sections)


def test_a_plus_joins_and_a_comma_falls_back():
    choice = SectionChoice.parse("findings+impression,last-paragraph", NAMES)
    assert choice.pick({"findings": "A.", "impression": "B.", "last_paragraph": "B."}) == (
        "A. B.",
        "findings+impression",
    )
    assert choice.pick({"impression": "B."}) == ("B.", "findings+impression")
    assert choice.pick({"last_paragraph": "C."}) == ("C.", "last_paragraph")
    assert choice.pick({"history": "D."}) == ("", None)


def test_a_section_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match=r"section names 'finding'.*choose among findings"):
        SectionChoice.parse("finding", NAMES)
