"""Heads trained again: as they were where all train, and of those who train alone."""

from dataclasses import replace as with_parts

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from privacy.planted_pairs import planted
from relinkage.alignment import AlignSettings, align
from relinkage.encoders.heads import heads_bytes
from relinkage.privacy import HardenSettings, Public, harden
from relinkage.privacy.retraining import again
from relinkage.privacy.units import units_of
from tiers import quick

ALIGN = AlignSettings(steps=20, batch=32, dimension=4)
HARDEN = HardenSettings(
    epsilon=2.0, delta=1e-4, population=100, batch=20, steps=4, dimension=4, bank=30, group=4, seed_noise=7
)
MECHANISMS = ("label-anchored", "one-shot", "grouped", "public-negatives", "batch-clip", "logit", "nominal")


@pytest.fixture(scope="module")
def training():
    return planted().split("train")


@pytest.fixture(scope="module")
def public():
    return Public(embeddings=planted(seed=3))


def made(training, public, mechanism):
    if mechanism == "align":
        return align(training, "train", replace(ALIGN, seed=7))
    return harden(training, "train", replace(HARDEN, mechanism=mechanism), None, public)


@pytest.mark.parametrize("mechanism", quick(3, ("align", *MECHANISMS)))
def test_again_makes_the_same_heads_of_all_patients(training, public, mechanism):
    heads = made(training, public, mechanism)
    train = again(training, heads.manifest, public)
    everyone = np.ones(len(training), bool)
    torch.testing.assert_close(train(everyone, 7).state_dict(), heads.pair.state_dict())
    assert heads_bytes(train(everyone, 8)) != heads_bytes(train(everyone, 7))


@pytest.mark.parametrize("mechanism", quick(3, ("align", *MECHANISMS)))
def test_again_knows_nothing_of_those_left_out(training, public, mechanism):
    manifest = made(training, public, mechanism).manifest
    patients = training.pairs["patient_id"].unique(maintain_order=True)[:20]
    inside = training.pairs["patient_id"].is_in(patients.to_list()).to_numpy()
    features = np.where(inside[:, None], training.image_features, 9).astype(np.float32)
    changed = with_parts(training, image_features=features)
    heads = [again(each, manifest, public)(inside, 7) for each in (training, changed)]
    assert heads_bytes(heads[0]) == heads_bytes(heads[1])


def test_keep_leaves_the_rows_of_kept_units():
    rng = np.random.default_rng(0)
    patient = rng.integers(0, 12, 40)
    units = units_of(patient, np.arange(40).astype(np.uint64), "patient", 3)
    kept = rng.random(len(units)) < 0.5
    chosen, expected = units.keep(kept), units.rows_of(np.flatnonzero(kept))
    rows, owner = chosen.rows_of(np.arange(len(chosen)))
    np.testing.assert_array_equal(rows, expected[0])
    np.testing.assert_array_equal(owner, expected[1])
    np.testing.assert_array_equal(chosen.key, units.key[kept])
