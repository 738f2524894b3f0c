"""How strong the strongest attacker is: both figures, whom they speak of, and what they leave out."""

from synthetic_audit import synthetic_audit

from relinkage.linkage.estimates import Estimate
from relinkage.pages.strength import strength_sentences


def test_strength_sentences_name_both_figures_the_pool_and_the_patients():
    row = next(row for row in synthetic_audit().closed_set if row.pool == 1000 and row.k == 1)
    said = strength_sentences(row, Estimate(value=0.061, low=0.05, high=0.073), 0.0741, 14, 0.95, "patient")
    assert said.replace("\N{NO-BREAK SPACE}", " ") == (
        "The strongest of the 14 attackers tried, among 1,000 reports: Recall@1 is at least 6.10 % "
        "(5.00 to 7.30 %; chosen on one half of the patients and measured on the other) and at most "
        f"7.41 % (the largest one-sided 95 % upper limit), of {row.patients:,} patients. Attackers that "
        "were not tried are not covered."
    )
