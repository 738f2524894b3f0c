"""The explorer in a real browser: what it shows is what `audit.json` holds, to the digit."""

import itertools
import json
import random

import numpy as np
import polars as pl
import pytest
from browsing import browser_tab, needs_browser
from synthetic_audit import changed, synthetic_audit

from relinkage.linkage.links import Links
from relinkage.linkage.measures import Cell, recalls
from relinkage.linkage.measuring import AuditSettings, measure
from relinkage.linkage.open_set_rows import share_right
from relinkage.linkage.pools import at_least_one
from relinkage.pages import render_page
from relinkage.pages.audits import select
from relinkage.pages.wording import bare_percent, count, counted, interval, percent, times, two_digits

pytestmark = [pytest.mark.slow, needs_browser]

HOSTILE = '</script><script>document.title="run"</script><img src=x onerror=alert(1)>'
STEPS = tuple(m * 10**e for e in range(5) for m in (1, 2, 5) if m * 10**e > 1)


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser_tab(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def audits():
    general = synthetic_audit("general", gamma=1.2, queries=4_321, patients=900, complete=True)
    both = ("image-to-report", "report-to-image")
    other = synthetic_audit(
        HOSTILE, gamma=2.3, queries=43_793, patients=9_000, directions=both, complete=True
    )
    rows = select(other.closed_set, direction="report-to-image", pool=100)
    shared = (changed(row, negatives="labels", queries=30_000, coverage=0.61) for row in rows)
    return [general, changed(other, closed_set=(*other.closed_set, *shared))]


@pytest.fixture
def explorer(tab, audits, tmp_path):
    return shown(tab, tmp_path, render_page(audits))


def shown(tab, folder, page):
    """Open a page and give a function that sets controls and returns what is written in an element."""
    (folder / "page.html").write_bytes(page.encode())
    tab.console.clear()
    tab.requests.clear()
    tab.open(folder / "page.html")

    def choose(**settings):
        for name, value in settings.items():
            control = f"document.getElementById('explorer-{name}')"
            tab.run(f"{control}.value = {json.dumps(str(value))}")
            for event in ("input", "change"):
                tab.run(f"{control}.dispatchEvent(new Event('{event}'))")
        keys = ("recall", "chance", "lift", "linked", "worth")
        read = "Object.fromEntries(%s.map(k => [k, document.getElementById('explorer-' + k).textContent]))"
        names = [*keys, *(f"{key}-note" for key in keys)]
        return tab.run(read % json.dumps(names))

    return choose


def few(number):
    return count(number) if number >= 10 else f"{two_digits(number):g}"


def test_fifty_settings_drawn_at_random_show_the_rows_of_the_audit(tab, explorer, audits):
    draw = random.Random(3)
    for _ in range(50):
        run = draw.randrange(2)
        audit = audits[run]
        ways = list(dict.fromkeys((row.direction, row.negatives) for row in audit.closed_set))
        group = draw.randrange(len(ways))
        where = dict(zip(("direction", "negatives"), ways[group], strict=True))
        row = draw.choice(select((*audit.closed_set, *audit.curve), **where))
        points = select(audit.open_set, **where, pool=row.pool)
        point, prior = draw.choice([None, *points]), draw.choice([100, 50, 37.5, 10, 2, 1])
        claim = "always" if point is None else json.dumps([point.score, point.fpir], separators=(",", ":"))
        found = explorer(run=run, group=group, k=row.k, pool=row.pool, prior=prior, claim=claim)
        assert found["recall"] == percent(row.recall)
        assert found["recall-note"] == f"{bare_percent(0.95)} interval {interval(row.low, row.high)}"
        assert found["chance"] == bare_percent(row.chance)
        assert found["lift"] == f"{times(row.lift)}\N{NO-BREAK SPACE}×"
        assert found["linked"] == few(row.patients_found)
        assert counted(row.patients, "patient") in found["linked-note"]
        share = prior / 100
        if point is None:
            (first,) = {
                row.recall for row in select((*audit.closed_set, *audit.curve), **where, pool=row.pool, k=1)
            }
            assert found["worth"] == percent(share * first)
            continue
        stated = {entry.prior: entry for entry in point.ppv}
        worth = share_right(share, point.tpir, point.misidentified, point.fpir_measured)
        assert found["worth"] == percent(stated[share].ppv if share in stated else worth)
        assert (", interval " in found["worth-note"]) == (share in stated)
        assert f"finds {percent(point.tpir)} of the mates" in found["worth-note"]
    assert tab.console == []
    assert tab.requests == [tab.run("location.href")]


@pytest.mark.parametrize("gamma", [1.0, 1.3, 1.9, 3.0])
def test_between_audited_pools_it_is_right_to_half_a_hundredth_and_says_about(tab, tmp_path, gamma):
    audited = changed(synthetic_audit(gamma=gamma, pools=STEPS), curve=())
    exact = synthetic_audit(gamma=gamma, pools=tuple(round(n * 1.5) for n in STEPS))
    explorer = shown(tab, tmp_path, render_page([audited]))
    for row in exact.closed_set:
        if row.full or row.pool in STEPS:
            continue
        found = explorer(k=row.k, pool=row.pool)
        assert found["chance"] == bare_percent(row.chance)
        about, number, _ = found["recall"].split("\N{NO-BREAK SPACE}")
        assert about == "about"
        least, most = (
            float(percent(row.recall * part).split("\N{NO-BREAK SPACE}")[0]) for part in (0.995, 1.005)
        )
        assert least <= float(number) <= most, row


def test_patients_linked_between_audited_pools_are_those_of_the_linkage_table(tab, tmp_path):
    draw = np.random.default_rng(0)
    reports = draw.normal(size=(1_200, 24))
    images = reports + 2 * draw.normal(size=reports.shape)
    patients = [f"p{number}" for number in draw.integers(0, 400, 1_200)]
    pairs = pl.DataFrame({"pair_id": [str(row) for row in range(1_200)], "patient_id": patients})
    links = Links.from_pairs(pairs, 1_200, 1_200, "pairs")
    measurement = measure(images, reports, links, AuditSettings(pool=(100, "full"), k=(1, 5)))
    explorer = shown(tab, tmp_path, render_page([measurement.result]))
    (table,) = measurement.tables
    for pool, k in itertools.product((7, 30, 150, 333, 700, 1_150), (1, 5)):
        hit = recalls(table.standings["all"], [Cell(pool, k)])[:, 0]
        exact = float(at_least_one(hit, table.patient).sum())
        number = explorer(pool=pool, k=k)["linked"].removeprefix("about\N{NO-BREAK SPACE}")
        assert float(number) == pytest.approx(exact, rel=0.01, abs=0.5)


def test_the_open_set_between_audited_pools_is_that_of_both(explorer, audits):
    claim = json.dumps(["cosine", 0.01], separators=(",", ":"))
    found = explorer(run=1, group=0, pool=5_000, k=1, prior=10, claim=claim)
    rows = select(audits[1].open_set, direction="image-to-report", score="cosine", fpir=0.01)
    ends = [percent(row.ppv[1].ppv) for row in rows if row.pool in (1_000, 10_000)]
    assert found["worth"] == " to ".join(ends)
    below = explorer(pool=50)
    assert below["worth"] == "–"
    assert "was audited at 100, 1,000, 10,000, 43,793" in below["worth-note"]


def test_what_was_not_audited_is_not_made_up(explorer):
    found = explorer(run=1, group=2, pool=100, k=1)
    assert found["recall"].endswith("%")
    assert "of 9,000" in found["linked-note"]
    # Inside strata other queries have larger pools.
    assert explorer(pool=1_000_000)["recall"] == found["recall"]


def test_the_slider_reaches_both_ends_and_audited_pools(tab, explorer):
    explorer(run=1, group=0, k=1)
    for place, pool in ((0, "2"), (1000, "43793")):
        explorer(slider=place)
        assert tab.run("document.getElementById('explorer-pool').value") == pool
    met = set()
    for place in range(0, 1001, 4):
        explorer(slider=place)
        met.add(tab.run("document.getElementById('explorer-pool').value"))
    assert {"100", "1000", "10000"} <= met


def test_an_attacker_of_the_full_gallery_alone_has_one_pool(tab, audits, tmp_path):
    full = tuple(row for row in audits[0].closed_set if row.full)
    explorer = shown(
        tab, tmp_path, render_page([audits[0], changed(audits[0], closed_set=full, curve=(), open_set=())])
    )
    found = explorer(run=1, pool=100, k=5)
    assert found["recall"] == percent(full[1].recall)
    assert found["chance-note"] == "5 of all 4,321\N{NO-BREAK SPACE}reports"
    assert tab.run("document.getElementById('explorer-slider').disabled")
    assert explorer(run=0, pool=100) != found
    assert not tab.run("document.getElementById('explorer-slider').disabled")


def test_names_stand_as_text(tab, explorer):
    assert tab.run("document.title").startswith("2 models")
    assert tab.run("document.querySelectorAll('img').length") == 0
    assert HOSTILE in tab.run("document.getElementById('explorer-run').textContent")


def test_every_control_has_a_label_and_results_are_announced(tab, explorer):
    unlabelled = "[...document.querySelectorAll('#explorer input, #explorer select')]"
    unlabelled += ".filter(c => !c.labels.length && !c.ariaLabel).length"
    assert tab.run(unlabelled) == 0
    assert tab.run("document.querySelector('#explorer [aria-live=polite]').id") == "explorer-results"


def test_it_fits_a_phone_and_stays_off_paper(tab, explorer):
    tab.ask("Emulation.setDeviceMetricsOverride", width=375, height=800, deviceScaleFactor=1, mobile=True)
    assert tab.run("document.documentElement.scrollWidth") == 375
    tab.ask("Emulation.clearDeviceMetricsOverride")
    seen = "getComputedStyle(document.getElementById('explorer')).display"
    assert tab.run(seen) == "block"
    tab.ask("Emulation.setEmulatedMedia", media="print")
    assert tab.run(seen) == "none"
    tab.ask("Emulation.setEmulatedMedia", media="")


def test_without_script_it_does_not_show(tab, audits, tmp_path):
    tab.ask("Emulation.setScriptExecutionDisabled", value=True)
    shown(tab, tmp_path, render_page(audits[:1]))
    tab.ask("Emulation.setScriptExecutionDisabled", value=False)
    for name in ("explorer", "explorer-entry"):
        assert tab.run(f"getComputedStyle(document.getElementById('{name}')).display") == "none"


def test_a_changed_script_is_refused(tab, audits, tmp_path):
    page = render_page(audits[:1]).replace('"use strict";', '"use strict"; document.title = "changed";')
    shown(tab, tmp_path, page)
    assert tab.run("document.title") != "changed"
    assert tab.run("document.getElementById('explorer').hidden")
    assert any("Content Security Policy" in line for line in tab.console)


def test_the_page_of_a_large_audit_stays_small():
    assert len(render_page([synthetic_audit(complete=True)]).encode()) < 3_000_000
