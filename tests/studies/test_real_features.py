"""Frozen features of real pairs, through trained heads and the command line: a weak signal, honestly told.

With some 70 held-out patients an audit can say little, and has to say how little: intervals that are wide,
how many queries a stratum leaves over, and where chance lies inside.
"""

import json
import re
from html.parser import HTMLParser

import jsonschema
import numpy as np
import polars as pl
import pytest
import torch
from safetensors.numpy import load_file

from calling import done
from real_data import real
from relinkage.alignment import AlignSettings, train_heads
from relinkage.linkage.result import AuditResult
from relinkage.pages.wording import bare_percent, interval, percent
from relinkage.records import json_schema

POOLS = (2, 5, 10, "full")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """Train heads on half of the split groups; give a folder with the other half, projected."""
    features = real("covid_features")
    folder = tmp_path_factory.mktemp("features")
    pairs = pl.read_csv(features / "pairs.csv")
    (images,) = load_file(features / "image-mobilenetv2-448.safetensors").values()
    (texts,) = load_file(features / "text-minilm.safetensors").values()
    groups = sorted(set(pairs["split_group"]))
    held = np.random.default_rng(0).permutation(groups)[: len(groups) // 2].tolist()
    inside = pairs["split_group"].is_in(held).to_numpy()
    patient = pairs["patient_id"].rank("dense").cast(pl.Int64).to_numpy()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    settings = AlignSettings(dimension=64, temperature=0.07, steps=60, batch=int((~inside).sum()))
    heads = train_heads(images[~inside], texts[~inside], patient[~inside], settings).heads
    torch.set_num_threads(threads)
    with torch.no_grad():
        np.save(folder / "images.npy", heads.embed_images(torch.from_numpy(images[inside])).numpy())
        np.save(folder / "reports.npy", heads.embed_texts(torch.from_numpy(texts[inside])).numpy())
    pairs.filter(pl.Series(inside)).write_csv(folder / "pairs.csv")
    return folder


@pytest.fixture(scope="module", params=["finding", "view"])
def run(arrays, request):
    """Audit the held-out half, with distractors that share a column; give the column, the run, its audit."""
    out = arrays / f"run-{request.param}"
    outcome = done(
        "audit", "--images", arrays / "images.npy", "--reports", arrays / "reports.npy",
        "--pairs", arrays / "pairs.csv", "--hard-negatives", request.param, "--out", out,
        "--pool", ",".join(map(str, POOLS)), "--json",
    )  # fmt: skip
    audit = json.loads(outcome.out)
    assert json.loads((out / "audit.json").read_text()) == audit
    return request.param, out, audit


def rows_of(audit, negatives):
    """The closed set's rows that could come out otherwise: where K is the pool, recall is 1."""
    return [r for r in audit["closed_set"] if r["negatives"] == negatives and r["k"] < r["pool"]]


def strata(arrays, column):
    """How many reports of other patients bear the value of an image, and its own; without a value, all."""
    table = pl.read_csv(arrays / "pairs.csv")
    rows = list(zip(table["patient_id"].to_list(), table[column].to_list(), strict=True))
    return [
        1 + sum(other != patient and value in (None, theirs) for other, theirs in rows)
        for patient, value in rows
    ]


def test_the_audit_holds_what_its_schema_asks_for(run):
    column, _, audit = run
    jsonschema.Draft202012Validator(json_schema(AuditResult)).validate(audit)
    assert {row["negatives"] for row in audit["closed_set"]} == {"all", column}
    assert 60 <= audit["patients"] <= 85
    assert audit["queries"] == audit["studies"] > 100


def test_coverage_is_the_share_of_images_whose_stratum_is_large_enough(run, arrays):
    column, _, audit = run
    of_image = np.array(strata(arrays, column))
    seen = set()
    for row in rows_of(audit, column):
        enough = of_image >= (2 if row["full"] else row["pool"])
        assert row["queries"] == enough.sum()
        assert row["coverage"] == pytest.approx(enough.mean())
        seen.add("full" if row["full"] else row["pool"])
    assert seen == set(POOLS)
    assert min(row["coverage"] for row in rows_of(audit, column)) < 1


def test_an_interval_is_as_wide_as_so_few_patients_make_it(run):
    """At least a third as wide as the interval of a yes or no from each patient, and not three times it."""
    column, _, audit = run
    for row in rows_of(audit, "all") + rows_of(audit, column):
        assert row["low"] < row["recall"] < row["high"]
        deviation = np.sqrt(row["recall"] * (1 - row["recall"]) / row["patients"])
        assert 1 / 3 < (row["high"] - row["low"]) / (2 * 1.96 * deviation) < 3


def test_where_chance_lies_within_the_interval_the_audit_says_so(run):
    column, _, audit = run
    rows = rows_of(audit, "all") + rows_of(audit, column)
    for row in rows:
        if row["low"] <= row["chance"] <= row["high"]:
            assert row["on_chance"]
    # So weak a signal, asked of one distractor that shares the column, cannot be told from chance.
    assert any(row["on_chance"] for row in rows_of(audit, column))
    assert all(row["recall"] < 5 * row["chance"] for row in rows)


def test_controls_sit_on_chance(run):
    column, _, audit = run
    assert {row["control"] for row in audit["controls"]} >= {"scrambled mates", "stratum scorer"}
    assert {row["negatives"] for row in audit["controls"]} == {"all", column}
    assert [row for row in audit["controls"] if not row["on_chance"]] == []


class Page(HTMLParser):
    """Reads a page: what is opened and not closed, what a browser would fetch, and the words."""

    def __init__(self, page):
        super().__init__()
        self.open, self.fetched, self.words = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "link", "br", "img", "hr", "input", "col"):
            self.open.append(tag)
        self.fetched += [
            value for name, value in attributes if name == "src" and not value.startswith("data:")
        ]

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_report_opens_and_states_interval_chance_and_coverage_of_every_row(run):
    column, out, audit = run
    page = Page((out / "page.html").read_text())
    assert page.open == page.fetched == []
    text = re.sub(r"\s+", " ", " ".join(page.words))
    assert f"distractors share: {column}" in text
    for row in rows_of(audit, column):
        said = [interval(row["low"], row["high"]), bare_percent(row["chance"]), percent(row["coverage"])]
        for words in said:
            assert re.sub(r"\s+", " ", words) in text
