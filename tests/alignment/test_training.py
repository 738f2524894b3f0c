"""Heads are trained on frozen features: they find planted pairs, repeat themselves and take raw features."""

import numpy as np
import pytest
import torch

from relinkage.alignment import AlignSettings, train_heads
from relinkage.alignment.features import StandardFeatures
from relinkage.encoders.heads import HeadPair
from relinkage.errors import InputError

SMALL = {"dimension": 8, "steps": 25, "hidden": 16}


def planted(rng, pairs=300, hidden=6, images=20, texts=15):
    """Image and text features that look at the same hidden things: pairs to train on, and held-out ones."""
    see, read = rng.normal(size=(hidden, images)), rng.normal(size=(hidden, texts))

    def draw():
        things = rng.normal(size=(pairs, hidden))
        image = things @ see + 0.3 * rng.normal(size=(pairs, images))
        text = things @ read + 0.3 * rng.normal(size=(pairs, texts))
        return (image * 50 + 900).astype(np.float32), (text * 0.01 - 3).astype(np.float32)

    return draw(), draw()


def share_ahead(heads, images, texts):
    """The mean share of distractors that score below the mate: 0.5 is chance."""
    with torch.no_grad():
        scores = heads.embed_images(torch.from_numpy(images)) @ heads.embed_texts(torch.from_numpy(texts)).T
    return ((scores < scores.diag()[:, None]).sum(1) / (len(scores) - 1)).mean().item()


def weights(trained):
    return {name: tensor.numpy() for name, tensor in trained.heads.state_dict().items()}


def few(rng, pairs=40):
    (images, texts), _ = planted(rng, pairs)
    return images, texts, np.arange(pairs)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("head", ["linear", "mlp"])
@pytest.mark.parametrize("batch", [64, 1024])
def test_planted_pairs_are_found_among_held_out_ones(rng, head, batch):
    (images, texts), (held_images, held_texts) = planted(rng)
    settings = AlignSettings(head=head, dimension=8, hidden=32, steps=80, batch=batch, lr=1e-2)
    trained = train_heads(images, texts, np.arange(300), settings)
    assert share_ahead(trained.heads, held_images, held_texts) > 0.9
    assert trained.losses[-10:].mean() < trained.losses[0] - 1


def test_scrambled_pairs_teach_nothing_about_held_out_ones(rng):
    (images, texts), (held_images, held_texts) = planted(rng)
    scrambled = texts[rng.permutation(300)]
    heads = train_heads(images, scrambled, np.arange(300), AlignSettings(dimension=8, steps=60)).heads
    assert share_ahead(heads, held_images, held_texts) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_heads_take_raw_features_as_if_they_were_standardised(rng, head, monkeypatch):
    """Training twice from one seed, once keeping the heads as they are before folding."""
    images, texts, patient = few(rng)
    settings = AlignSettings(head=head, **SMALL)
    folded = train_heads(images, texts, patient, settings).heads
    monkeypatch.setattr(StandardFeatures, "fold_into", lambda *arguments: None)
    unfolded = train_heads(images, texts, patient, settings).heads
    with torch.no_grad():
        for features, one, other in (
            (images, folded.embed_images, unfolded.embed_images),
            (texts, folded.embed_texts, unfolded.embed_texts),
        ):
            standardised = (features - features.mean(0, np.float64)) / features.std(0, dtype=np.float64)
            np.testing.assert_allclose(
                one(torch.from_numpy(features)), other(torch.from_numpy(standardised).float()), atol=1e-3
            )


def test_a_feature_that_never_changes_does_no_harm(rng):
    images, texts, patient = few(rng)
    images[:, 3], texts[:, 0] = 7, 0
    trained = train_heads(images, texts, patient, AlignSettings(**SMALL))
    assert all(np.isfinite(tensor).all() for tensor in weights(trained).values())


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_one_seed_one_pair_of_heads(rng, head):
    images, texts, patient = few(rng)

    def trained(seed):
        made = train_heads(images, texts, patient, AlignSettings(head=head, seed=seed, batch=16, **SMALL))
        return np.concatenate([tensor.ravel() for tensor in weights(made).values()])

    torch.manual_seed(1)
    first = trained(5)
    torch.manual_seed(2)
    np.testing.assert_array_equal(trained(5), first)
    assert not np.array_equal(trained(6), first)


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_one_thread_trains_the_same_heads_as_two(rng, head):
    images, texts, patient = few(rng)
    made = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            made.append(weights(train_heads(images, texts, patient, AlignSettings(head=head, **SMALL))))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for name, one in made[0].items():
        np.testing.assert_allclose(one, made[1][name], rtol=1e-3, atol=1e-5)


