"""The figures: the same bytes for the same data, the page's colours, and every number in a table."""

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_audit import changed, synthetic_audit

from relinkage.pages import write_figures
from relinkage.pages.audits import select
from relinkage.pages.figures import control_figure, ladder_figures, pool_figures, rank_figure, standalone
from relinkage.pages.figures.canvas import _spread, log_ticks
from relinkage.pages.figures.dots import linear_ticks
from relinkage.pages.figures.ranks import Bins, _middle, rank_bins
from relinkage.pages.palette import DARK, LIGHT
from relinkage.pages.wording import count, percent
from tiers import quick


@pytest.fixture(scope="module")
def audit():
    return synthetic_audit(queries=5_000, patients=2_000)


@pytest.fixture(scope="module")
def figures(audit):
    return draw(audit)


def draw(audit):
    pair = pool_figures(audit, "a", "image-to-report", "all")
    return [
        *pair,
        rank_figure(audit, "b", audit.rank_distribution[0]),
        control_figure(audit, "c"),
    ]


def test_the_same_data_give_the_same_bytes(audit, figures):
    assert draw(audit) == figures


def test_drawing_leaves_matplotlibs_settings_alone(audit):
    import matplotlib

    before = dict(matplotlib.rcParams)
    control_figure(audit, "c")
    assert dict(matplotlib.rcParams) == before


def test_colours_are_the_pages_and_text_is_text(figures):
    for figure in figures:
        for svg in (figure.wide, figure.narrow):
            outside = re.sub(r"var\(--[\w-]+, #[0-9a-f]{6}\)", "", svg)
            assert not re.findall(
                r"#[0-9a-f]{6}\b(?!-)", re.sub(r'(?:id|href|clip-path)="[^"]*"', "", outside)
            )
            assert "<text" in svg
            assert "font-family" not in svg


def test_ids_are_the_figures_own_and_references_meet_them(figures):
    ids = []
    for figure in figures:
        for svg in (figure.wide, figure.narrow):
            own = re.findall(r' id="([^"]+)"', svg)
            assert all(name.startswith(figure.key) for name in own)
            used = re.findall(r'href="#([^"]+)"', svg) + re.findall(r"url\(#([^)]+)\)", svg)
            assert set(used) <= set(own)
            ids += own
    assert len(ids) == len(set(ids))


def test_labels_stay_on_the_sheet(figures):
    for figure in figures:
        for svg in (figure.wide, figure.narrow):
            root = ElementTree.fromstring(svg)
            width, height = float(root.get("width")), float(root.get("height"))
            for text in root.iter("text"):
                x, y = float(text.get("x")), float(text.get("y"))
                letters = 7.5 * len(text.text)
                anchor = re.search(r"text-anchor: (\w+)", text.get("style"))[1]
                left = x - {"start": 0, "middle": letters / 2, "end": letters}[anchor]
                assert left >= -8
                assert left + letters <= width + 12
                assert 0 <= y <= height


def test_every_recall_of_the_curve_is_in_the_table(audit, figures):
    cells = {(line, pool): recall for line, pool, recall, *_ in figures[0].rows}
    for row in audit.curve:
        assert cells[f"Recall@{row.k}", count(row.pool)] == percent(row.recall)
    assert len(figures[0].rows) == len(audit.curve)


def test_takeaways_are_made_from_the_data(audit, figures):
    recall, lift, ranks, controls = (figure.takeaway.replace("\N{NO-BREAK SPACE}", " ") for figure in figures)
    small = select(audit.closed_set, pool=100, k=1)[0]
    assert (
        f"Among 100 reports the right one comes first for {percent(small.recall)}".replace(
            "\N{NO-BREAK SPACE}", " "
        )
        in recall
    )
    assert lift.startswith("The larger the pool, the further above chance")
    assert "within the top 26.8 % of 5,000 reports" in ranks
    assert controls == "All 18 controls sit on chance."


def test_a_model_at_chance_is_not_called_above_it():
    figures = draw(synthetic_audit(gamma=1.0, queries=1_000, patients=300))
    assert figures[0].takeaway.count("times chance; the interval covers chance") == 2
    assert figures[1].takeaway == "At no pool size does the interval lie above chance."


def test_a_control_off_chance_is_marked():
    figure = control_figure(synthetic_audit(queries=2_000, patients=2_000, off_chance=True), "c")
    assert "off chance" in figure.takeaway
    assert "off chance" in figure.wide
    assert "--alert" in figure.wide
    assert "no" in {row[-1] for row in figure.rows}


@pytest.mark.parametrize(
    "name", quick(2, ["$x^2$ <b>&amp;", "a\nb\x00\x1b[31m", "中文モデル", "m" * 300, "\ud800", '"><script>'])
)
def test_hostile_names_are_drawn_as_text(name):
    audits = [synthetic_audit(name, gamma=g, queries=300, patients=200) for g in (1.1, 2.0)]
    for figure in ladder_figures(audits, "ladder"):
        for svg in (figure.wide, figure.narrow):
            root = ElementTree.fromstring(svg)
            assert not {"script", "b"} & {element.tag for element in root.iter()}
            svg.encode()


def test_one_pool_and_one_query_rank_can_be_drawn():
    audit = changed(synthetic_audit(queries=60, patients=30, pools=(), ks=(1,)), curve=())
    assert all("<path" in figure.wide for figure in draw(audit))


def test_no_hit_at_all_can_be_drawn():
    audit = synthetic_audit(queries=60, patients=30, ks=(1,))
    closed_set, curve = (
        tuple(changed(row, recall=0.0, low=0.0, lift=0.0) for row in rows)
        for rows in (audit.closed_set, audit.curve)
    )
    audit = changed(audit, closed_set=closed_set, curve=curve)
    assert "for 0\N{NO-BREAK SPACE}% of images" in draw(audit)[0].takeaway


