"""Attackers who know nothing sit on chance, whatever the embeddings look like, and every report shows them.

Forty cohorts whose vectors know the labels and nothing else of a pair: stretched, in cones of any width, with
template reports and repeated images. So over all distractors images are linked, inside strata of the labels
nothing is.
"""

import re

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from relinkage.linkage import AuditSettings, Links, measure
from relinkage.pages import render_page

SEEDS, IMAGES, STUDIES, WIDTH = 40, 300, 220, 24
SCRAMBLED, STRATUM = "scrambled mates", "stratum scorer"
STRICT = 0.001
"""`on_chance` asks at the level 0.999, so that each cell may be off by luck as often as this."""


def cohort(seed):
    """Images, their reports, and who belongs to whom."""
    random = np.random.default_rng([seed, 21])
    study = np.sort(random.integers(0, STUDIES, IMAGES))
    labels = random.integers(0, 2, (STUDIES, 3)) * random.integers(0, 2, (STUDIES, 3))
    known = 3 * random.normal(size=(8, WIDTH))[labels @ [1, 2, 4]]
    stretch = np.geomspace(1, random.choice([0.02, 0.2, 1]), WIDTH)
    cone = random.choice([0, 2, 20]) * random.normal(size=WIDTH)
    reports = (known + random.normal(size=known.shape)) * stretch + cone
    reports[random.random(STUDIES) < 0.2] = reports[0]
    # What a study's images share beyond its labels has nothing to do with its report.
    images = (
        (known + random.normal(size=known.shape))[study] + 0.3 * random.normal(size=(IMAGES, WIDTH))
    ) * stretch
    images = images + cone
    images[random.random(IMAGES) < 0.1] = images[0]
    pairs = {"pair_id": range(IMAGES), "study_id": study, "patient_id": study // 2}
    pairs |= {f"label {number}": labels[study, number] for number in range(3)}
    return images, reports[study], Links.from_pairs(pl.DataFrame(pairs), IMAGES, IMAGES, "pairs")


@pytest.fixture(scope="module")
def audits():
    """One audit a seed: the directions and the distractors take turns."""
    made = []
    for seed in range(SEEDS):
        settings = AuditSettings(
            pool=(10, 50, "full"),
            k=(1, 5),
            direction=("image-to-report", "report-to-image")[seed % 2],
            distractors=("all", "other-patients")[seed // 2 % 2],
            hard_negatives=("labels",),
            replicates=300,
            seed=seed,
        )
        made.append(measure(*cohort(seed), settings, name=f"cohort {seed}").result)
    return made


def off_chance(tables):
    """Count the tables of which any row is off chance."""
    return sum(not all(row.on_chance for row in rows) for rows in tables)


def by_luck(tables):
    """How many tables may be off by luck: no more but once in a thousand times, each cell counted apart."""
    return binom.ppf(0.999, len(tables), STRICT * max(map(len, tables)))


def controls(audits, name):
    return [[row for row in audit.controls if row.control == name] for audit in audits]


def closed_set(audits, negatives):
    return [[row for row in audit.closed_set if row.negatives == negatives] for audit in audits]


@pytest.mark.slow
def test_scrambled_mates_sit_on_chance(audits):
    """240 rows of 40 tables: 0.24 rows are off by luck, and at most 3 tables but once in a thousand times."""
    tables = controls(audits, SCRAMBLED)
    assert all(len(rows) == 6 for rows in tables)
    assert off_chance(tables) <= by_luck(tables) == 3


@pytest.mark.slow
def test_a_scorer_that_knows_the_stratum_sits_on_chance_inside_it(audits):
    """It ties with everything, so this is no matter of luck."""
    tables = controls(audits, STRATUM)
    assert all(len(rows) >= 4 for rows in tables)
    for row in (row for rows in tables for row in rows):
        assert row.negatives == "labels"
        assert row.recall == pytest.approx(row.chance, abs=1e-12)
        assert row.on_chance


@pytest.mark.slow
def test_vectors_that_know_labels_alone_link_images_but_not_inside_strata(audits):
    """The audit itself, asked the same: the strata take away what labels give, and nothing else is there."""
    over_all, inside = closed_set(audits, "all"), closed_set(audits, "labels")
    assert off_chance(over_all) == SEEDS
    assert all(rows[0].recall > 1.5 * rows[0].chance for rows in over_all)
    assert off_chance(inside) <= by_luck(inside) == 3


@pytest.mark.slow
def test_every_report_shows_both_controls_of_every_run(audits):
    page = render_page(audits[:2])
    runs = page.split('class="run"')[1:]
    assert len(runs) == 2
    for run, made in zip(runs, audits, strict=False):
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", run)).lower()
        for name in (SCRAMBLED, STRATUM):
            (rows,) = controls([made], name)
            said = text.split(f"{name}, {rows[0].direction}")[1:]
            assert sum(" yes" in row for row in said) >= len(rows), name  # in the table: on chance
