"""Hard negatives on the phantom cohort: a report-level encoder knows more of a patient than the labels do."""

import pytest

from calling import audits_of, done

PAIRS, POOL = 800, 10
DIRECTIONS = ("image-to-report", "report-to-image")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def audits(tmp_path_factory):
    """Draw a cohort, embed it with two encoders, and audit it with distractors of equal labels."""
    folder = tmp_path_factory.mktemp("phantom")
    done("phantom", folder / "cohort", "--pairs", PAIRS, "--seed", 5)
    made = {}
    for name in ("general", "report"):
        emb = folder / name
        done("embed", folder / "cohort", "--model", f"phantom:{name}", "--batch", 128, "--out", emb)
        outcome = done(
            "audit", emb, "--hard-negatives", "labels", "--distractors", "other-patients",
            "--direction", "both", "--pool", f"{POOL},full", "--k", 1, "--json",
        )  # fmt: skip
        made[name] = audits_of(outcome.out)
    return made


def row(audit, direction, negatives="labels", full=False):
    """Give Recall@1 in the pool of ten, or in the full one."""
    (found,) = (
        row
        for row in audit.closed_set
        if (row.direction, row.negatives, row.full) == (direction, negatives, full)
    )
    return found


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("full", [False, True], ids=["pool of ten", "full pool"])
def test_the_report_level_encoder_finds_mates_among_reports_of_equal_labels(audits, direction, full):
    found = row(audits["report"], direction, full=full)
    assert found.low > found.chance
    assert not found.on_chance
    assert found.patients >= 50


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_labels_are_part_of_how_it_finds_them(audits, direction):
    """Chance is the same in both rows, so the shares may be compared as they are."""
    assert row(audits["report"], direction).high < row(audits["report"], direction, "all").low


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("negatives", ["all", "labels"])
@pytest.mark.parametrize("full", [False, True], ids=["pool of ten", "full pool"])
def test_the_general_encoder_does_not_stand_above_it(audits, direction, negatives, full):
    general, report = (row(audits[name], direction, negatives, full) for name in ("general", "report"))
    assert (general.queries, general.chance) == (report.queries, report.chance)
    assert general.high < report.low


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_general_encoder_is_on_chance_inside_strata(audits, direction):
    found = row(audits["general"], direction)
    assert found.low <= found.chance <= found.high


@pytest.mark.parametrize("name", ["general", "report"])
def test_its_rows_say_how_few_studies_have_a_twin_in_labels(audits, name):
    (stratum,) = audits[name].strata
    assert len(stratum.columns) == 14
    for direction in DIRECTIONS:
        found = row(audits[name], direction)
        assert found.coverage == pytest.approx(found.queries / PAIRS)
        assert found.coverage < 0.3
    assert [control for control in audits[name].controls if not control.on_chance] == []
