"""The table in the terminal: aligned, short, and within a hundred characters."""

import pytest
from synthetic_audit import changed, synthetic_audit

from relinkage.pages import audit_table, headline
from relinkage.pages.audits import select
from relinkage.pages.wording import bare_percent, interval, percent, times


def test_one_audit_shows_every_row():
    audit = synthetic_audit(queries=5_000, patients=2_000)
    head, *lines = audit_table([audit]).split("\n\n")[0].splitlines()
    assert head.split() == ["Direction", "Pool", "K", "Recall@K", "Interval", "Chance", "Lift"]
    assert len(lines) == len(audit.closed_set)
    for line, row in zip(lines, audit.closed_set, strict=True):
        cells = (
            percent(row.recall),
            interval(row.low, row.high),
            bare_percent(row.chance),
            f"{times(row.lift)} ×",
        )
        for cell in cells:
            assert cell.replace("\N{NO-BREAK SPACE}", " ") in line


def test_several_audits_show_one_k_and_their_names():
    audits = [synthetic_audit(name, queries=5_000, patients=2_000) for name in ("general", "report")]
    head, *lines = audit_table(audits).split("\n\n")[0].splitlines()
    assert head.split()[0] == "Model"
    assert [line.split()[0] for line in lines] == ["general"] * 3 + ["report"] * 3


def test_the_open_set_and_other_targets_have_a_line_each_below_the_table():
    audit = synthetic_audit(queries=43_793, complete=True)
    points = select(audit.open_set, score="cosine", fpir=0.01, pool=10_000)
    texts, patients = (
        select(audit.targets, target=target, pool=10_000, k=1) for target in ("text", "patient")
    )
    table, below = audit_table([audit]).split("\n\n")
    assert len(table.splitlines()) == 1 + len(audit.closed_set)
    found, text, patient = (
        f"{percent(getattr(row, share))} ({interval(row.low, row.high)})".replace("\N{NO-BREAK SPACE}", " ")
        for (row,), share in ((points, "tpir"), (texts, "recall"), (patients, "recall"))
    )
    assert below.splitlines() == [
        f"{headline(audit).verdict}.".replace("\N{NO-BREAK SPACE}", " "),
        f"Open set: cosine finds {found} of the mates at FPIR 1 %, pool of 10,000.",
        f"By text: Recall@1 {text}, pool of 10,000, chance 0.011 %.",
        f"By patient: Recall@1 {patient}, pool of 10,000, chance 0.024 %.",
    ]


def test_each_of_several_audits_is_named_before_its_lines():
    audits = [synthetic_audit(n, queries=2_000, patients=900, complete=True) for n in ("x" * 300, "two")]
    below = audit_table(audits).split("\n\n")[1].splitlines()
    assert [line.split(": ")[:2] for line in below] == [
        [name, what]
        for name in ("x" * 39 + "…", "two")
        for what in ("Above chance", "Open set", "By text", "By patient")
    ]
    assert max(len(line) for line in below) <= 140


@pytest.mark.parametrize("name", ["x" * 300, "two\nlines", "\x1b[31mred"])
def test_lines_are_aligned_and_fit(name):
    audits = [synthetic_audit(n, queries=43_793, directions=("image-to-report",)) for n in (name, "b")]
    long = "labels+view+sex+age decade+report length quartile"
    rows = tuple(changed(row, negatives=long) for row in audits[0].closed_set)
    audits[0] = changed(audits[0], closed_set=rows)
    lines = audit_table(audits).split("\n\n")[0].splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= 100
    assert "\x1b" not in "".join(lines)


def test_coverage_stands_beside_rows_that_leave_queries_out():
    audit = synthetic_audit(queries=5_000, patients=2_000, ks=(1,))
    first, *rest = audit.closed_set
    audit = changed(audit, closed_set=(changed(first, coverage=0.3), *rest))
    head, line, *_ = audit_table([audit]).splitlines()
    assert head.split()[-1] == "Coverage"
    assert line.endswith("30.0 %")


def test_coverage_stands_beside_hard_negatives_whether_or_not_queries_are_left_out():
    audit = synthetic_audit(queries=5_000, patients=2_000, ks=(1,))
    first, *rest = audit.closed_set
    audit = changed(audit, closed_set=(first, changed(first, negatives="labels", coverage=1.0), *rest))
    head, everything, labels, *_ = audit_table([audit]).splitlines()
    assert head.split()[-1] == "Coverage"
    assert everything.endswith("100 %")
    assert labels.startswith("labels")
    assert labels.endswith("100 %")


def test_rows_that_tell_nothing_are_left_out_and_the_own_stratum_is_no_pool_size():
    audit = synthetic_audit(queries=5_000, patients=2_000, ks=(1,))
    row = audit.closed_set[0]
    hard = changed(row, negatives="labels", full=True, pool=53, chance=0.19)
    sure = changed(hard, k=53, chance=1.0)
    likely = changed(hard, full=False, pool=7, k=5, chance=5 / 7)
    audit = changed(audit, closed_set=(row, hard, sure, likely))
    lines = audit_table([audit]).split("\n\n")[0].splitlines()
    assert len(lines) == 3
    assert "own ≤ 53" in lines[2]
