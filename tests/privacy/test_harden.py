"""Hardening: what goes into the heads' folder, what may be started from, and what is refused."""

import json
from dataclasses import replace as replaced
from hashlib import sha256

import numpy as np
import polars as pl
import pytest
import torch
from msgspec.structs import replace

from embeddings.manifests import sketched_card
from privacy.planted_pairs import LABELS, planted
from relinkage.alignment import read_heads
from relinkage.alignment.folder import Heads
from relinkage.alignment.settings import Weights
from relinkage.embeddings.overlap import shared_with
from relinkage.errors import InputError
from relinkage.files import fingerprint
from relinkage.privacy import HardenSettings, Public, harden, recheck
from relinkage.privacy.prepare import prepare
from tiers import quick

SETTINGS = HardenSettings(
    epsilon=1.0, delta=1e-4, population=100, batch=20, steps=4, dimension=4, bank=30, group=4
)
MECHANISMS = ("label-anchored", "public-negatives", "grouped", "batch-clip", "logit", "one-shot", "nominal")


@pytest.fixture(scope="module")
def emb():
    return planted()


@pytest.fixture(scope="module")
def public():
    return Public(embeddings=planted(seed=3))


@pytest.mark.parametrize("mechanism", quick(3, MECHANISMS))
def test_every_mechanism_writes_heads_with_a_statement_that_holds(emb, public, tmp_path, mechanism):
    made = harden(emb, "train", replace(SETTINGS, mechanism=mechanism), tmp_path / "heads", public)
    read = read_heads(tmp_path / "heads")
    assert read.manifest == made.manifest
    statement = read.manifest.privacy
    assert (statement.mechanism, statement.delta) == (mechanism, 1e-4)
    assert statement.kind == ("nominal" if mechanism == "nominal" else "proven")
    assert 0.97 < statement.epsilon <= 1.0
    assert recheck(statement, read.manifest.settings).faults == ()
    images, texts = emb.project(read.pair)
    assert np.isfinite(images).all()
    assert np.isfinite(texts).all()


def test_the_multi_task_objective_is_trained_in_groups_and_told(emb, public, tmp_path):
    settings = replace(SETTINGS, mechanism="grouped", seed_noise=1)
    plain = harden(emb, "train", settings, tmp_path / "plain", public)
    by_class = replace(settings, weights=Weights(bce=1, supcon=2, clip=0), classes="labels")
    made = harden(emb, "train", by_class, tmp_path / "by-class", public)
    assert made.manifest.settings.weights == Weights(bce=1, supcon=2)
    statement = made.manifest.privacy
    assert (statement.sensitivity, statement.kind) == (2.0, "void")  # void, for the noise has a seed here
    assert not torch.equal(made.pair.image.weight, plain.pair.image.weight)


def test_an_objective_of_other_parts_needs_a_mechanism_that_takes_it(emb, tmp_path):
    with pytest.raises(InputError, match="weights goes with mechanism grouped"):
        replace(SETTINGS, weights=Weights(bce=1, supcon=1))
    settings = replace(SETTINGS, mechanism="grouped", weights=Weights(bce=1, supcon=1))
    bare = replaced(emb, manifest=replace(emb.manifest, labels=()))
    with pytest.raises(InputError, match="has no label columns, which weights bce=1,supcon=1,clip=0 look at"):
        harden(bare, "train", settings, tmp_path / "heads")


@pytest.mark.parametrize("choices", [{}, {"mechanism": "grouped", "weights": Weights(bce=1, supcon=1)}])
def test_labels_that_are_empty_in_all_pairs_are_refused(emb, public, tmp_path, choices):
    empty = emb.pairs.with_columns(pl.lit(None, pl.Int8).alias(label) for label in emb.labels)
    with pytest.raises(InputError, match=r"has label columns, which .*, but they are empty in all"):
        harden(replaced(emb, pairs=empty), "train", replace(SETTINGS, **choices), tmp_path / "heads", public)
    assert not (tmp_path / "heads").exists()


