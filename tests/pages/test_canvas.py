"""Figures drawn side by side are the same bytes; settings of matplotlib and warnings stay the program's."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
from matplotlib.lines import Line2D

from relinkage.pages.figures.canvas import drawn


def figure(number):
    def paint(sheet):
        sheet.drawing.add_artist(Line2D([0, 1], [0, number / 10]))
        sheet.drawing.text(0.5, 0.5, f"$ {number} \N{SNOWMAN}")

    return drawn(f"figure-{number}", (200, 240), paint)


def test_drawn_in_many_threads_gives_the_same_bytes_and_leaves_the_settings():
    alone = [figure(number) for number in range(4)]
    settings, filters = dict(mpl.rcParams), list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(figure, [*range(4)] * 4)) == alone * 4
    assert dict(mpl.rcParams) == settings
    assert warnings.filters == filters
