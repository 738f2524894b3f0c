"""Normal is told from abnormal by the nearer mean of the other side, and by other patients than one's own."""

import numpy as np
import pytest

from relinkage.errors import InputError
from relinkage.usefulness import Benchmark, UtilitySettings
from relinkage.usefulness.abnormal import abnormality_scores, abnormality_truths, tell_abnormal
from relinkage.usefulness.auroc import auroc
from usefulness.planted_labels import plant, rotation, turned


def test_a_score_is_the_cosine_with_the_abnormal_mean_less_that_with_the_normal_one():
    rng = np.random.default_rng(0)
    queries, others = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in rng.normal(size=(2, 6, 4))
    )
    abnormal = np.float32([1, 0, np.nan, 1, 0, 0])
    sick, well = others[[0, 3]].mean(0), others[[1, 4, 5]].mean(0)
    expected = [q @ sick / np.linalg.norm(sick) - q @ well / np.linalg.norm(well) for q in queries]
    np.testing.assert_allclose(abnormality_scores(queries, others, abnormal), expected)


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    embeddings = plant(tmp_path_factory.mktemp("abnormal") / "emb")
    return Benchmark.prepare(embeddings, UtilitySettings(k=5))


def test_planted_abnormality_is_told_in_both_directions(benchmark):
    truths = abnormality_truths(benchmark)
    for side, scores in tell_abnormal(benchmark).items():
        assert len(scores) == len(truths[side])
        assert auroc(scores, truths[side])[0] > 0.8


def test_it_takes_a_space_that_both_sides_share(benchmark):
    truths, told = abnormality_truths(benchmark), tell_abnormal(benchmark, turned(rotation()))
    own = tell_abnormal(benchmark)
    for side in told:
        assert auroc(told[side], truths[side])[0] < auroc(own[side], truths[side])[0] - 0.1


def test_a_fit_split_of_one_kind_is_refused(benchmark, tmp_path):
    embeddings = plant(tmp_path / "emb")
    sick = embeddings.select(
        ((embeddings.pairs["split"] == "test") | (embeddings.pairs["Edema"] == 1)).fill_null(False).to_numpy()
    )
    one_kind = Benchmark.prepare(sick, UtilitySettings(k=5, least_patients=1))
    with pytest.raises(InputError, match="no normal or no abnormal pair in the split train"):
        tell_abnormal(one_kind)