def test_the_manifest_is_the_same_for_another_cohort_of_other_size(public, tmp_path):
    """But for the digest of the heads, it holds nothing counted or computed on the private pairs."""
    told = []
    for cohort in (planted(), planted(70, 3, seed=8, noise=0.5)):
        harden(cohort, "train", SETTINGS, tmp_path / "heads", public)
        digest = sha256((tmp_path / "heads/heads.safetensors").read_bytes()).hexdigest()
        told.append((tmp_path / "heads/manifest.json").read_text().replace(digest, "the heads'"))
    assert told[0] == told[1]
    for secret in ('pairs":', 'patients":', 'loss"'):
        assert secret not in told[0]
    assert json.loads(told[0])["cohort_fingerprint"] is None


def test_a_control_without_noise_names_its_cohort_and_cannot_be_started_from(emb, public, tmp_path):
    made = harden(emb, "train", replace(SETTINGS, epsilon=None), tmp_path / "control", public)
    assert made.manifest.privacy is None
    with pytest.raises(InputError, match="trained without privacy on this very cohort"):
        harden(emb, "train", SETTINGS, tmp_path / "heads", replaced(public, start=made))
    assert harden(planted(seed=5), "train", SETTINGS, tmp_path / "heads", Public(start=made))


def test_heads_hardened_before_add_what_they_spent(emb, public, tmp_path):
    first = harden(emb, "train", SETTINGS, tmp_path / "first", public)
    second = harden(emb, "train", SETTINGS, tmp_path / "second", replaced(public, start=first))
    spent, stated = first.manifest.privacy.epsilon, second.manifest.privacy
    assert (stated.earlier_epsilon, stated.earlier_delta) == (spent, 1e-4)
    assert second.manifest.start == "given, hardened before"
    assert "for patients whose pairs also trained the heads it started from, (2, 0.0002)" in stated.sentence
    assert stated.inputs.start == fingerprint((tmp_path / "first/heads.safetensors").read_bytes())


def test_heads_of_which_nothing_is_proven_are_no_start(emb, public, tmp_path):
    for choice in ({"mechanism": "nominal"}, {"seed_noise": 1}):
        made = harden(emb, "train", replace(SETTINGS, **choice), tmp_path / "first", public)
        with pytest.raises(InputError, match="Nothing is proven of the heads to start from"):
            harden(emb, "train", SETTINGS, tmp_path / "second", replaced(public, start=made))


def test_a_statement_speaks_of_the_heads_beside_it_and_of_no_others(emb, public, tmp_path):
    made = harden(emb, "train", SETTINGS, tmp_path / "heads", public)
    file = tmp_path / "heads/heads.safetensors"
    assert made.manifest.privacy.heads == "sha256:" + sha256(file.read_bytes()).hexdigest()
    harden(emb, "train", replace(SETTINGS, epsilon=None), tmp_path / "other", public)
    file.write_bytes((tmp_path / "other/heads.safetensors").read_bytes())
    swapped = read_heads(tmp_path / "heads").manifest.privacy
    assert swapped.kind == "refuted"
    assert swapped.faults == ("It speaks of other heads than these.",)
    with pytest.raises(InputError, match="Nothing is proven of the heads to start from"):
        harden(emb, "train", SETTINGS, tmp_path / "third", Public(start=read_heads(tmp_path / "heads")))


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        ({"steps": 5}, "The manifest and the statement differ in the number of steps."),
        ({"public": None}, "The manifest and the statement differ in the public set."),
        ({"start": "given"}, "The manifest and the statement differ in the starting heads."),
        (
            {"start": "given, hardened before"},
            "The manifest and the statement differ in the earlier",
        ),
        (
            {"anchors": {"labels": ["Edema"], "source": "given"}},
            "The manifest and the statement differ in the",
        ),
        ({"settings.mechanism": "batch-clip"}, "The field mechanism does not follow from the settings."),
        ({"settings.clip": 0.1}, "The field clip does not follow from the settings."),
        ({"settings.epsilon": 0.1}, "The stated epsilon is 0.9"),
        ({"privacy.rate": 0.01}, "The field rate does not follow from the settings."),
    ],
)
def test_a_manifest_that_contradicts_its_statement_says_so_when_read(emb, public, tmp_path, edit, fault):
    harden(emb, "train", SETTINGS, tmp_path / "heads", public)
    file = tmp_path / "heads/manifest.json"
    told = json.loads(file.read_text())
    for place, value in edit.items():
        *above, key = place.split(".")
        (told[above[0]] if above else told)[key] = value
    file.write_text(json.dumps(told))
    stated = read_heads(tmp_path / "heads").manifest.privacy
    assert stated.kind == "refuted"
    assert any(found.startswith(fault) for found in stated.faults)
    assert stated.sentence.startswith("the statement of these heads does not hold: ")


