"""The page about a sweep: whole, without requests, with every row and measure."""

import pytest
from synthetic_sweep import synthetic_sweep
from test_audit_page import HOSTILE, Page

from relinkage.pages.sweep import sweep_table
from relinkage.pages.sweep_page import render_sweep, sweep_figures


@pytest.fixture(scope="module")
def page():
    return render_sweep(synthetic_sweep())


def test_the_page_is_whole_loads_nothing_and_runs_no_script(page):
    parsed = Page(page)  # asserts that every element is closed
    assert "script" not in [name for name, _ in parsed.elements]
    assert not [held for _, held in parsed.elements if {"src", "srcset"} & set(held)]
    ids = [held["id"] for _, held in parsed.elements if "id" in held]
    assert len(ids) == len(set(ids))


def test_every_kind_of_heads_and_every_measure_is_on_it(page):
    for title in ("pretrained heads", "CLIP-style heads", "bce=1,supcon=1,clip=0, τ=0.07"):
        assert page.count(title) > 12
    for measure in ("Recall@1, pool", "Label precision@10", "nDCG@10", ">mAP<", "Normal/abnormal AUROC"):
        assert measure in page


def test_the_frontier_sets_linkage_against_label_precision_in_both_directions():
    figures = sweep_figures(synthetic_sweep())
    sides = ["image-to-report", "report-to-image"]
    assert [figure.key for figure in figures] == [f"sweep-frontier-{side}" for side in sides]
    for drawn in figures:
        assert drawn.rows[0][:2] == ("1 pretrained heads", "50.0 %".replace(" ", drawn.rows[0][1][4:5]))
        assert len(drawn.rows) == 3
    assert sweep_figures(synthetic_sweep(("CLIP-style heads",))) == []


def test_the_headline_states_both_directions():
    said = " ".join(Page(render_sweep(synthetic_sweep())).words.split())
    assert (
        "over both directions, 60.0 % from image to report and 60.0 % from report to image; pretrained"
        in said
    )
    assert "pretrained heads have 50.0 % from image to report and 50.0 % from report to image." in said


def test_names_are_shown_as_text():
    titles = ("pretrained heads", HOSTILE)
    assert "<script" not in render_sweep(synthetic_sweep(titles))
    assert sweep_table(synthetic_sweep(titles)).count("\x1b") == 0