def test_the_callers_random_numbers_are_left_alone(rng):
    images, texts, patient = few(rng)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    train_heads(images, texts, patient, AlignSettings(head="mlp", **SMALL))
    assert torch.equal(torch.rand(4), expected)


def test_heads_come_back_ready_for_use(rng):
    images, texts, patient = few(rng)
    trained = train_heads(images, texts, patient, AlignSettings(head="mlp", dropout=0.5, **SMALL))
    assert isinstance(trained.heads, HeadPair)
    assert not trained.heads.training
    first, second = (trained.heads.embed_images(torch.from_numpy(images)) for _ in range(2))
    assert torch.equal(first, second)
    torch.testing.assert_close(first.norm(dim=1), torch.ones(40))


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11, 20])
def test_any_number_of_steps(rng, steps):
    trained = train_heads(*few(rng), AlignSettings(dimension=4, steps=steps))
    assert trained.losses.shape == (steps,)
    assert np.isfinite(trained.losses).all()


@pytest.mark.parametrize(("pairs", "batch", "steps"), [(40, 1024, 300), (64, 2, 320)])
def test_by_default_ten_passes_and_no_less_than_300_steps(rng, pairs, batch, steps):
    images, texts = rng.normal(size=(2, pairs, 3)).astype(np.float32)
    trained = train_heads(images, texts, np.arange(pairs), AlignSettings(dimension=2, batch=batch))
    assert len(trained.losses) == steps


def test_a_patients_own_pairs_are_negatives_only_when_asked(rng):
    images, texts, _ = few(rng)
    patient = np.arange(40) // 2
    first = [
        train_heads(
            images, texts, patient, AlignSettings(dimension=4, steps=1, same_patient_negatives=asked)
        ).losses[0]
        for asked in (False, True)
    ]
    assert first[0] < first[1]


def test_one_patient_cannot_be_told_from_others(rng):
    images, texts, _ = few(rng)
    with pytest.raises(InputError) as error:
        train_heads(images, texts, np.zeros(40, int), AlignSettings())
    assert str(error.value) == (
        "Training needs pairs of at least two patients; name a larger split with train."
    )


@pytest.mark.parametrize(
    ("choice", "value", "said"),
    [
        ("objective", "mse", "objective mse is not a valid objective; give infonce or multi-task."),
        ("head", "deep", "head deep is not a valid head; give linear or mlp."),
        ("dimension", 0, "dimension 0 is not a valid dimension; give a whole number from 1 to 65536."),
        ("hidden", 0, "hidden 0 is not a valid hidden; give a whole number from 1 to 65536."),
        ("dropout", 1.0, "dropout 1 is not a valid dropout; give a number from 0 and below 1."),
        ("dropout", -0.1, "dropout -0.1 is not a valid dropout; give a number from 0 and below 1."),
        ("temperature", 0, "temperature 0 is not a valid temperature; give a number from 0.0001 to 10000."),
        ("temperature", float("nan"), "temperature nan is not a valid temperature; give a number from"),
        ("steps", 0, "steps 0 is not a valid number of steps; give a whole number from 1 up."),
        ("batch", 1, "batch 1 is not a valid number of pairs; give a whole number from 2 up."),
        ("lr", -1e-3, "lr -0.001 is not a valid learning rate; give a number above 0."),
        ("lr", float("inf"), "lr inf is not a valid learning rate; give a number above 0."),
        ("weight_decay", -1, "weight_decay -1 is not a valid weight decay; give a number from 0 up."),
        ("validation", 1.0, "validation 1 is not a valid share of the patients; give a number from 0 and"),
        ("patience", 0, "patience 0 is not a valid number of looks; give a whole number from 1 up."),
        ("seed", -1, "seed -1 is not a valid seed; give a whole number from 0 to 4294967295."),
    ],
)
def test_choices_that_are_none(choice, value, said):
    with pytest.raises(InputError) as error:
        AlignSettings(**{choice: value})
    assert str(error.value).startswith(said)


def test_the_shape_of_heads_and_who_is_watched_follow_from_the_objective():
    assert (AlignSettings().kind, AlignSettings().watched) == ("linear", 0)
    many = AlignSettings(objective="multi-task")
    assert (many.kind, many.watched) == ("mlp", 0.1)
    assert AlignSettings(objective="multi-task", head="linear", validation=0.2).kind == "linear"


def test_images_texts_and_patients_are_equally_many(rng):
    images, texts, patient = few(rng)
    for fewer in (
        (images[:39], texts, patient),
        (images, texts[:39], patient),
        (images, texts, patient[:39]),
    ):
        with pytest.raises(ValueError, match="do not pair"):
            train_heads(*fewer, AlignSettings(**SMALL))