def test_seeded_noise_repeats_the_heads_and_fresh_noise_does_not(emb, public, tmp_path):
    def weights(seed_noise):
        chosen = replace(SETTINGS, seed_noise=seed_noise)
        return harden(emb, "train", chosen, tmp_path / "heads", public).pair.image.weight.detach()

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))
    assert not torch.equal(weights(None), weights(None))
    manifest = json.loads((tmp_path / "heads/manifest.json").read_text())
    assert "seed_noise" not in manifest["settings"]


def test_only_the_split_that_is_named_trains(emb, public, tmp_path):
    """Other patients' features may be anything."""
    chosen = replace(SETTINGS, seed_noise=1)
    other = replaced(emb, image_features=emb.image_features.copy())
    other.image_features[(emb.pairs["split"] != "train").to_numpy()] = 1e3
    one, two = (
        harden(some, "train", chosen, tmp_path / "heads", public).pair.image.weight for some in (emb, other)
    )
    assert torch.equal(one, two)


def test_features_are_not_copied_and_stay_as_they_are(emb, public):
    prepared = prepare(emb, "train", SETTINGS, public)
    assert prepared.pairs.images.data_ptr() == emb.image_features.ctypes.data
    train = np.flatnonzero(emb.pairs["split"] == "train")
    assert set(prepared.pairs.units.rows.tolist()) == set(train.tolist())
    assert len(prepared.pairs.units) == 40


def test_the_plan_is_made_of_public_numbers(emb, public):
    """q = batch / population, noise = σ · sensitivity, the divisor is the batch; no count of the cohort."""
    for name, multiple in (("label-anchored", 1), ("grouped", 2), ("batch-clip", 2)):
        prepared = prepare(emb, "train", replace(SETTINGS, mechanism=name), public)
        plan, stated = prepared.plan, prepared.statement
        assert (plan.rate, plan.divisor, plan.steps, plan.clip) == (0.2, 20.0, 4, 0.5)
        assert plan.noise == pytest.approx(stated.noise_multiplier * multiple)
        assert stated.rate == plan.rate


def test_without_public_embeddings_anchors_are_random_and_heads_fresh(emb):
    prepared = prepare(emb, "train", SETTINGS, Public())
    assert prepared.anchors.source == "random orthogonal directions from the seed 0"
    assert prepared.origin == "fresh heads from the seed 0"
    assert prepared.anchors.labels == LABELS


def refusal(emb, tmp_path, public=None, **choices):
    train = choices.pop("train", "train")
    with pytest.raises(InputError) as error:
        harden(emb, train, replace(SETTINGS, **choices), tmp_path / "heads", public)
    assert not (tmp_path / "heads").exists()
    return str(error.value)


def overlapping(emb, public):
    """The public cohort with one private patient's id, one private pair's id, and one private image."""
    for column in ("patient_id", "pair_id"):
        known = public.pairs[column].to_list()
        known[5] = emb.pairs[column][77]
        pairs = public.pairs.with_columns(pl.Series(column, known))
        yield f"ids of {column.removesuffix('_id')}s", replaced(public, pairs=pairs)
    images = public.image_features.copy()
    images[-1] = emb.image_features[3]
    yield "images", replaced(public, image_features=images)


