"""The GPU engine gives the integers of float64, however its work is cut; on the processor if need be."""

import numpy as np
import oracle
import pytest
import torch
from exactness import fitting

from relinkage.errors import InputError
from relinkage.linkage.engines import Mates, Portable, Question, gpu
from relinkage.linkage.engines.gpu import Gpu, Shape
from relinkage.linkage.ranks import Strata, count_both, count_ranks
from relinkage.linkage.vectors import Vectors
from tiers import quick

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SMALL = Shape(rows=32, columns=64, settled=50)


@pytest.fixture(scope="module")
def engine():
    return Gpu(DEVICE, SMALL)


def pairs(seed, d, queries=70, candidates=130):
    """Queries near their mates; a fourth of the candidates are copies of one of eight."""
    rng = np.random.default_rng(seed)
    reports = rng.normal(size=(candidates, d)) + 0.5
    reports[::4] = reports[rng.integers(0, 8, len(reports[::4])) * 4]
    mate = rng.integers(0, candidates, queries)
    return reports[mate] + rng.normal(size=(queries, d)), reports, mate


def prepared(*arrays):
    return [Vectors.prepare(array, "vectors") for array in arrays]


def assert_exact(engine, images, reports, mate, both=False):
    """Compare with the whole matrix of float64 cosines."""
    scores = oracle.cosines(images, reports)
    expected = [oracle.count(scores, mate)]
    if both:
        expected.append(oracle.count(scores.T[mate], np.arange(len(images))))
        got = count_both(*prepared(images, reports), mate, engine=engine)
    else:
        got = [count_ranks(*prepared(images, reports), mate, engine=engine)]
    for counted, true in zip(got, expected, strict=True):
        np.testing.assert_array_equal(counted.above[0], true.above)
        np.testing.assert_array_equal(counted.ties[0], true.ties)
    return got[0]


@pytest.mark.parametrize("dtype", quick(1, [np.float16, np.float32, np.float64]))
def test_both_directions_with_copies_of_the_mate(engine, dtype):
    images, reports, mate = pairs(0, 24)
    counted = assert_exact(engine, images.astype(dtype), reports.astype(dtype), mate, both=True)
    assert counted.ties.sum() > 30


@pytest.mark.parametrize("d", [1, 8, 40, 130, 200])
def test_any_width(engine, d):
    """One dimension, less than a step, and more than fit in one step."""
    assert_exact(engine, *pairs(d, d, queries=33, candidates=65))


def test_one_query_and_one_candidate(engine):
    counted = count_ranks(*prepared(np.ones((1, 3)), -np.ones((1, 3))), np.array([0]), engine=engine)
    assert (counted.above, counted.ties) == ([[0]], [[0]])


def test_many_panels_blocks_and_lists():
    """Blocks of 16 rows and 32 columns, in panels of 40 vectors, of which 12 pairs are settled at a time."""
    images, reports, mate = pairs(1, 8, queries=50, candidates=70)
    shape = Shape(rows=16, columns=32, panel=40 * (8 * 4 + 2 * 16 + 64), settled=12)
    counted = assert_exact(Gpu(DEVICE, shape), images.astype(np.float32), reports.astype(np.float32), mate)
    assert counted.ties.sum() > 20


def test_vectors_that_are_all_alike_are_all_settled(engine):
    """Nothing is left when they are centred, and no product can tell them apart."""
    same = np.tile(np.random.default_rng(2).normal(size=24), (40, 1))
    counted = assert_exact(engine, same, same, np.arange(40))
    assert (counted.ties == 39).all()


def test_a_cone_so_narrow_that_half_precision_cannot_see_into_it(engine):
    rng = np.random.default_rng(3)
    images, reports = rng.normal(size=(2, 40, 16)) + 1e4
    assert_exact(engine, images, reports, np.arange(40))


@pytest.mark.parametrize(("dtype", "least"), [(np.float32, 2.0**-145), (np.float64, 2.0**-1070)])
def test_subnormal_numbers(engine, dtype, least):
    rng = np.random.default_rng(4)
    images, reports = (rng.integers(-9, 10, (40, 12)) * least + least for _ in range(2))
    images, reports = (side.astype(dtype)[np.abs(side).sum(axis=1) > 0] for side in (images, reports))
    assert_exact(engine, images, reports, np.arange(len(images)) % len(reports))


