"""The exact pass stays exact at the edge of a tie and at the ends of the number range."""

import numpy as np
import oracle
import pytest
from exactness import assert_exact, prepared

from relinkage.linkage.ranks import count_ranks


def test_one_query_and_one_candidate():
    counted = count_ranks(*prepared(np.ones((1, 3)), -np.ones((1, 3))), np.array([0]))
    assert (counted.eligible, counted.above, counted.ties) == ([[1]], [[0]], [[0]])
    assert counted.mate_score == pytest.approx(-1)


@pytest.mark.parametrize("cone", [1e2, 1e3, 1e4])
def test_a_cone_so_narrow_that_single_precision_cannot_see_into_it(cone):
    rng = np.random.default_rng(0)
    reports = rng.normal(size=(600, 16)) + cone
    images = rng.normal(size=(600, 16)) + cone
    single = (images.astype(np.float32) @ reports.T.astype(np.float32)).astype(np.float64)
    counted = assert_exact(images, reports, np.arange(600))
    naive = oracle.count(single, np.arange(600))
    assert (naive.above != counted.above).any()  # so the case is as hard as it claims to be


def test_copies_and_scaled_copies_tie():
    rng = np.random.default_rng(3)
    report = rng.normal(size=8).astype(np.float32)
    reports = np.stack([report, report, report * 2, report * 2**-30, -report]).astype(np.float32)
    images = rng.normal(size=(5, 8)).astype(np.float32)
    counted = count_ranks(*prepared(images, reports), np.zeros(5, int))
    assert (counted.ties[0] == 3).all()
    assert_exact(images, reports, np.arange(5))


def test_scaling_by_anything_in_double_precision_ties():
    rng = np.random.default_rng(4)
    reports = rng.normal(size=16) * rng.uniform(0.01, 100, (50, 1))
    counted = count_ranks(*prepared(rng.normal(size=(50, 16)), reports), np.arange(50))
    assert (counted.ties == 49).all()


def test_negative_zero_is_zero():
    reports = np.array([[1.0, 0.0], [1.0, -0.0]], np.float32)
    assert (count_ranks(*prepared(reports, reports), np.array([0, 1])).ties == 1).all()


def test_all_candidates_alike_so_that_nothing_is_left_when_they_are_centred():
    reports = np.tile(np.random.default_rng(5).normal(size=24), (200, 1)).astype(np.float32)
    images = np.random.default_rng(6).normal(size=(200, 24)).astype(np.float32)
    counted = assert_exact(images, reports, np.arange(200))
    assert (counted.ties == 199).all()
    assert_exact(reports, reports, np.arange(200))


@pytest.mark.parametrize(
    ("dtype", "x", "dx", "exponent"),
    [
        (np.float32, 2.0**-9, 2.0**-32, -41),
        (np.float32, 2.0**-8, 2.0**-31, -39),
        (np.float16, 2.0**-17, 2.0**-24, -41),
        (np.float16, 2.0**-15, 2.0**-24, -39),
    ],
)
def test_neighbouring_numbers_on_either_side_of_a_tie(dtype, x, dx, exponent):
    """The cosine of (1, x) with (1, 0) is about 1 - x²/2, so one step dx further it is less by x·dx."""
    images, reports = np.array([[1, 0], [1, 0]], dtype), np.array([[1, x], [1, x + dx]], dtype)
    cosines = 1 / np.sqrt(1 + reports[:, 1].astype(np.longdouble) ** 2)
    assert cosines[0] - cosines[1] == pytest.approx(2.0**exponent, rel=0.02)
    counted = count_ranks(*prepared(images, reports), np.array([0, 1]))
    tied = exponent < -40
    assert counted.ties[0].tolist() == [tied, tied]
    assert counted.above[0].tolist() == [0, not tied]


@pytest.mark.parametrize("d", [2, 3, 64, 300])
def test_near_ties_in_any_direction(d):
    """Candidates at cosines 1/2 ± 2⁻⁴¹ tie with the mate at 1/2, those at 1/2 ± 2⁻³⁹ do not."""
    rng = np.random.default_rng(d)
    steps = np.array([0, 2.0**-41, -(2.0**-41), 2.0**-39, -(2.0**-39)])
    images, reports = [], []
    for _ in range(20):
        axis, other = np.linalg.qr(rng.normal(size=(d, 2)))[0].T
        cosine = 0.5 + steps[:, None]
        images.append(axis * rng.uniform(0.1, 10))
        reports.append((cosine * axis + np.sqrt(1 - cosine**2) * other) * rng.uniform(0.1, 10, (5, 1)))
    for image, near in zip(images, reports, strict=True):
        counted = count_ranks(*prepared(image[None], near), np.array([0]))
        assert (counted.ties, counted.above) == (2, 1)
    # The same among many others, where the pass is centred elsewhere.
    all_reports = np.concatenate([*reports, rng.normal(size=(500, d))])
    assert_exact(np.stack(images), all_reports, np.arange(20) * 5)


@pytest.mark.parametrize("scale", [1e-200, 1e200, 1e-320, 1e307])
def test_magnitudes_at_the_ends_of_double_precision(scale):
    rng = np.random.default_rng(7)
    reports = rng.integers(-9, 10, (150, 6)) + 0.5
    images = reports + rng.integers(-2, 3, (150, 6))
    images[:, 0] += 0.25
    plain = assert_exact(images, reports, np.arange(150))
    mixed = np.where(np.arange(150)[:, None] % 2 == 0, 1.0, scale)
    for a, b in ((images * scale, reports), (images, reports * scale), (images * mixed, reports * mixed)):
        extreme = assert_exact(a, b, np.arange(150))
        if scale != 1e-320:  # subnormals have few digits, so there the vectors themselves change
            np.testing.assert_array_equal(extreme.above, plain.above)
            np.testing.assert_array_equal(extreme.ties, plain.ties)


@pytest.mark.parametrize(
    ("dtype", "scale"), [(np.float16, 2.0**-20), (np.float32, 1e-42), (np.float32, 1e37)]
)
def test_magnitudes_at_the_ends_of_the_smaller_types(dtype, scale):
    rng = np.random.default_rng(8)
    reports = (rng.integers(-9, 10, (150, 6)) + 0.5) * scale
    assert_exact((reports[::-1] * 2).astype(dtype), reports.astype(dtype), rng.permutation(150))


@pytest.mark.slow
def test_both_types_and_both_byte_orders_may_be_mixed():
    rng = np.random.default_rng(9)
    reports = rng.normal(size=(100, 7))
    images = (reports + rng.normal(size=reports.shape)).astype(np.float16)
    assert_exact(images, reports, np.arange(100))
    turned, straight = prepared(reports.astype(">f8"), reports)
    np.testing.assert_array_equal(turned.given, straight.given)
