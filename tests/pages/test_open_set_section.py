"""The open set in the report: the trade-off and the worth of a claim as drawn, and the words beside them."""

import re
from itertools import pairwise

import numpy as np
import pytest
from drawing import Drawing
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from synthetic_audit import changed, synthetic_audit

from relinkage.linkage.open_set_rows import Worth
from relinkage.pages import render_page
from relinkage.pages.audits import select
from relinkage.pages.figures import det_figure, worth_figure
from relinkage.pages.figures.shares import share_axis, share_limits, within
from relinkage.pages.open_set import (
    finding,
    operating_point,
    strongest_score,
    worth,
)
from relinkage.pages.sections.open_set import open_set_view
from relinkage.pages.wording import interval, percent

FORTH, BACK = "image-to-report", "report-to-image"


def words(text):
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]*>", " ", text, flags=re.S)
    return " ".join(text.replace("&#39;", "'").replace("&nbsp;", " ").split())


def cosine_only(audit):
    tables = {key: tuple(select(getattr(audit, key), score="cosine")) for key in ("open_set", "det")}
    return changed(audit, **tables)


@pytest.fixture(scope="module")
def audit():
    return synthetic_audit(queries=5_000, patients=2_000, pools=(100, 1000), gamma=3.0, complete=True)


@pytest.fixture(scope="module")
def trade_off(audit):
    figure = det_figure(cosine_only(audit), "p", FORTH)
    drawing = Drawing(figure.wide)
    return figure, drawing, drawing.across("1 %", "10 %"), drawing.upwards("90 %", "99 %")


def test_each_pools_curve_runs_through_its_points(audit, trade_off):
    _, drawing, across, upwards = trade_off
    curves = select(audit.det, score="cosine")
    for number, row in enumerate(curves, 1):
        (line,) = drawing.lines(f"series-{number}")
        points = [(p.fpir, p.tpir) for p in row.points]
        known = {round(np.log(fpir), 4): 1 - tpir for fpir, tpir in points}
        inside = [(x, y) for x, y in zip(across(line[:, 0]), upwards(line[:, 1]), strict=True) if x > 0.00101]
        assert len(inside) > 40
        for x, y in inside:
            nearest = min(known, key=lambda at: abs(at - np.log(x)))
            assert nearest == pytest.approx(np.log(x), abs=1e-3)
            assert y == pytest.approx(known[nearest], rel=1e-3)


def test_operating_points_stand_at_the_measured_rate_with_the_interval_of_their_tpir(audit, trade_off):
    _, drawing, across, upwards = trade_off
    for number, pool in enumerate((100, 1000, 5000), 1):
        rows = select(audit.open_set, score="cosine", pool=pool)
        dots, bars = drawing.dots(f"series-{number}"), drawing.bars(f"series-{number}", 1.6)
        assert len(dots) == len(bars) == 3
        for row, dot, bar in zip(rows, dots, bars, strict=True):
            assert across(dot[0]) == pytest.approx(row.fpir_measured, rel=1e-3)
            assert upwards(dot[1]) == pytest.approx(1 - row.tpir, rel=1e-4)
            assert upwards(bar[:, 1]) == pytest.approx([1 - row.high, 1 - row.low], rel=1e-3)
            assert abs(bar[0, 0] - dot[0]) <= 3  # beside the others of its rate, and still at its own dot


def test_the_attacker_who_knows_nothing_finds_fpir_over_n(audit, trade_off):
    _, drawing, across, upwards = trade_off
    (line,) = drawing.lines("series-1", dashed=True)
    assert 1 - upwards(line[:, 1]) == pytest.approx(across(line[:, 0]) / 100, rel=1e-2)
    assert across(line[-1, 0]) == pytest.approx(1, rel=1e-3)


