"""The pairs of a map: one a study, of the split that was named, the same for the same seed."""

import numpy as np
import pytest

from relinkage.errors import InputError
from relinkage.retrieval import MapSettings
from relinkage.retrieval.sampling import draw_sample
from usefulness.planted_labels import plant


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sampling") / "emb", patients=60)


def settings(**choices):
    return MapSettings(**{"sample": 25, "perplexity": 5, **choices})


def test_it_holds_one_pair_a_study_of_the_split_and_as_many_as_asked_for(planted):
    sample = draw_sample(planted, settings())
    pairs = planted.pairs[sample.row]
    assert len(sample.row) == 25
    assert pairs["study_id"].n_unique() == 25
    assert set(pairs["split"]) == {"test"}
    assert sample.embeddings.pairs["pair_id"].to_list() == pairs["pair_id"].to_list()
    assert len(np.unique(sample.patient)) == pairs["patient_id"].n_unique()


def test_the_seed_draws_it(planted):
    first, again = (draw_sample(planted, settings()).row.tolist() for _ in range(2))
    other = draw_sample(planted, settings(seed=1)).row.tolist()
    assert first == again != other


def test_all_studies_are_taken_where_there_are_fewer_than_asked_for(planted):
    sample = draw_sample(planted, settings(sample=10_000))
    assert len(sample.row) == planted.split("test").pairs["study_id"].n_unique()


def test_without_a_label_it_is_coloured_by_normal_and_abnormal(planted):
    sample = draw_sample(planted, settings())
    (colouring,) = sample.colourings
    assert (colouring.key, colouring.classes) == ("normal-abnormal", ("normal", "abnormal"))
    for pair, code in zip(sample.embeddings.pairs.iter_rows(named=True), colouring.code, strict=True):
        findings = [pair[label] for label in ("Edema", "Fracture", "Rare")]
        normal = pair["No Finding"] == 1 and -1 not in findings
        assert code == (1 if 1 in findings else 0 if normal else -1)


def test_a_label_that_is_uncertain_is_not_known_and_one_not_mentioned_is_negative(planted):
    sample = draw_sample(planted, settings(sample=10_000, label=("Edema", "Fracture")))
    assert [colouring.key for colouring in sample.colourings] == ["Edema", "Fracture"]
    for value, code in zip(sample.embeddings.pairs["Edema"], sample.colourings[0].code, strict=True):
        assert code == {1: 1, 0: 0, None: 0, -1: -1}[value]


def test_a_label_that_is_not_there_and_a_sample_too_small_are_refused(planted):
    with pytest.raises(InputError, match=r"no label Drusen to colour by \(it has: Edema, Fracture"):
        draw_sample(planted, settings(label=("Drusen",)))
    with pytest.raises(
        InputError, match=r"would show 25 studies of the split test, and perplexity 90 needs 137"
    ):
        draw_sample(planted, settings(perplexity=90))
