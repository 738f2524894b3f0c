"""A report says what its scene shows, in the words of one reader, and the labels say what the report says."""

import re
from collections import Counter
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relinkage.cohorts import CHEXPERT_LABELS
from relinkage.cohorts.phantom.phrases import LOBES, READERS, SIZES
from relinkage.cohorts.phantom.reporting import write_report
from relinkage.cohorts.phantom.scene import (
    SIDES,
    ZONES,
    Device,
    Finding,
    FindingKind,
    sample_habitus,
    sample_studies,
)
from relinkage.cohorts.phantom.site import CITY, COUNTY

COMPARISON = re.compile(r"\b(new|increased|decreased|unchanged|resolved|prior)\b", re.IGNORECASE)


def studies(seed, site=CITY):
    rng = np.random.default_rng(seed)
    return sample_studies(rng, site, sample_habitus(rng, site))


def plain(**changes):
    """A scene of an ordinary patient in which nothing is worth a remark."""
    scene = studies(0)[0]
    habitus = replace(scene.habitus, aorta=0.0, scoliosis=0.0, raised=None)
    usual = {"heart": 0.45, "mediastinum": 0.0, "volume": 0.0, "age": 50.0, "findings": (), "devices": ()}
    return replace(scene, **{**usual, "habitus": habitus, **changes})


def read_by(reader, scene, prior=None, seed=0):
    return write_report(scene, prior, replace(CITY, readers=(reader,)), np.random.default_rng(seed))


def reports(site=CITY, patients=600):
    written = []
    for seed in range(patients):
        prior, words = None, np.random.default_rng((seed, 1))
        for scene in studies(seed, site):
            written.append((scene, write_report(scene, prior, site, words)))
            prior = scene
    return written


@pytest.mark.parametrize("reader", range(len(READERS)))
@pytest.mark.parametrize("kind", get_args(FindingKind))
@pytest.mark.parametrize("side", SIDES)
def test_every_reader_names_the_side_and_the_size(reader, kind, side):
    text = read_by(reader, plain(findings=(Finding(kind, side, "upper", 0.6, (0.0, 0.0)),))).text
    words = SIZES[kind][READERS[reader].wording]
    assert words[int(0.6 * len(words))] in text.lower()
    if kind not in ("edema", "hernia"):
        other = "left" if side == "right" else "right"
        assert side in text.lower()
        assert other not in text.lower()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("side", SIDES)
def test_readers_name_the_place_as_a_zone_or_as_a_lobe(zone, side):
    scene = plain(findings=(Finding("consolidation", side, zone, 0.6, (0.0, 0.0)),))
    assert f"{side} {zone} lung zone" in read_by(0, scene).text
    assert LOBES[side, zone] in read_by(4, scene).text


def test_a_study_without_findings_gets_a_template_or_negatives_only():
    for seed in range(50):
        report = read_by(0, plain(), seed=seed)
        assert report.labels["No Finding"] == 1
        assert all(value == 0 for label, value in report.labels.items() if label != "No Finding")


def test_nothing_is_compared_without_an_earlier_study():
    for seed in range(300):
        scene = studies(seed)[0]
        assert not COMPARISON.search(read_by(seed % len(READERS), scene, seed=seed).text)


@pytest.mark.parametrize(
    ("before", "now", "word"), [(None, 0.5, "new"), (0.2, 0.8, "increased"), (0.8, 0.3, "decreased")]
)
def test_change_since_the_earlier_study_is_named(before, now, word):
    def with_effusion(size):
        return plain(findings=() if size is None else (Finding("effusion", "left", "lower", size, (0, 0)),))

    texts = [read_by(1, with_effusion(now), with_effusion(before), seed).text.lower() for seed in range(30)]
    assert sum(word in text for text in texts) > 8
    gone = [read_by(1, with_effusion(None), with_effusion(0.5), seed).text for seed in range(30)]
    assert sum("left pleural effusion has resolved" in text for text in gone) > 8


@given(seed=st.integers(0, 10_000), site=st.sampled_from([CITY, COUNTY]))
@settings(max_examples=100, deadline=None)
def test_labels_agree_with_the_scene_and_with_each_other(seed, site):
    prior, words = None, np.random.default_rng(seed)
    for scene in studies(seed, site):
        labels = write_report(scene, prior, site, words).labels
        kinds = {finding.kind for finding in scene.findings}
        assert set(labels) <= set(CHEXPERT_LABELS)
        for label, kind in (
            ("Pleural Effusion", "effusion"),
            ("Edema", "edema"),
            ("Pneumothorax", "pneumothorax"),
        ):
            if labels.get(label) in (1, -1):
                assert kind in kinds
        if "Support Devices" in labels:
            assert scene.devices
        others = [value for label, value in labels.items() if label not in ("No Finding", "Support Devices")]
        assert ("No Finding" in labels) == (not any(others))
        prior = scene


def test_labels_agree_with_the_words():
    for _, report in reports(patients=300):
        text = report.text.lower()
        assert ("Pneumothorax" in report.labels) == ("pneumothorax" in text)
        assert ("Edema" in report.labels) == ("edema" in text)
        assert ("Pleural Other" in report.labels) == ("thickening" in text)


def test_devices_and_their_tips_are_named():
    scene = plain(devices=(Device("picc", "left", 2, 0.0), Device("pacemaker", "right", 1, 0.0)))
    text = read_by(2, scene).text
    assert "Left PICC ends in the right atrium." in text
    assert "Right chest wall single-lead pacemaker." in text


@pytest.mark.parametrize("site", [CITY, COUNTY])
def test_a_realistic_share_of_studies_has_a_text_that_another_study_has(site):
    texts = [report.text for _, report in reports(site)]
    copies = Counter(texts)
    shared = sum(copies[text] > 1 for text in texts) / len(texts)
    assert 0.08 < shared < (0.25 if site is CITY else 0.45)


def test_the_county_has_fewer_findings_than_the_city():
    def share(site):
        written = reports(site)
        return np.mean(["No Finding" in report.labels for _, report in written])

    assert share(COUNTY) > share(CITY)