def test_a_panel_each_for_the_scores_and_every_number_in_the_table(audit):
    figure = det_figure(audit, "p", FORTH)
    for svg in (figure.wide, figure.narrow):
        drawing = Drawing(svg)
        assert [len(drawing.words[score]) for score in ("cosine", "margin")] == [1, 1]
        assert len(drawing.lines("series-1")) == 2
        assert len(drawing.dots("series-1")) == 6
        assert {"100", "1,000", "all 5,000"} <= set(drawing.words)
    for row in audit.open_set:
        assert any(percent(row.tpir) in cells and row.score == cells[0] for cells in figure.rows)
    assert len(figure.rows) == len(audit.open_set) + sum(len(row.points) for row in audit.det)


def test_the_takeaway_of_the_trade_off_names_both_ends(audit, trade_off):
    first, last = (select(audit.open_set, score="cosine", pool=1000, fpir=f)[0] for f in (0.1, 0.003))
    said = (
        f"Among 1,000 reports the attacker misses {percent(1 - first.tpir)} of the mates at one false "
        f"claim in 10 searches, and {percent(1 - last.tpir)} of the mates at 3 false claims in 1,000 "
        "searches."
    )
    assert words(trade_off[0].takeaway).startswith(words(said))


def test_the_worth_of_a_claim_is_drawn_from_the_rates(audit):
    rows = select(audit.open_set, score="cosine")
    figure = worth_figure(rows, "p")
    drawing = Drawing(figure.wide)
    across, upwards = drawing.across("1 %", "10 %"), drawing.upwards("1 %", "10 %")
    for number, pool in enumerate((100, 1000, 5000), 1):
        (row,) = select(rows, pool=pool, fpir=0.01)
        (line,) = drawing.lines(f"series-{number}")
        tpir, wrong, fpir = row.tpir, row.misidentified, row.fpir_measured
        naive = [p * tpir / (p * (tpir + wrong) + (1 - p) * fpir) for p in across(line[:, 0])]
        assert upwards(line[:, 1]) == pytest.approx(naive, rel=1e-3)
        dots = drawing.dots(f"series-{number}")
        assert across(dots[:, 0]) == pytest.approx([entry.prior for entry in row.ppv], rel=1e-3)
        assert upwards(dots[:, 1]) == pytest.approx([entry.ppv for entry in row.ppv], rel=1e-3)
    chance = drawing.lines("series-1", dashed=True)[0]
    assert upwards(chance[:, 1]) == pytest.approx(across(chance[:, 0]) / 100, rel=1e-2)
    assert [words(" ".join(cells[:2])) for cells in figure.rows[:3]] == ["100 50 %", "100 10 %", "100 1 %"]


def test_the_worth_at_each_prior_has_its_interval(audit):
    rows = select(audit.open_set, score="cosine")
    point = operating_point(rows)
    drawing = Drawing(worth_figure(rows, "p").wide)
    across, upwards = drawing.across("1 %", "10 %"), drawing.upwards("1 %", "10 %")
    bars = drawing.bars("series-2", 1.6)
    assert across(np.array([bar[0, 0] for bar in bars])) == pytest.approx(
        [entry.prior for entry in point.ppv], rel=1e-3
    )
    for bar, entry in zip(bars, point.ppv, strict=True):
        assert sorted(upwards(bar[:, 1])) == pytest.approx([entry.low, entry.high], rel=2e-3)


def test_the_audit_speaks_of_cosine_at_one_in_a_hundred_in_the_largest_pool_that_is_not_full(audit):
    point = operating_point(audit.open_set)
    assert (point.score, point.fpir, point.pool, point.full) == ("cosine", 0.01, 1000, False)
    full = select(audit.open_set, full=True)
    assert operating_point(full).pool == 5000
    assert operating_point(select(audit.open_set, fpir=0.1)).fpir == 0.1
    assert operating_point(select(audit.open_set, score="margin")).score == "margin"


