"""The table in the terminal: aligned, short, and within a hundred characters."""

import pytest
from synthetic_audit import synthetic_audit

from relinkage.reports import audit_table
from relinkage.reports.wording import bare_percent, interval, percent, times


def test_one_audit_shows_every_row():
    audit = synthetic_audit(queries=5_000, patients=2_000)
    head, *lines = audit_table([audit]).splitlines()
    assert head.split() == ["Direction", "Pool", "K", "Recall@K", "Interval", "Chance", "Lift"]
    assert len(lines) == len(audit["closed_set"])
    for line, row in zip(lines, audit["closed_set"], strict=True):
        cells = (
            percent(row["recall"]),
            interval(row["low"], row["high"]),
            bare_percent(row["chance"]),
            f"{times(row['lift'])} ×",
        )
        for cell in cells:
            assert cell.replace("\N{NO-BREAK SPACE}", " ") in line


def test_several_audits_show_one_k_and_their_names():
    audits = [synthetic_audit(name, queries=5_000, patients=2_000) for name in ("general", "report")]
    head, *lines = audit_table(audits).splitlines()
    assert head.split()[0] == "Model"
    assert [line.split()[0] for line in lines] == ["general"] * 3 + ["report"] * 3


@pytest.mark.parametrize("name", ["x" * 300, "two\nlines", "\x1b[31mred"])
def test_lines_are_aligned_and_fit(name):
    audits = [synthetic_audit(n, queries=43_793, directions=("image-to-report",)) for n in (name, "b")]
    for row in audits[0]["closed_set"]:
        row["negatives"] = "labels+view+sex+age decade+report length quartile"
    lines = audit_table(audits).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= 100
    assert "\x1b" not in "".join(lines)
