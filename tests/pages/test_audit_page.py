"""The report: complete in itself, well formed, and true to the audit."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from msgspec.structs import replace
from synthetic_audit import changed, synthetic_audit, synthetic_json

from encoders.trained.sketched import ALIGNED
from relinkage.encoders.trained.aligning import AlignSettings
from relinkage.errors import InputError
from relinkage.files import write_json
from relinkage.linkage.result import AuditedHeads
from relinkage.pages import headline, render_page, write_page
from relinkage.pages.audits import select
from relinkage.pages.wording import count, interval, percent
from relinkage.records import write_record
from tiers import quick

VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = '</title><script>alert("x")</script><img src=https://example.org/x onerror=alert(1)>'


class Page(HTMLParser):
    """Elements as they nest, with their attributes and the visible text."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.text, self.headings = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text.append(data)
            if self.open and re.fullmatch("h[1-6]", self.open[-1]):
                self.headings.append((int(self.open[-1][1]), data))

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def ladder():
    return [
        synthetic_audit(f"{name} encoder", gamma=gamma, queries=3_000, patients=900)
        for name, gamma in (("general", 1.0), ("label", 1.3), ("report", 1.9))
    ]


@pytest.fixture(scope="module")
def audit():
    return synthetic_audit(queries=5_000, patients=2_000, directions=("image-to-report", "report-to-image"))


@pytest.fixture(scope="module")
def html(audit):
    return render_page([audit])


@pytest.fixture(scope="module", params=quick(2, ["complete", "hostile", "one", "ladder", "arrays"]))
def page(request, html):
    if request.param == "one":
        return html
    if request.param == "complete":
        return render_page([synthetic_audit(queries=2_000, patients=900, pools=(100,), complete=True)])
    if request.param == "ladder":
        return render_page(ladder())
    if request.param == "arrays":
        return render_page([synthetic_audit(queries=240, patients=None, kind="arrays")])
    audit = synthetic_audit(HOSTILE, queries=240, patients=137)
    audit = changed(audit, inputs__cohort__name=HOSTILE, inputs__model__seen=HOSTILE, notes=(HOSTILE,))
    heads = AuditedHeads(file=HOSTILE, manifest=replace(ALIGNED, train_split=HOSTILE))
    return render_page([changed(audit, inputs__heads=heads)])


def test_it_is_well_formed_and_ids_are_unique_and_met(page):
    elements = Page(page).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for _, a in elements if a.get("href", "").startswith("#")}
    assert targets <= set(ids)


def test_it_asks_for_nothing_and_runs_the_explorer_alone(page):
    elements = Page(page).elements
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.S)
    (_, _), (attributes, script) = scripts
    assert scripts[0][0] == ' type="application/json" id="explorer-data"'
    assert attributes == ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (a["content"] for _, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    assert f"script-src 'sha256-{digest}'" in policy.split("; ")
    assert [tag for tag, _ in elements].count("script") == 2
    assert not {"iframe", "object", "embed", "img", "form", "base"} & {tag for tag, _ in elements}
    for _, attributes in elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href", "srcset", "action"):
                assert value.startswith(("#", "data:,"))
            assert not re.search(r"url\((?!#)", value or "")
    styles = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert len(styles) == 1
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]
    assert "default-src 'none'" in page