@pytest.mark.parametrize("exponent", [-41, -39])
def test_the_edge_of_a_tie(engine, exponent):
    """The cosine of (1, x) with (1, 0) is about 1 - x²/2, so one step dx further it is less by x·dx."""
    x, dx = (2.0**-9, 2.0**-32) if exponent == -41 else (2.0**-8, 2.0**-31)
    images = np.array([[1, 0], [1, 0]], np.float32)
    reports = np.array([[1, x], [1, x + dx]], np.float32)
    counted = count_ranks(*prepared(images, reports), np.array([0, 1]), engine=engine)
    tied = exponent < -40
    assert counted.ties[0].tolist() == [tied, tied]
    assert counted.above[0].tolist() == [0, not tied]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_nested_strata_in_both_directions(engine, seed):
    """Some strata are wider than a tile, some narrower, some have no candidate."""
    images, reports, mate = pairs(seed, 16, candidates=200)
    rng = np.random.default_rng(seed)
    coarse, fine = rng.choice([0, 2, 2, 2, 5], 200), rng.integers(0, 9, 200)
    of_query = coarse[mate], fine[mate]
    of_query[0][::7] += 1  # a stratum that nobody is in
    of_query[1][::5] = 8  # not the mate's, perhaps
    strata = Strata(*(np.stack([first, first * 9 + second]) for first, second in (of_query, (coarse, fine))))
    got = count_both(*prepared(images, reports), mate, strata=strata, engine=engine)
    expected = count_both(*prepared(images, reports), mate, strata=strata, engine=Portable())
    assert expected[0].above[1:].sum() > 0
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one.above, other.above)
        np.testing.assert_array_equal(one.ties, other.ties)


@pytest.mark.slow
def test_strata_that_overlap_in_both_directions(engine):
    """Where a query without a value meets all, the pass comes in parts, and most lack the mates."""
    images, reports, mate = pairs(3, 16, candidates=120)
    rng = np.random.default_rng(3)
    strata, *_ = fitting(rng.integers(0, 2, (2, 120)), rng.random((2, 120)) < 0.3, mate)
    got = count_both(*prepared(images, reports), mate, strata=strata, engine=engine)
    expected = count_both(*prepared(images, reports), mate, strata=strata, engine=Portable())
    assert expected[0].above[1:].sum() > 0
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one.above, other.above)
        np.testing.assert_array_equal(one.ties, other.ties)


def test_answers_to_blocks_add_up():
    """A mate in another block counts nowhere, its copies here tie; a column that asks nothing gets 0."""
    images, reports, mate = pairs(5, 12, queries=20, candidates=30)
    a, b = prepared(images, reports)
    scores = (a.given @ b.given.T) * a.inverse_norm[:, None] * b.inverse_norm
    asking = np.where(np.arange(30) % 2, np.arange(30) % 20, -1)
    question = Question(
        a, b,
        Mates(mate, b.identity[mate], scores[np.arange(20), mate]),
        Mates(asking, a.identity[asking], np.where(asking >= 0, scores[asking, np.arange(30)], np.inf)),
        np.empty((0, 20), int), np.empty((0, 20), int), (a.mean, b.mean),
    )  # fmt: skip
    whole = Portable().count(question)
    assert (whole.column_above[0, asking < 0] == 0).all()
    engine = Gpu(DEVICE, Shape(rows=16, columns=16))
    left, right = (engine.count(question.part(slice(0, 20), part)) for part in (slice(0, 13), slice(13, 30)))
    np.testing.assert_array_equal(left.above + right.above, whole.above)
    np.testing.assert_array_equal(left.ties + right.ties, whole.ties)
    for name in ("column_above", "column_ties"):
        both = np.concatenate([getattr(part, name) for part in (left, right)], axis=1)
        np.testing.assert_array_equal(both, getattr(whole, name))


def test_without_a_device_it_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "torch sees none" in gpu.missing()
    with pytest.raises(InputError, match="torch sees none"):
        Gpu()


def test_a_device_that_adds_with_too_few_bits_is_refused(monkeypatch):
    def coarse(left, right):
        """Add like a matrix unit with 13-bit accumulators."""
        total = torch.zeros(len(left), len(right))
        for k in range(left.shape[1]):
            total += left[:, None, k].float() * right[None, :, k].float()
            total = torch.from_numpy((total.numpy().view(np.int32) & ~0x7FF).view(np.float32))
        return total

    monkeypatch.setattr(gpu, "products", coarse)
    with pytest.raises(InputError, match="less accurately"):
        Gpu("cpu")
