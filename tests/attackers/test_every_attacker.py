"""What holds for all attackers: nothing from nothing, the same from the same seed, and pairs enough."""

from typing import get_args

import numpy as np
import pytest
import shared_latent

from relinkage.attackers import ATTACKERS, AttackerName, AttackSettings, AuxiliaryPairs, load_attacker
from relinkage.attackers.heads import Retrained
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, measure
from relinkage.options import fields_of

LEARNING = [name for name in ATTACKERS if load_attacker(name).needs_pairs]
REALIGNING = [name for name in LEARNING if not load_attacker(name).one_space]


def attacker(name, seed=0):
    """The attacker, of heads a quick one."""
    return Retrained(seed, dimension=16, steps=(100,)) if name == "heads" else load_attacker(name, seed)


def on_chance(images, texts):
    settings = AuditSettings(pool=(10, 100, "full"), k=(1, 5), direction="both", replicates=400)
    return all(row.on_chance for row in measure(images, texts, settings=settings).result.closed_set)


@pytest.mark.parametrize("name", ATTACKERS)
def test_sides_that_share_nothing_stay_on_chance(name):
    pairs = shared_latent.draw(900, np.zeros(10), nuisance=4, loud=3, seed=3)
    known, held = np.arange(400), pairs.rows(np.arange(400, 900))
    fitted = attacker(name).fit(pairs.known(known))
    assert on_chance(*fitted.transform(held.images, held.texts))


@pytest.mark.slow
@pytest.mark.parametrize("name", REALIGNING)
def test_scrambled_pairs_teach_nothing(name):
    """One scramble is one map, which may lean either way for all images; over many it evens out."""
    pairs = shared_latent.draw(300, np.full(10, 0.9), seed=4)

    def share_ahead(order, seed):
        texts = pairs.texts @ shared_latent.rotation(10, seed)
        known = AuxiliaryPairs(pairs.images[:120], texts[:120][order], pairs.patient[:120])
        fitted = attacker(name, seed).fit(known)
        scores = shared_latent.cosines(*fitted.transform(pairs.images[120:], texts[120:]))
        return (scores < np.diag(scores)[:, None]).sum() / (180 * 179)

    shares = [share_ahead(np.random.default_rng(seed).permutation(120), seed) for seed in range(10)]
    assert abs(np.mean(shares) - 0.5) < 4 * np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert np.std(shares) < 0.15
    assert share_ahead(np.arange(120), 0) > 0.8


@pytest.mark.parametrize("name", ATTACKERS)
def test_the_same_seed_gives_the_same_vectors(name):
    pairs = shared_latent.draw(150, np.full(6, 0.8), studies=2)
    made = [
        attacker(name, seed=2).fit(pairs.known(np.arange(100))).transform(pairs.images, pairs.texts)
        for _ in range(2)
    ]
    for one, other in zip(*made, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ATTACKERS)
def test_single_precision_is_taken_and_left_as_it_is(name):
    pairs = shared_latent.draw(150, np.full(6, 0.8))
    images, texts = pairs.images.astype(np.float32), pairs.texts.astype(np.float32)
    before = images.copy(), texts.copy()
    made = attacker(name).fit(AuxiliaryPairs(images[:80], texts[:80], pairs.patient[:80]))
    left, right = made.transform(images, texts)
    assert (len(left), len(right)) == (150, 150)
    assert left.shape[1] == right.shape[1]
    assert np.isfinite(left).all()
    assert np.isfinite(right).all()
    np.testing.assert_array_equal(images, before[0])
    np.testing.assert_array_equal(texts, before[1])


@pytest.mark.parametrize("name", ATTACKERS)
def test_equal_texts_stay_equal_in_score(name):
    pairs = shared_latent.draw(200, np.full(6, 0.8))
    texts = pairs.texts.copy()
    texts[150:] = texts[100:150]
    left, right = attacker(name).fit(pairs.known(np.arange(100))).transform(pairs.images, texts)
    scores = shared_latent.cosines(left, right)
    np.testing.assert_allclose(scores[:, 150:], scores[:, 100:150], rtol=0, atol=2.0**-40)


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize(
    ("rows", "studies", "words"),
    [
        (9, 1, "There are 9 auxiliary pairs of 9 patients"),
        (20, 5, "There are 20 auxiliary pairs of 4 patients"),
    ],
)
def test_too_few_pairs_are_refused(name, rows, studies, words):
    pairs = shared_latent.draw(rows, [0.5] * 3, studies=studies).known(np.arange(rows))
    with pytest.raises(InputError, match=words):
        load_attacker(name).fit(pairs)


@pytest.mark.parametrize("name", LEARNING)
def test_no_pairs_and_pairs_of_which_one_side_never_varies_are_refused(name):
    pairs = shared_latent.draw(40, [0.5] * 3)
    with pytest.raises(InputError, match="learns from auxiliary pairs"):
        load_attacker(name).fit(None)
    with pytest.raises(InputError, match="texts of the auxiliary pairs all have the same vector"):
        load_attacker(name).fit(AuxiliaryPairs(pairs.images, np.ones((40, 3)), pairs.patient))


def test_ten_pairs_of_five_patients_are_just_enough():
    pairs = shared_latent.draw(10, [0.9] * 3, widths=(20, 8), studies=2).known(np.arange(10))
    for name in REALIGNING:
        left, _ = attacker(name).fit(pairs).transform(pairs.images, pairs.texts)
        assert np.isfinite(left).all()


def test_names_are_read_from_a_comma_list():
    (attacker,) = (field for field in fields_of(AttackSettings) if field.name == "attackers")
    assert attacker.parse("cca, ridge,cca") == ("cca", "ridge", "cca")
    assert AttackSettings(attackers=("cca", "ridge", "cca")).names == ("cca", "ridge")
    for wrong in ("cca,oracle", " , "):
        with pytest.raises(InputError, match="is not a valid attacker; give cosine, centre, whiten"):
            attacker.parse(wrong)
    with pytest.raises(InputError, match="attackers oracle is not known; give one of cosine, centre, whiten"):
        load_attacker("oracle")


def test_the_settings_name_every_attacker():
    assert get_args(AttackerName) == tuple(ATTACKERS)
