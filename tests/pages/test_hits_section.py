"""What counts as a hit, and what the scores leave open: drawn at the right place, left out where unknown."""

import re

import numpy as np
import pytest
from drawing import Drawing
from synthetic_audit import changed, synthetic_audit

from relinkage.pages import render_page
from relinkage.pages.audits import select
from relinkage.pages.figures import entropy_figure, targets_figure
from relinkage.pages.figures.entropy import entropy_sentence
from relinkage.pages.sections.closed_set import closed_set_view
from relinkage.pages.sections.hits import hits_view, ties_sentence
from relinkage.pages.wording import percent

FORTH, BACK = "image-to-report", "report-to-image"


def words(text):
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<[^>]*>", " ", text, flags=re.S)
    return " ".join(text.replace("&#39;", "'").replace("&nbsp;", " ").split())


@pytest.fixture(scope="module")
def audit():
    return synthetic_audit(
        queries=5_000, patients=2_000, pools=(100, 1000), complete=True, directions=(FORTH, BACK)
    )


@pytest.fixture(scope="module")
def page(audit):
    one_way = {
        key: tuple(select(getattr(audit, key), direction=FORTH))
        for key in ("closed_set", "targets", "entropy", "ranks")
    }
    return render_page([changed(audit, **one_way, curve=(), open_set=(), rank_distribution=())])


def test_study_text_and_patient_stand_beside_each_other_at_every_pool(audit):
    tables = {key: tuple(select(getattr(audit, key), k=1)) for key in ("closed_set", "targets")}
    one_k = changed(audit, **tables)
    figure = targets_figure(one_k, "p", FORTH)
    drawing = Drawing(figure.wide)
    across = drawing.across("0.1 %", "10 %")
    expected = {"series-1": select(one_k.closed_set, direction=FORTH)}
    expected |= {
        f"series-{i}": select(one_k.targets, direction=FORTH, target=target)
        for i, target in enumerate(("text", "patient"), 2)
    }
    rows = [row for rows in expected.values() for row in rows]
    for role, wanted in expected.items():
        dots, bars = drawing.dots(role), drawing.bars(role, 2.0)
        assert across(dots[:, 0]) == pytest.approx([row.recall for row in wanted], rel=1e-3)
        assert across([bar[:, 0] for bar in bars]) == pytest.approx(
            np.array([(row.low, row.high) for row in wanted]), rel=1e-3
        )
    chance = sorted(across(bar[0, 0]) for bar in drawing.bars("muted", 1.2))
    assert chance == pytest.approx(sorted(row.chance for row in rows), rel=1e-3)
    assert {"study", "text", "patient", "chance", "pool of 100", "all 5,000"} <= set(drawing.words)


def test_a_panel_each_for_the_first_two_k(audit):
    for svg in (targets_figure(audit, "p", FORTH).wide, targets_figure(audit, "p", FORTH).narrow):
        drawing = Drawing(svg)
        assert {"Recall@1", "Recall@5"} <= set(drawing.words)
        assert "Recall@10" not in drawing.words
        assert len(drawing.dots("series-1")) == 6


def test_every_target_is_in_the_table_and_the_takeaway_speaks_of_the_headlines_pool(audit):
    figure = targets_figure(audit, "p", FORTH)
    assert len(figure.rows) == len(select(audit.closed_set, direction=FORTH)) + len(
        select(audit.targets, direction=FORTH)
    )
    for target in ("text", "patient"):
        (row,) = select(audit.targets, direction=FORTH, target=target, pool=5000, k=1)
        assert percent(row.recall) in figure.takeaway
    assert words(figure.takeaway).startswith("Among 5,000 reports the study's own report comes first for ")


def test_a_direction_without_texts_shows_what_it_has(audit):
    drawing = Drawing(targets_figure(audit, "p", BACK).wide)
    assert "patient" in drawing.words
    assert "text" not in drawing.words


def test_full_pools_that_differ_in_size_are_one_pool(audit):
    targets = tuple(changed(row, pool=4_990) if row.full else row for row in audit.targets)
    odd = changed(audit, targets=targets)
    drawing = Drawing(targets_figure(odd, "p", FORTH).wide)
    assert len(drawing.words["all 5,000"]) == 2
    assert "all 4,990" not in drawing.words


def test_the_section_takes_in_the_ceiling_and_the_ranks(audit, page):
    text = words(page)
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert "What counts as a hit" in headings
    assert "Duplicate reports" not in headings
    assert "cannot pass 93.1 %" in text
    assert "Recall@1 over the full gallery is 93.1 % at most, by study" in text
    for row in audit.ranks:
        for view in (row.optimistic, row, row.pessimistic):
            assert f"{view.mean_rank:,.1f}".removesuffix(".0") in text
            assert f"{view.mrr:.3g}" in text


def test_ranks_alone_are_enough_for_the_section():
    view = hits_view(synthetic_audit(queries=300, patients=200), "p")
    assert view["ranks"]
    assert not view["figures"]


def test_how_far_ties_move_the_mean_rank_is_said():
    any_row = synthetic_audit(queries=300, patients=200).ranks[0]
    row = changed(any_row, pool=100, optimistic__mean_rank=18.0, pessimistic__mean_rank=22.0)
    small = changed(any_row, pool=10, optimistic__mean_rank=3.0, pessimistic__mean_rank=3.5)
    assert "among 100 would be 18.0, with all against 22.0" in ties_sentence([small, row])
    untied = changed(row, pessimistic__mean_rank=18.0)
    assert ties_sentence([untied]).startswith("No mate ties")


def test_the_strip_shows_quantiles_median_and_mean_from_0_to_1(audit):
    (row,) = select(audit.entropy, direction=FORTH)
    for svg in (entropy_figure([row], "p").wide, entropy_figure([row], "p").narrow):
        drawing = Drawing(svg)
        left, right = (drawing.words[name][0][0] for name in ("0", "1"))
        drawn = [
            drawing.dots("ink")[0, 0],
            drawing.bars("series-1", 2.0)[0][0, 0],
            *(x for band in drawing.bars("series-1", 12.0) for x in band[:, 0]),
        ]
        ends = [row.quantiles[i].entropy for i in (0, 4, 1, 3)]
        wanted = [row.entropy, row.median, *ends]
        assert (np.array(drawn) - left) / (right - left) == pytest.approx(wanted, abs=1e-3)


def test_entropy_is_said_as_a_number_of_candidates_that_look_alike(page):
    (row,) = synthetic_audit(queries=300, patients=200, complete=True).entropy
    row = changed(row, candidates=10_000, entropy=0.75, low=0.74, high=0.76)
    assert words(entropy_sentence(row)) == (
        "A softmax of the scores at temperature 0.07 has 0.750 of the entropy of a blind guess "
        "(interval 0.740 to 0.760): as if 1,000 of 10,000 reports looked alike to the typical image."
    )
    assert page.count("How much the scores of a query leave open</p>") == 1


def test_without_entropy_there_is_no_strip():
    (group,) = closed_set_view(synthetic_audit(queries=300, patients=200), "p")["groups"]
    assert group["entropy"] == []
