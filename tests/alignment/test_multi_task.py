"""The multi-task objective: its parts, what it looks at, and that validation patients stop it."""

import numpy as np
import polars as pl
import pytest
import torch

from relinkage.alignment import AlignSettings, PairLabels, Weights, train_heads
from relinkage.alignment.multi_task import MultiTask
from relinkage.alignment.objectives import abnormality_loss, contrast, same_class, shared_labels
from relinkage.errors import InputError

PAIRS = pl.DataFrame(
    {
        "No Finding": [1, 0, None, 1, None, 1],
        "Edema": [0, 1, -1, None, None, 1],
        "Pneumonia": [None, 0, 0, 0, None, 0],
        "Support Devices": [1, 0, 1, 1, 1, 0],
    }
)
LABELS = tuple(PAIRS.columns)


def units(rng, n, d=4):
    drawn = rng.normal(size=(n, d))
    return torch.from_numpy((drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32))


def test_abnormal_is_a_positive_finding_and_normal_a_report_that_says_so():
    made = PairLabels.of(PAIRS, LABELS)
    np.testing.assert_array_equal(made.abnormal, np.float32([0, 1, np.nan, 0, np.nan, 1]))
    np.testing.assert_array_equal(made.positive, [[0, 0], [1, 0], [0, 0], [0, 0], [0, 0], [1, 0]])


def test_without_a_label_for_it_normal_is_no_finding_positive_or_uncertain():
    made = PairLabels.of(PAIRS, ("Edema", "Pneumonia"))
    np.testing.assert_array_equal(made.abnormal, np.float32([0, 1, np.nan, 0, 0, 1]))


@pytest.mark.parametrize("classes", ["abnormal", "labels"])
def test_the_objective_is_the_weighted_sum_of_its_parts(classes):
    rng = np.random.default_rng(0)
    settings = AlignSettings(
        objective="multi-task",
        weights=Weights(bce=0.5, supcon=2, clip=3),
        classes=classes,
        head="linear",
        dimension=4,
        temperature=0.2,
    )
    patient = torch.tensor([0, 0, 1, 2, 3, 4])
    labels = PairLabels.of(PAIRS, LABELS)
    objective = MultiTask(settings, patient, labels)
    rows = torch.tensor([5, 1, 0, 3])
    images, texts = units(rng, 4), units(rng, 4)
    abnormal, positive = torch.from_numpy(labels.abnormal)[rows], torch.from_numpy(labels.positive)[rows]
    told = [abnormality_loss(objective.classifier(side)[:, 0], abnormal) for side in (images, texts)]
    expected = 0.5 * (told[0] + told[1]) / 2 + contrast(
        images, texts, 0.2, clip=3, supcon=2,
        positives=same_class(abnormal) if classes == "abnormal" else shared_labels(positive),
        same=patient[rows, None] == patient[rows],
    )  # fmt: skip
    relations = objective.relation(rows, 0), objective.relation(rows, 1)
    assert objective(images, texts, rows, relations).item() == pytest.approx(expected.item(), rel=1e-6)


def planted(rng, pairs=400):
    """Features that show an abnormality to both sides, and to each something of its own besides."""
    abnormal = rng.integers(0, 2, pairs)
    shown = 2.0 * abnormal[:, None] - 1
    images = shown * np.eye(1, 8) + rng.normal(size=(pairs, 8))
    texts = shown * np.eye(1, 6) + rng.normal(size=(pairs, 6))
    labels = PairLabels(abnormal.astype(np.float32), abnormal[:, None].astype(np.float32))
    return images.astype(np.float32), texts.astype(np.float32), labels


def of_one_class(heads, images, texts, labels):
    """The share of each image's ten nearest reports that are of its class; chance is a half."""
    with torch.no_grad():
        near = heads.embed_images(torch.from_numpy(images)) @ heads.embed_texts(torch.from_numpy(texts)).T
    nearest = near.numpy().argsort(axis=1)[:, -10:]
    return (labels.abnormal[nearest] == labels.abnormal[:, None]).mean()


@pytest.mark.parametrize("weights", [Weights(bce=1), Weights(supcon=1), Weights(bce=1, supcon=1, clip=1)])
def test_classes_come_together_in_pairs_that_were_not_trained_on(weights):
    rng = np.random.default_rng(1)
    train, held = planted(rng), planted(rng)
    settings = AlignSettings(
        objective="multi-task", weights=weights, head="mlp", hidden=16, dimension=4, steps=100, batch=128,
        temperature=0.3, lr=1e-2,
    )  # fmt: skip
    heads = train_heads(*train[:2], np.arange(400), settings, train[2]).heads
    assert of_one_class(heads, *held) > 0.7


def test_validation_patients_are_others_stop_the_training_and_keep_what_they_liked_best():
    rng = np.random.default_rng(2)
    images, texts, labels = planted(rng, 60)  # few enough to be learnt by heart
    patient = np.arange(60) // 2
    settings = AlignSettings(
        objective="multi-task", weights=Weights(bce=1, supcon=1, clip=1), head="mlp", hidden=64, dropout=0,
        dimension=8, steps=400, batch=32,
        lr=2e-2, validation=0.3, patience=3,
    )  # fmt: skip
    made = train_heads(images, texts, patient, settings, labels)
    steps, values = zip(*made.watched, strict=True)
    assert len(made.losses) < 400
    assert made.kept == steps[int(np.argmin(values))]
    assert len(steps) - 1 - int(np.argmin(values)) == 3
    assert steps[0] == 20
    assert len(made.losses) == steps[-1]


def test_one_seed_one_pair_of_heads():
    rng = np.random.default_rng(3)
    images, texts, labels = planted(rng, 80)

    def weights(seed):
        settings = AlignSettings(
            objective="multi-task", head="linear", dimension=4, steps=12, batch=16, seed=seed
        )
        made = train_heads(images, texts, np.arange(80), settings, labels).heads
        return torch.cat([tensor.flatten() for tensor in made.state_dict().values()])

    assert torch.equal(weights(4), weights(4))
    assert not torch.equal(weights(4), weights(5))


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (
            {},
            "weights bce=0,supcon=0,clip=0 leaves nothing to train by; give one a number above 0.",
        ),
        ({"bce": -1}, "bce -1 is not a valid bce; give a number from 0 up."),
        ({"clip": float("nan")}, "clip nan is not a valid clip; give a number from 0 up."),
        ({"clip": float("inf")}, "clip inf is not a valid clip; give a number from 0 up."),
    ],
)
def test_weights_that_make_no_objective_are_refused(weights, said):
    with pytest.raises(InputError) as error:
        Weights(**weights)
    assert str(error.value) == said


def test_an_objective_that_looks_at_labels_needs_some():
    rng = np.random.default_rng(4)
    images, texts, _ = planted(rng, 20)
    with pytest.raises(InputError, match="needs labels"):
        train_heads(images, texts, np.arange(20), AlignSettings(objective="multi-task", dimension=4, steps=2))
    only_mates = AlignSettings(objective="multi-task", weights=Weights(clip=1), dimension=4, steps=2)
    train_heads(images, texts, np.arange(20), only_mates)