def test_headings_step_down_one_by_one(page):
    levels = [level for level, _ in Page(page).headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_figures_speak_to_those_who_cannot_see_them(page):
    parsed = Page(page)
    figures = [a for tag, a in parsed.elements if tag == "figure"]
    pictures = [a for _, a in parsed.elements if a.get("role") == "img"]
    assert len(pictures) == 2 * len(figures)
    assert all(len(picture["aria-label"]) > 40 for picture in pictures)
    folded = [a.get("class") for tag, a in parsed.elements if tag == "details"]
    assert folded.count(None) == len(figures)


def test_what_can_scroll_can_be_reached_by_keyboard(page):
    for _, attributes in Page(page).elements:
        if attributes.get("class") == "scroll":
            assert attributes["tabindex"] == "0"
            assert attributes["aria-label"]


def test_every_row_of_the_closed_set_is_on_the_page(audit, html):
    words = Page(html).words
    for row in audit.closed_set:
        assert " ".join(percent(row.recall).split()) in words
        assert " ".join(interval(row.low, row.high).split()) in words
        assert count(row.pool) in words


def test_it_opens_with_the_headline_and_says_what_was_audited(audit, html):
    words = Page(html).words
    found = headline(audit)
    assert " ".join(found.sentence.split()) in words
    assert " ".join(found.detail.split()) in words
    for fact in (
        "phantom:report",
        "256 tokens; 1.30 % of the reports were cut",
        "5,000 queries against",
        "sha256:aaa",
    ):
        assert fact in words
    for section in (
        "What was audited",
        "Closed set",
        "Ranks",
        "Controls",
        "What counts as a hit",
        "Method",
    ):
        assert section in [text for _, text in Page(html).headings]
    assert "What this audit does not say" in words
    assert "12 images could not be read" in words


def test_the_same_audit_gives_the_same_bytes(audit, html):
    assert render_page([audit]) == html


def test_a_control_off_chance_is_a_warning():
    calm = render_page([synthetic_audit(queries=2_000, patients=2_000)])
    alarmed = render_page([synthetic_audit(queries=2_000, patients=2_000, off_chance=True)])
    assert 'class="warning"' not in calm
    assert 'class="warning"' in alarmed
    assert "do not quote this audit before you know why" in Page(alarmed).words


@pytest.mark.slow
def test_several_runs_make_a_ladder():
    parsed = Page(render_page(ladder()))
    assert (2, "The ladder") in parsed.headings
    for name in ("general encoder", "label encoder", "report encoder"):
        assert (2, name) in parsed.headings
    assert "Highest lift: report encoder" in parsed.words
    assert "These runs differ" not in parsed.words


@pytest.mark.slow
def test_a_ladder_on_different_ground_says_so():
    other = synthetic_audit("other", queries=2_000, patients=900)
    other = changed(other, inputs__cohort__fingerprint="sha256:elsewhere")
    assert "These runs differ in the cohort, the number of queries and the number of candidates" in (
        Page(render_page([ladder()[0], other])).words
    )


def test_other_kinds_of_distractors_are_shown_under_their_own_name(audit):
    rows = (changed(row, negatives="labels", coverage=0.61) for row in select(audit.closed_set, pool=100))
    harder = changed(audit, closed_set=(*audit.closed_set, *rows))
    parsed = Page(render_page([harder]))
    assert (3, "Image to report, distractors share: labels") in parsed.headings
    assert "61.0 %" in parsed.words


@pytest.mark.parametrize("where", [(), ("closed_set", 0), ("inputs",)])
def test_unknown_fields_do_not_even_reach_the_page(tmp_path, where):
    leaky = place = synthetic_json(queries=300, patients=200)
    for key in where:
        place = place[key]
    place["text"] = "No acute process."
    write_json(tmp_path / "audit.json", leaky)
    with pytest.raises(InputError, match="holds an unknown field") as error:
        write_page([tmp_path], tmp_path / "page.html")
    assert "acute" not in str(error.value)


@pytest.mark.slow
def test_it_is_written_whole_or_not_at_all(tmp_path):
    half = synthetic_audit("half a sign: \ud800", queries=240, patients=137)
    assert "half a sign:" in render_page([half])
    write_record(tmp_path / "run" / "audit.json", half)
    out = write_page([tmp_path / "run"], tmp_path / "out" / "page.html")
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(InputError, match="does not exist"):
        write_page([tmp_path / "run", tmp_path / "missing"], tmp_path / "second.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "run"]


def test_trained_heads_are_told_in_a_line():
    settings = AlignSettings(head="linear", dimension=64)
    manifest = replace(ALIGNED, settings=settings, pairs=59, patients=33)
    audit = synthetic_audit()
    audit = changed(audit, inputs__heads=AuditedHeads(file="HEADS", manifest=manifest))
    told = "HEADS: linear, 64 dimensions, infonce; trained on 59 pairs of 33 patients of the split train"
    assert told in render_page([audit])
    audit = changed(audit, inputs__heads=AuditedHeads(file="bare.safetensors", manifest=None))
    assert "bare.safetensors; what trained them is not known" in render_page([audit])