def test_what_is_shared_is_what_enumeration_finds(emb):
    """Row by row and id by id, for public cohorts that share something or nothing."""
    other = planted(seed=3)
    for _, public in (("nothing", other), *overlapping(emb, other)):
        shared = shared_with(emb, public)
        for what, count in (("patient", shared.patients), ("pair", shared.pairs)):
            assert count == len(set(emb.pairs[f"{what}_id"]) & set(public.pairs[f"{what}_id"]))
        equal = [(row == public.image_features).all(1).any() for row in emb.image_features]
        assert shared.images == sum(equal)


def test_more_patients_than_the_population_and_fewer_than_the_batch_are_trained(emb, public, tmp_path):
    """Whether heads appear must not tell how many patients there are; what is stated follows from q alone."""
    for choices in ({"population": 39}, {"batch": 41}):
        made = harden(emb, "train", replace(SETTINGS, **choices), tmp_path / "heads", public)
        assert recheck(made.manifest.privacy, made.manifest.settings).faults == ()


def test_what_is_refused(emb, public, tmp_path):
    unlabelled = replaced(emb, manifest=replace(emb.manifest, labels=()))
    cards = sketched_card(id="towers:x+tfidf"), sketched_card(id="other")
    fitted, stranger = (
        replaced(which, manifest=replace(emb.manifest, encoder=card))
        for which, card in zip((emb, public.embeddings), cards, strict=True)
    )
    wide = planted(images=11)
    assert "has no labels to anchor to" in refusal(unlabelled, tmp_path)
    assert "was fitted on the cohort's own reports" in refusal(fitted, tmp_path)
    assert "has no pair in the split blue" in refusal(emb, tmp_path, train="blue")
    assert "needs public embeddings" in refusal(emb, tmp_path, mechanism="public-negatives")
    assert "holds the private cohort itself" in refusal(emb, tmp_path, Public(embeddings=emb))
    for shared, public in overlapping(emb, planted(seed=3)):
        assert f"emb and emb share {shared}, so emb is not public" in refusal(
            emb, tmp_path, Public(embeddings=public)
        )
    assert "embed the public cohort with the same model" in refusal(
        emb, tmp_path, Public(embeddings=stranger)
    )
    start = Heads(prepare(wide, "train", SETTINGS, Public()).inside.start, None)
    assert "The heads to start from take features of 11 and 7" in refusal(emb, tmp_path, Public(start=start))
    assert "takes linear heads" in refusal(emb, tmp_path, mechanism="logit", head="mlp", hidden=3)
    assert "give outside drop" in refusal(emb, tmp_path, head="mlp", hidden=3)


def test_a_population_much_larger_than_the_split_is_pointed_out(emb, public, tmp_path, capsys):
    chosen = replace(SETTINGS, epsilon=None)
    harden(emb, "train", replace(chosen, population=1000), tmp_path / "heads", public)
    assert "less than half of the stated population of 1000" in capsys.readouterr().err
    harden(emb, "train", replace(chosen, population=50), tmp_path / "heads", public)
    assert "stated population" not in capsys.readouterr().err


def test_few_patients_to_train_on_are_pointed_out(emb, public, tmp_path, capsys, monkeypatch):
    chosen = replace(SETTINGS, epsilon=None, population=50)
    harden(emb, "train", chosen, tmp_path / "heads", public)
    said = capsys.readouterr().err
    assert "The split train has fewer than 5,000 patients" in said
    assert "label precision in both directions" in said
    trained = emb.split("train").pairs["patient_id"].n_unique()
    for least, few in ((trained, False), (trained + 1, True)):
        monkeypatch.setattr("relinkage.privacy.hardening.LEAST_PATIENTS", least)
        harden(emb, "train", chosen, tmp_path / "heads", public)
        assert ("has fewer than" in capsys.readouterr().err) == few
