"""Numbers of each side from a bank of auxiliary vectors: a pair scores the same whatever else is attacked."""

import numpy as np
import pytest
import shared_latent

from relinkage.attackers.banks import NEIGHBOURS, SHARPNESS, Bank, FittedBank
from relinkage.attackers.cross_validation import unit
from relinkage.attackers.protocol import AuxiliaryPairs


def drawn():
    random = np.random.default_rng(0)
    images, texts = random.normal(size=(30, 5)) + 0.5, random.normal(size=(20, 5)) + 0.5
    return images, texts, unit(random.normal(size=(40, 5))), unit(random.normal(size=(35, 5)))


@pytest.mark.parametrize("sharpness", SHARPNESS)
def test_the_inverted_softmax_is_that_of_a_double_loop(sharpness):
    images, texts, bank_images, bank_texts = drawn()
    u, v = FittedBank("inverted-softmax", bank_images, bank_texts, sharpness).transform(images, texts)
    expected = np.empty((30, 20))
    for i, image in enumerate(unit(images)):
        for j, text in enumerate(unit(texts)):
            taken = np.log(np.mean([np.exp(sharpness * image @ other) for other in bank_texts])) / sharpness
            given = np.log(np.mean([np.exp(sharpness * text @ other) for other in bank_images])) / sharpness
            expected[i, j] = image @ text - taken - given
    scores = u @ v.T
    np.testing.assert_allclose(scores - scores.mean(), expected - expected.mean(), atol=1e-9)


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_csls_over_a_bank_is_that_of_a_double_loop(neighbours):
    images, texts, bank_images, bank_texts = drawn()
    u, v = FittedBank("csls", bank_images, bank_texts, neighbours).transform(images, texts)
    expected = np.empty((30, 20))
    for i, image in enumerate(unit(images)):
        for j, text in enumerate(unit(texts)):
            near = [sorted(one @ other for other in bank)[-neighbours:]
                    for one, bank in ((image, bank_texts), (text, bank_images))]  # fmt: skip
            expected[i, j] = image @ text - np.mean(near[0]) / 2 - np.mean(near[1]) / 2
    scores = u @ v.T
    np.testing.assert_allclose(scores - scores.mean(), expected - expected.mean(), atol=1e-9)


@pytest.mark.parametrize("rule", ["csls", "inverted-softmax"])
def test_differences_of_scores_do_not_depend_on_what_else_is_attacked(rule):
    images, texts, bank_images, bank_texts = drawn()
    fitted = FittedBank(rule, bank_images, bank_texts, 10)
    whole, part = ((lambda u, v: u @ v.T)(*fitted.transform(images, some)) for some in (texts, texts[:7]))
    np.testing.assert_allclose(np.diff(whole[:, :7]), np.diff(part), atol=1e-9)


@pytest.mark.parametrize("rule", ["csls", "inverted-softmax"])
def test_hubs_that_the_bank_shows_are_taken_away(rule):
    random = np.random.default_rng(0)
    pairs = shared_latent.draw(800, np.full(20, 0.75), seed=1)
    texts = pairs.texts + random.exponential(size=(800, 1)) / 2 * np.full(20, 2.0)
    images = pairs.images + 2
    known = AuxiliaryPairs(images[:200], texts[:200], pairs.patient[:200])
    cosine = shared_latent.hits(shared_latent.cosines(images[200:], texts[200:])).mean()
    fitted = Bank(rule).fit(known)
    assert len(fitted.images) == 200
    found = shared_latent.hits(shared_latent.cosines(*fitted.transform(images[200:], texts[200:]))).mean()
    assert found > 1.15 * cosine


def test_a_bank_holds_each_vector_once(monkeypatch):
    pairs = shared_latent.draw(40, np.full(4, 0.8), studies=2)
    doubled = AuxiliaryPairs(pairs.images, np.repeat(pairs.texts[::2], 2, axis=0), pairs.patient)
    assert len(Bank("csls").fit(doubled).texts) == 20
    monkeypatch.setattr("relinkage.attackers.banks.LARGEST_BANK", 15)
    assert len(Bank("csls").fit(doubled).images) == 15
