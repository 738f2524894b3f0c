"""The hardening's own training with one thing changed."""

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from relinkage.defences import early_stops, trained, without_clipping, without_noise
from relinkage.errors import InputError
from relinkage.privacy import HardenSettings, Public
from usefulness.planted_labels import plant

SETTINGS = HardenSettings(epsilon=1.0, delta=1e-5, population=200, batch=40, steps=12, clip=0.5, lr=2.0)


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("planted") / "emb")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def vectors(embeddings, heads):
    return np.concatenate(embeddings.project(heads))


def test_without_noise_nothing_but_the_noise_is_changed(embeddings):
    bare = without_noise(SETTINGS)
    assert bare == replace(SETTINGS, epsilon=None)
    one, same, other = (
        vectors(embeddings, trained(embeddings, "train", bare, Public(), seed)) for seed in (1, 1, 2)
    )
    assert (one == same).all()
    assert not np.allclose(one, other, atol=1e-3)


def test_stopped_at_its_last_step_the_training_is_the_whole_one(embeddings):
    """The same seed samples the same patients, so both ways to train give the same heads."""
    stops = early_stops(embeddings, "train", SETTINGS, Public(), [0, 4, 12], seed=1)
    assert list(stops) == [0, 4, 12]
    whole = trained(embeddings, "train", without_noise(SETTINGS), Public(), 1)
    found = [vectors(embeddings, heads) for heads in stops.values()]
    assert (found[2] == vectors(embeddings, whole)).all()
    assert not np.allclose(found[0], found[1], atol=1e-3)
    assert not np.allclose(found[1], found[2], atol=1e-3)


def test_unclipped_steps_are_those_of_a_clip_that_no_gradient_reaches(embeddings):
    """With a clip of 50 and its rate raised alike, label-anchored training clips nothing either."""
    bare = without_clipping(SETTINGS)
    assert (bare.mechanism, bare.epsilon) == ("label-anchored", None)
    wide = replace(SETTINGS, epsilon=None, clip=50.0, lr=2.0 / 0.5 * 50.0)
    found, expected = (
        vectors(embeddings, trained(embeddings, "train", settings, Public(), 1)) for settings in (bare, wide)
    )
    assert np.allclose(found, expected, atol=1e-4)
    clipped = vectors(embeddings, trained(embeddings, "train", without_noise(SETTINGS), Public(), 1))
    assert not np.allclose(found, clipped, atol=1e-3)


def test_another_mechanism_gives_way_to_label_anchored_training_at_its_usual_rate(embeddings):
    usual = HardenSettings(epsilon=None, delta=1e-5)
    bare = without_clipping(replace(SETTINGS, mechanism="grouped", lr=77.0))
    assert bare.mechanism == "label-anchored"
    assert bare.lr / bare.clip == pytest.approx(usual.lr / usual.clip)


def test_a_request_that_hardening_refuses_is_refused(embeddings):
    with pytest.raises(InputError, match="no pair in the split nowhere"):
        trained(embeddings, "nowhere", SETTINGS, Public(), 0)
