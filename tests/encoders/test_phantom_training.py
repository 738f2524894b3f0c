"""Training is reproducible, and its losses are what their formulas say."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from relinkage.encoders import phantom_training as training
from relinkage.encoders.phantom import TOKEN_LIMITS, PhantomEncoder
from relinkage.encoders.phantom_shapes import draw_shapes
from tiers import quick

TINY = training.Plan(pairs=48, epochs=2, batch=16)


@pytest.fixture(autouse=True)
def _threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", quick(1, TOKEN_LIMITS))
def test_the_same_plan_gives_the_same_bytes_and_another_seed_does_not(name, tmp_path):
    for file, plan in (("a", TINY), ("b", TINY), ("c", replace(TINY, seed=1))):
        training.write_weights(training.train(name, plan), tmp_path / file)
    first, again, other = ((tmp_path / file).read_bytes() for file in "abc")
    assert first == again
    assert first != other
    assert PhantomEncoder(name, first).card.revision != PhantomEncoder(name, other).card.revision


def test_the_command_writes_the_weights_of_one_encoder(tmp_path, monkeypatch):
    class Here:
        """Runs in this process what the command gives to others, so that the tiny plan counts."""

        def __init__(self, *_, **__): ...
        def __enter__(self):
            return self

        def __exit__(self, *_): ...

        map = staticmethod(map)

    monkeypatch.setattr(training, "PLANS", dict.fromkeys(TOKEN_LIMITS, TINY))
    monkeypatch.setattr(training, "ProcessPoolExecutor", Here)
    training.main(["--only", "label", "--out", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["phantom-label.safetensors"]


def test_info_nce_equals_its_formula_without_mates_as_negatives():
    rng = np.random.default_rng(0)
    images, texts = rng.normal(size=(2, 8, 5))
    kinds, studies = np.array([0, 1, 2, 2, 3, 4, 5, 6]), np.array([0, 0, 1, 2, 3, 4, 5, 6])
    loss = 0.0
    for one, other in ((images, texts), (texts, images)):
        for i in range(8):
            scores = 3.0 * other @ one[i]
            mates = (kinds == kinds[i]) | (studies == studies[i])
            eligible = [j for j in range(8) if j == i or not mates[j]]
            loss -= (scores[i] - np.log(np.exp(scores[eligible]).sum())) / 16
    tensors = [torch.from_numpy(array) for array in (images, texts, kinds, studies)]
    computed = training._info_nce(tensors[0], tensors[1], torch.tensor(3.0), tensors[2], tensors[3])
    assert computed.item() == pytest.approx(loss, rel=1e-9)


def test_label_anchors_are_unit_vectors_that_only_labels_decide():
    labels = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0], [1.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
    anchors = training._label_anchors(labels)
    assert torch.allclose(anchors.norm(dim=1), torch.ones(4))
    assert torch.equal(anchors[0], anchors[2])
    assert not torch.allclose(anchors[0], anchors[1])
    perfect = training._anchor_loss(anchors, anchors, anchors)
    assert perfect.item() == pytest.approx(0, abs=1e-6)


def test_pairs_for_training_carry_what_a_study_has():
    pairs = training.draw_pairs("report", TINY)
    assert pairs.images.shape == (48, 1, 128, 128)
    assert pairs.labels.shape == (48, 14)
    same_study = pairs.studies[:, None] == pairs.studies
    assert same_study.sum() > 48
    assert (pairs.texts[:, None] == pairs.texts)[same_study].all()


def test_captions_name_what_is_drawn():
    greys = {"black": 15, "dark": 70, "pale": 190, "white": 245}
    tops = {"upper": 28, "middle": 64, "lower": 100, "left": 28, "centre": 64, "right": 100}
    for seed in range(50):
        image, caption = draw_shapes(np.random.default_rng(seed))
        for phrase in caption.rstrip(".").split(", "):
            _, _, shade, _, _, _, row, column = phrase.split()
            y, x = tops[row], tops[column]
            window = image[y - 28 : y + 28, x - 28 : x + 28].astype(int)
            assert (np.abs(window - greys[shade]) < 20).sum() > 20
