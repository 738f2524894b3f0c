"""A study's several reports: one is the mate, and the others are neither mate nor distractor."""

import numpy as np
import polars as pl
import pytest

from relinkage.linkage import AuditSettings, Links, measure

STUDY = np.array([0, 0, 1, 1, 1, 2, 3, 3, 4, 4])


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    of_study = rng.normal(size=(5, 6))[STUDY]
    return of_study + 0.5 * rng.normal(size=(10, 6)), of_study + 0.5 * rng.normal(size=(10, 6))


def linked(**columns):
    pairs = pl.DataFrame(
        {"pair_id": [str(row) for row in range(10)], "study_id": STUDY.astype(str), **columns}
    )
    return Links.from_pairs(pairs, 10, 10, "pairs")


def by_hand(asking, asked, mate, allowed):
    """Count what is eligible and what scores above the mate, one cosine after the other."""
    eligible, above = [], []
    for row, vector in enumerate(asking):
        cosines = [vector @ other / np.linalg.norm(vector) / np.linalg.norm(other) for other in asked]
        pool = [column for column in range(len(asked)) if allowed(row, column) or column == mate[row]]
        eligible.append(len(pool))
        above.append(sum(cosines[column] > cosines[mate[row]] for column in pool if column != mate[row]))
    return eligible, above


def test_both_directions_count_as_by_hand(vectors):
    images, reports = vectors
    links = linked(candidate=list(range(10)))
    made = measure(images, reports, links, AuditSettings(direction="both", k=(1,), replicates=100))
    apart = [[STUDY[row] != STUDY[column] for column in range(10)] for row in range(10)]
    sides = (images, reports), (reports, images)
    for table, (asking, asked) in zip(made.tables, sides, strict=True):
        expected = by_hand(asking, asked, range(10), lambda row, column: apart[row][column])
        standing = table.standings["all"]
        assert (standing.eligible.tolist(), standing.above.tolist()) == expected
    assert any(note.startswith("4 studies have several candidates") for note in made.result.notes)


def test_candidates_without_studies_are_all_distractors(vectors):
    pairs = pl.DataFrame({"pair_id": [str(row) for row in range(10)], "candidate": list(range(10))})
    made = measure(*vectors, Links.from_pairs(pairs, 10, 10, "pairs"), AuditSettings(replicates=100))
    assert set(made.tables[0].standings["all"].eligible.tolist()) == {10}


def test_several_texts_of_a_study_are_one_candidate_and_told(vectors):
    links = linked(report_hash=["a", "b", *"cccdefgg"])
    made = measure(*vectors, links, AuditSettings(replicates=100))
    assert made.result.candidates == 5
    (note,) = [note for note in made.result.notes if "several report texts" in note]
    assert note.startswith("2 of these studies")