def test_the_ladder_compares_at_pools_that_all_models_have():
    audits = [
        synthetic_audit(name, gamma=gamma, queries=queries, patients=500)
        for name, gamma, queries in (("general", 1.0, 2_000), ("label", 1.3, 3_000), ("report", 2.0, 2_000))
    ]
    ladder, curves = ladder_figures(audits, "ladder")
    assert [(row[0], row[1]) for row in ladder.rows] == [
        (name, pool) for pool in ("100", "1,000") for name in ("general", "label", "report")
    ]
    assert "general, 1 times chance; the interval covers chance" in ladder.takeaway
    assert {row[0] for row in curves.rows} == {"general", "label", "report"}


def test_models_without_a_common_pool_have_no_ladder():
    audits = [synthetic_audit(queries=n, patients=20, pools=()) for n in (200, 300)]
    assert ladder_figures(audits, "ladder") == []


@given(st.integers(2, 400), st.integers(1, 40), st.randoms(use_true_random=False))
def test_rank_bins_hold_every_query_and_chance_is_the_share_of_whole_ranks(gallery, bins, random):
    edges = [float(edge) for edge in np.geomspace(1 / gallery, 1, bins + 1)]
    edges[-1] = 1.0
    ranks = [random.randint(1, gallery) for _ in range(50)]
    counts = np.histogram([rank / gallery for rank in ranks], edges)[0]
    # numpy may put a rank that lies on an edge to either side of it by rounding; the total must not change.
    found = rank_bins(edges, [float(n) for n in counts], gallery)
    assert sum(found.counts) == counts.sum()
    assert sum(found.chance) == pytest.approx(1)
    assert min(found.chance) > 0
    naive = [
        sum(
            low - 1e-9 <= r / gallery < high - 1e-9 or (high == 1 and r == gallery)
            for r in range(1, gallery + 1)
        )
        for low, high in pairwise(found.edges)
    ]
    assert [round(share * gallery) for share in found.chance] == naive


@given(st.lists(st.floats(0, 300), min_size=1, max_size=8))
def test_labels_are_moved_apart_and_keep_their_order(wanted):
    placed = _spread(wanted, 16.0, 300.0)
    for i, j in combinations(range(len(wanted)), 2):
        assert abs(placed[i] - placed[j]) >= 16 - 1e-6
        if wanted[i] < wanted[j]:
            assert placed[i] < placed[j]
    assert min(placed) >= -1e-6
    assert max(placed) <= 300 + 1e-6


@given(st.floats(1e-8, 1e3), st.floats(3, 1e8))
def test_log_ticks_are_round_and_within_the_axis(low, ratio):
    ticks = log_ticks(low, low * ratio)
    assert all(low * 0.99 <= tick <= low * ratio * 1.01 for tick in ticks)
    assert all(f"{tick:e}"[:8] in ("1.000000", "2.000000", "3.000000", "5.000000") for tick in ticks)


@given(st.floats(2, 1e6))
def test_linear_ticks_are_few(high):
    ticks = linear_ticks(high)
    assert 2 <= len(ticks) <= 7
    assert ticks[-1] <= high


def luminance(code):
    parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_everything_written_has_contrast(palette):
    """WCAG AA for text, 4.5 to 1, in both schemes."""
    assert LIGHT.keys() == DARK.keys()
    for role, code in palette.items():
        if role not in ("ground", "rule", "alert-ground"):
            for ground in ("ground", "alert-ground"):
                bright, dark = sorted((luminance(code), luminance(palette[ground])), reverse=True)
                assert (bright + 0.05) / (dark + 0.05) >= 4.5, (role, ground)


def test_figures_can_stand_alone(tmp_path, figures):
    root = ElementTree.fromstring(standalone(figures[0]))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert figures[0].takeaway in root[0].text
    audits = [synthetic_audit(gamma=g, queries=300, patients=200) for g in (1.0, 2.0)]
    paths = write_figures(audits, tmp_path / "figures")
    assert len(set(paths)) == len(paths) == 2 + 2 * 4
    for path in paths:
        ElementTree.parse(path)


def test_the_own_stratum_stands_in_the_ladder_and_not_on_the_axis_of_pools():
    audits = [synthetic_audit(name, queries=2_000, patients=500, ks=(1,)) for name in ("one", "two")]
    row = changed(audits[0].closed_set[0], negatives="labels", chance=0.189)
    rows = (changed(row, pool=10, chance=0.1), changed(row, pool=53, full=True))
    audits = [
        changed(audit, closed_set=(*audit.closed_set, *rows), curve=(*audit.curve, *rows)) for audit in audits
    ]
    *_, ladder = ladder_figures(audits, "ladder")
    assert [cells[1] for cells in ladder.rows] == ["10", "10"] + [
        "own stratum, up to\N{NO-BREAK SPACE}53"
    ] * 2
    for figure in ladder_figures(audits, "ladder"):
        assert "53 reports Recall" not in figure.takeaway
        assert ("labels" in figure.title) <= ("against pool size" not in figure.title)


def test_half_of_the_mates_lie_where_their_bin_is_cut_in_the_same_shares():
    bins = Bins([0.1, 0.2, 0.6, 1.0], [20, 60, 20], [0.2, 0.6, 0.2], [0.1, 0.4, 0.5])
    assert _middle(bins) == pytest.approx(0.2 + 0.4 * 0.5)
    even = Bins([0.0, 0.25, 0.5, 0.75, 1.0], [1] * 4, [0.25] * 4, [0.25] * 4)
    assert _middle(even) == pytest.approx(0.5)