def test_the_strongest_score_is_named_where_it_is_not_cosine(audit):
    rows = audit.open_set
    (best,) = select(rows, score="margin", pool=1000, fpir=0.01)
    assert words(strongest_score(rows, operating_point(rows))) == words(
        f"Of the two scores, the margin finds more: {percent(best.tpir)} "
        f"(interval {interval(best.low, best.high)})."
    )
    assert strongest_score(select(rows, score="cosine"), operating_point(rows)) is None


def test_the_section_says_and_tabulates_every_operating_point(audit):
    page = render_page([audit])
    text = words(page)
    assert "<h2>Open set: when the mate may be absent</h2>" in page
    assert words(finding(operating_point(audit.open_set))) in text
    assert "2,048 queries from each at most" in text
    for row in audit.open_set:
        cells = (
            percent(row.tpir),
            interval(row.low, row.high),
            interval(row.fpir_low, row.fpir_high),
        )
        assert all(words(cell) in text for cell in (*cells, *(percent(e.ppv) for e in row.ppv)))
    assert "Not the open set" not in text


@pytest.mark.slow
def test_both_directions_have_their_own_figures():
    audit = synthetic_audit(queries=600, patients=300, pools=(100,), directions=(FORTH, BACK), complete=True)
    view = open_set_view(audit, "p")
    assert [figure.key for figure in view["figures"]] == ["p-1-det", "p-1-worth", "p-2-det", "p-2-worth"]
    assert "of 100 reports, cosine finds" in words(view["ways"][0]["lead"])
    assert "of 100 images, cosine finds" in words(view["ways"][1]["lead"])


def test_without_an_open_set_there_is_no_section():
    assert open_set_view(synthetic_audit(queries=300, patients=200), "p") is None


@pytest.mark.parametrize(
    "change",
    [
        {"tpir": 0.0, "low": 0.0, "high": 0.002, "misidentified": 0.0},
        {"tpir": 1.0, "low": 0.99, "high": 1.0, "misidentified": 0.0, "fpir_measured": 0.0, "fpir_low": 0.0},
        {
            "tpir": 0.0,
            "low": 0.0,
            "misidentified": 0.0,
            "fpir_measured": 0.0,
            "fpir_low": 0.0,
            "fpir_high": 0.0,
        },
    ],
)
def test_extremes_can_be_drawn(audit, change):
    cosine = cosine_only(audit)
    rows = tuple(changed(row, **change) for row in cosine.open_set)
    rows = tuple(
        changed(
            row,
            ppv=tuple(
                Worth(prior=each.prior, ppv=share, low=share and share * 0.9, high=share)
                for each in row.ppv
                for share in [worth(row, each.prior)]
            ),
        )
        for row in rows
    )
    curves = tuple(
        changed(curve, points=tuple(changed(point, tpir=change["tpir"]) for point in curve.points))
        for curve in cosine.det
    )
    extreme = changed(cosine, open_set=rows, det=curves)
    for figure in (det_figure(extreme, "p", FORTH), worth_figure(extreme.open_set, "p")):
        assert "nan" not in figure.wide
        assert len(Drawing(figure.wide).words) > 5


@given(st.lists(st.floats(0, 1), max_size=6))
def test_an_axis_of_shares_holds_what_is_drawn_and_has_round_marks_on_it(shares):
    limits = share_limits(shares)
    assert 0 < limits[0] < limits[1] < 1
    for share in shares:
        assert limits[0] <= within(share, limits) <= limits[1]
        assert within(share, limits) == share or not 1e-7 <= share <= 1 - 1e-7
    axes = Figure(figsize=(4, 3)).add_axes((0, 0, 1, 1))
    share_axis(axes, limits)
    marks = axes.get_yticks()
    heights = sorted(axes.transData.transform([(1, mark) for mark in marks])[:, 1]) if len(marks) else []
    assert all(after - before >= 20 for before, after in pairwise(heights))
    if limits[1] / limits[0] > 100:
        assert len(marks) >= 2
