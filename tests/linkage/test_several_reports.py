"""A study with several different reports: one candidate with their mean, the first alone, or each of them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.several_reports import Means, candidates_of
from relinkage.linkage.vectors import Vectors

WIDTH = 4


@st.composite
def scenes(draw):
    """Images of studies, whose reports are drawn from a few vectors, so that rows repeat."""
    images = draw(st.integers(2, 14))
    bank = np.random.default_rng(draw(st.integers(0, 99))).normal(size=(6, WIDTH))
    study = draw(st.lists(st.integers(0, 5), min_size=images, max_size=images))
    which = draw(st.lists(st.integers(0, 5), min_size=images, max_size=images))
    candidate = None
    if draw(st.booleans()):
        candidate = draw(st.lists(st.integers(0, images), min_size=images, max_size=images))
        which = draw(st.lists(st.integers(0, 5), min_size=images + 1, max_size=images + 1))
    return study, candidate, bank[which]


def linked(study, candidate, reports, **columns):
    columns = {"pair_id": [str(row) for row in range(len(study))], "study_id": study, **columns}
    if candidate is not None:
        columns["candidate"] = candidate
    return Links.from_pairs(pl.DataFrame(columns), len(study), len(reports), "pairs")


def unit(vector):
    return vector / np.linalg.norm(vector)


def by_hand(study, candidate, reports, wanted):
    """Return the candidates' vectors and each image's candidate, one study after the other."""
    row_of = list(range(len(study))) if candidate is None else candidate
    rows_of = {s: [] for s in study}
    for s, row in zip(study, row_of, strict=True):
        if not any(np.array_equal(reports[row], reports[known]) for known in rows_of[s]):
            rows_of[s].append(row)
    one_row = {s: len({row_of[i] for i in range(len(study)) if study[i] == s}) == 1 for s in study}
    made, key_of = {}, []
    for s, row in zip(study, row_of, strict=True):
        different = rows_of[s]
        if one_row[s]:
            key, vector = ("row", row), reports[row]
        elif len(different) == 1 or wanted == "first":
            key, vector = ("study", s), reports[different[0]]
        elif wanted == "mean":
            key, vector = ("study", s), np.mean([unit(reports[other]) for other in different], axis=0)
        else:
            same = next(other for other in different if np.array_equal(reports[other], reports[row]))
            key, vector = ("study", s, same), reports[same]
        made[key] = vector
        key_of.append(key)
    for row in range(len(reports)):
        if row not in row_of:
            made["row", row] = reports[row]
    places = {key: place for place, key in enumerate(made)}
    return np.array(list(made.values())), [places[key] for key in key_of]


@given(scenes(), st.sampled_from(["mean", "first", "each"]))
@settings(deadline=None)
def test_candidates_are_those_that_a_loop_over_studies_makes(scene, wanted):
    study, candidate, reports = scene
    expected, mate = by_hand(study, candidate, reports, wanted)
    found = candidates_of(linked(*scene), Vectors.prepare(reports, "reports"), wanted, "reports")
    got = found.vectors.given
    assert len(got) == len(expected) == len(found.links.candidate_row)
    order, back = (np.lexsort(np.round(unit_rows(side), 9).T) for side in (got, expected))
    np.testing.assert_allclose(unit_rows(got)[order], unit_rows(expected)[back], atol=1e-12)
    np.testing.assert_allclose(unit_rows(got)[found.links.mate], unit_rows(expected)[mate], atol=1e-12)
    for same in (found.links.mate, np.array(mate)):
        assert len(set(same.tolist())) == len(set(mate))


def unit_rows(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(scenes(), st.randoms())
@settings(deadline=None)
def test_the_mean_does_not_depend_on_the_order_of_the_rows(scene, random):
    study, _, reports = scene
    reports = reports[: len(study)]
    order = list(range(len(study)))
    random.shuffle(order)
    first, second = (
        candidates_of(links, Vectors.prepare(rows, "reports"), "mean", "reports")
        for links, rows in (
            (linked(study, None, reports), reports),
            (linked([study[row] for row in order], None, reports), reports[order]),
        )
    )
    np.testing.assert_allclose(
        first.vectors.given[first.links.mate][order], second.vectors.given[second.links.mate], atol=1e-15
    )


def test_studies_with_the_same_reports_tie_whatever_the_order():
    vectors = np.random.default_rng(0).normal(size=(3, WIDTH))
    reports = vectors[[0, 1, 2, 1, 0, 0, 2]]
    links = linked([*"aabccdd"], None, reports, report_hash=[*"xyzyxxz"])
    found = candidates_of(links, Vectors.prepare(reports, "reports"), "mean", "reports")
    a, b, c, d = found.vectors.identity
    assert a == c
    assert len({a, b, d}) == 3
    of_text = found.links.text.tolist()
    assert of_text[0] == of_text[2]
    assert len(set(of_text)) == 3


def test_the_first_report_brings_its_own_text():
    reports = np.random.default_rng(0).normal(size=(3, WIDTH))
    links = linked([*"aab"], None, reports, report_hash=[*"xyx"])
    found = candidates_of(links, Vectors.prepare(reports, "reports"), "first", "reports")
    assert found.links.text.tolist() == [0, 0]


def test_a_float32_array_stays_one():
    reports = np.random.default_rng(0).normal(size=(4, WIDTH)).astype(np.float32)
    found = candidates_of(linked([*"aabc"], None, reports), Vectors.prepare(reports, "r"), "mean", "r")
    assert found.vectors.given.dtype == np.float32
    assert np.array_equal(found.vectors.given[1:], reports[2:])


def test_means_of_vectors_on_disk_are_those_in_memory(tmp_path):
    reports = np.random.default_rng(0).normal(size=(40, WIDTH))
    np.save(tmp_path / "r.npy", reports)
    links = linked(np.arange(40) // 3 % 9, None, reports)
    sides = reports, np.load(tmp_path / "r.npy", mmap_mode="r")
    kept, stored = (
        candidates_of(links, Vectors.prepare(side, "reports"), "mean", "reports").vectors for side in sides
    )
    assert isinstance(stored.source, Means)
    np.testing.assert_array_equal(kept.given, stored.given)
    some = np.array([7, 2, 2])
    np.testing.assert_array_equal(kept.given[some], stored.source[some])
    np.testing.assert_array_equal(kept.given[3:6], stored.source[3:6])


def test_reports_that_cancel_each_other_are_refused():
    reports = np.array([[1.0, 0, 0, 0], [-1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    with pytest.raises(InputError, match="reports, the means of studies, holds 1 vectors of length zero"):
        candidates_of(linked([*"aab"], None, reports), Vectors.prepare(reports, "reports"), "mean", "reports")


@pytest.mark.parametrize("wanted", ["mean", "first", "each"])
@pytest.mark.parametrize("direction", ["image-to-report", "report-to-image", "both"])
def test_an_audit_counts_as_by_hand_and_says_what_it_did(wanted, direction):
    rng = np.random.default_rng(1)
    study = [0, 0, 1, 1, 1, 2, 3, 3, 4, 4]
    of_study = rng.normal(size=(5, 6))[study]
    images, reports = (of_study + 0.7 * rng.normal(size=(10, 6)) for _ in "ab")
    reports[7] = reports[6]
    expected, mate = by_hand(study, None, reports, wanted)
    study_of = np.full(len(expected), -1)
    study_of[mate] = study
    choices = AuditSettings(several_reports=wanted, direction=direction, k=(1,), replicates=100)
    made = measure(images, reports, linked(study, None, reports), choices)
    scores = unit_rows(images) @ unit_rows(expected).T
    for table in made.tables:
        for query in range(10):
            asked = scores[query] if table.direction == "image-to-report" else scores[:, mate[query]]
            own = mate[query] if table.direction == "image-to-report" else query
            of = study_of if table.direction == "image-to-report" else np.array(study)
            others = np.flatnonzero(of != study[query])
            assert table.standings["all"].eligible[query] == len(others) + 1
            assert table.standings["all"].above[query] == (asked[others] > asked[own]).sum()
    (note,) = [note for note in made.result.notes if "several different reports" in note]
    assert note.startswith("3 of 5 studies have several different reports: ")


def test_equal_reports_of_a_study_are_no_several():
    vectors = np.random.default_rng(0).normal(size=(5, WIDTH))
    images, reports = vectors[[0, 0, 1, 2, 2]], vectors[[0, 0, 1, 2, 2]]
    made = measure(images, reports, linked([*"aabcc"], None, reports), AuditSettings(replicates=100))
    assert made.result.candidates == 3
    assert not any("several" in note for note in made.result.notes)


def test_candidates_without_studies_are_all_distractors():
    vectors = np.random.default_rng(0).normal(size=(2, 10, WIDTH))
    pairs = pl.DataFrame({"pair_id": [str(row) for row in range(10)], "candidate": list(range(10))})
    made = measure(*vectors, Links.from_pairs(pairs, 10, 10, "pairs"), AuditSettings(replicates=100))
    assert set(made.tables[0].standings["all"].eligible.tolist()) == {10}
