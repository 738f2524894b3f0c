"""The counts of the one exact pass are those of float64, whatever the vectors, the tiles and the machine."""

import numpy as np
import oracle
import pytest
import torch

from relinkage.errors import InputError
from relinkage.linkage import kernels
from relinkage.linkage.ranks import Strata, count_both, count_ranks
from relinkage.linkage.vectors import Vectors

DTYPES = (np.float16, np.float32, np.float64)


def prepared(*arrays):
    return [Vectors.prepare(array, "vectors") for array in arrays]


def assert_exact(queries, candidates, mate, threads=1):
    """Both directions, from one pass and from two, against the whole matrix of float64 cosines."""
    scores = oracle.cosines(queries, candidates)
    forth = oracle.count(scores, mate)
    back = oracle.count(scores.T[mate], np.arange(len(queries)))
    a, b = prepared(queries, candidates)
    both = count_both(a, b, mate, threads=threads)
    alone = (
        count_ranks(a, b, mate, threads=threads),
        count_ranks(b.take(mate), a, np.arange(len(a)), threads=threads),
    )
    for got, expected in zip((*both, *alone), (forth, back, forth, back), strict=True):
        np.testing.assert_array_equal(got.eligible[0], expected.eligible)
        np.testing.assert_array_equal(got.above[0], expected.above)
        np.testing.assert_array_equal(got.ties[0], expected.ties)
    return forth


def scene(seed):
    """Arrays as they come: of any type and size, clustered, in a cone, on a grid, with duplicates."""
    rng = np.random.default_rng(seed)
    n, m = (int(size) for size in rng.integers(1, 700, 2))
    d = int(rng.choice([1, 2, 3, 8, 33, 128]))
    cone = rng.choice([0, 0, 2, 50])
    candidates = rng.normal(size=(m, d)) + cone
    if rng.random() < 0.5:  # templates: many reports are the same
        candidates = candidates[rng.integers(0, max(1, m // 3), m)]
    mate = rng.integers(0, m, n)
    queries = candidates[mate] + rng.choice([0.3, 3]) * rng.normal(size=(n, d))
    if rng.random() < 0.3:  # a coarse grid, on which different vectors have the same direction
        queries, candidates = np.round(queries * 2) + 0.5, np.round(candidates * 2) + 0.5
    dtype = DTYPES[seed % 3]
    return queries.astype(dtype), candidates.astype(dtype), mate


@pytest.mark.parametrize("seed", range(24))
def test_any_arrays(seed):
    assert_exact(*scene(seed), threads=1 + seed % 2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_five_thousand_pairs_of_which_every_fourth_report_is_a_template(dtype):
    rng = np.random.default_rng(0)
    reports = rng.normal(size=(5000, 64)) + 1
    reports[::4] = reports[rng.integers(0, 40, 1250) * 4]
    images = reports + 2 * rng.normal(size=reports.shape)
    counted = assert_exact(images.astype(dtype), reports.astype(dtype), np.arange(5000), threads=2)
    assert (counted.ties > 0).sum() > 1000


@pytest.mark.slow
def test_twelve_thousand_candidates_in_a_narrow_cone():
    rng = np.random.default_rng(1)
    reports = (rng.normal(size=(12_000, 32)) + 4).astype(np.float32)
    images = (reports[:3000] + rng.normal(size=(3000, 32))).astype(np.float32)
    assert_exact(images, reports, np.arange(3000), threads=2)


@pytest.mark.parametrize("d", [1, 2, 17, 768])
def test_any_width(d):
    rng = np.random.default_rng(d)
    reports = rng.normal(size=(300, d)).astype(np.float32)
    assert_exact(reports + rng.normal(size=(300, d)).astype(np.float32), reports, rng.permutation(300))


@pytest.mark.parametrize("size", [1, 2, 511, 512, 513, 1023, 1024, 1025, 1537])
def test_sizes_around_the_edge_of_a_tile(size):
    rng = np.random.default_rng(size)
    many, few = rng.normal(size=(size, 5)).astype(np.float32), rng.normal(size=(70, 5)).astype(np.float32)
    assert_exact(many, few, rng.integers(0, 70, size))
    assert_exact(few, many, rng.integers(0, size, 70))


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


def test_both_types_and_both_byte_orders_may_be_mixed():
    rng = np.random.default_rng(9)
    reports = rng.normal(size=(100, 7))
    images = (reports + rng.normal(size=reports.shape)).astype(np.float16)
    assert_exact(images, reports, np.arange(100))
    turned, straight = prepared(reports.astype(">f8"), reports)
    np.testing.assert_array_equal(turned.given, straight.given)


@pytest.mark.parametrize("images_per_report", [1, 3])
def test_both_directions_where_reports_are_shared(images_per_report):
    rng = np.random.default_rng(10)
    reports = rng.normal(size=(300, 12)).astype(np.float32)
    reports[50:90] = reports[10:50]
    mate = np.sort(rng.integers(0, 300, 300 * images_per_report))
    images = (reports[mate] + rng.normal(size=(len(mate), 12))).astype(np.float32)
    for threads in (1, 2, 3):
        assert_exact(images, reports, mate, threads=threads)


def nested_strata(rng, n, m, mate):
    """Coarse and fine numbers; some queries bear others than their mates, one bears a number of its own."""
    coarse = rng.integers(0, 3, m)
    fine = coarse * 10 + rng.integers(0, 4, m)
    query_coarse, query_fine = coarse[mate], fine[mate].copy()
    moved = rng.random(n) < 0.3
    query_fine[moved] = query_coarse[moved] * 10 + rng.integers(0, 5, moved.sum())  # the fifth: no candidate
    fine[mate[0]], query_fine[0] = 9, 9  # a stratum of one, where coarse is 0
    coarse[mate[0]] = query_coarse[0] = 0
    query_coarse[mate == mate[0]] = 0
    query_fine[mate == mate[0]] = 9
    query_coarse[1], query_fine[1] = -1, -1  # absent at every level
    return Strata(np.stack([query_coarse, query_fine]), np.stack([coarse, fine]))


@pytest.mark.parametrize("seed", range(12))
def test_strata_and_pairs_left_out(seed):
    rng = np.random.default_rng(seed)
    n, m, d = int(rng.integers(2, 900)), int(rng.integers(2, 1400)), 4
    candidates = (rng.normal(size=(m, d)) + 1)[rng.integers(0, m, m)].astype(np.float32)
    mate = rng.integers(0, m, n)
    queries = (candidates[mate] + rng.normal(size=(n, d))).astype(np.float32)
    strata = nested_strata(rng, n, m, mate)
    masks = [np.ones((n, m), bool)]
    masks += [a[:, None] == b[None] for a, b in zip(strata.queries, strata.candidates, strict=True)]
    back_masks = [np.ones((n, n), bool)]
    back_masks += [
        a[mate][:, None] == b[None] for a, b in zip(strata.candidates, strata.queries, strict=True)
    ]
    out, back_out = (np.unique(rng.integers(0, (n, size), (400, 2)), axis=0).T for size in (m, n))
    out = np.concatenate([out, np.stack([np.arange(n), mate])[:, : n // 2]], axis=1)  # own mates among them
    out = np.unique(out, axis=1)

    a, b = prepared(queries, candidates)
    forth, back = count_both(
        a, b, mate, strata=strata, left_out=tuple(out), reverse_left_out=tuple(back_out), threads=2
    )
    alone = count_ranks(a, b, mate, strata=strata, left_out=tuple(out), threads=1)
    scores = oracle.cosines(queries, candidates)
    for level, (mask, back_mask) in enumerate(zip(masks, back_masks, strict=True)):
        mask[tuple(out)] = False
        back_mask[tuple(back_out)] = False
        expected = oracle.count(scores, mate, mask)
        turned = oracle.count(scores.T[mate], np.arange(n), back_mask)
        for got, true in ((forth, expected), (alone, expected), (back, turned)):
            np.testing.assert_array_equal(got.eligible[level], true.eligible)
            np.testing.assert_array_equal(got.above[level], true.above)
            np.testing.assert_array_equal(got.ties[level], true.ties)


def test_many_levels_each_of_one_stratum_change_nothing():
    rng = np.random.default_rng(11)
    queries, candidates = rng.normal(size=(2, 600, 3)).astype(np.float32)
    ones = np.ones((5, 600), np.int64)
    counted = count_ranks(*prepared(queries, candidates), np.arange(600), strata=Strata(ones, ones))
    for level in range(1, 6):
        np.testing.assert_array_equal(counted.above[level], counted.above[0])
        np.testing.assert_array_equal(counted.eligible[level], counted.eligible[0])


@pytest.fixture
def careless_caller():
    """A program around us that trades precision for speed and prefers double precision in its tensors."""
    before = torch.get_float32_matmul_precision(), torch.get_default_dtype(), torch.get_num_threads()
    torch.set_float32_matmul_precision("medium")
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(2)
    torch.set_flush_denormal(True)
    yield
    torch.set_flush_denormal(False)
    torch.set_num_threads(before[2])
    torch.set_default_dtype(before[1])
    torch.set_float32_matmul_precision(before[0])


@pytest.mark.usefixtures("careless_caller")
def test_settings_of_the_calling_program_neither_matter_nor_change(monkeypatch):
    seen, count_rows = set(), kernels.count_rows

    def look(*arguments):
        seen.add(torch.get_float32_matmul_precision())
        count_rows(*arguments)

    monkeypatch.setattr(kernels, "count_rows", look)
    rng = np.random.default_rng(12)
    reports = (rng.normal(size=(700, 512)) + 2).astype(np.float32)
    images = (reports + rng.normal(size=reports.shape)).astype(np.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_exact(images, reports, np.arange(700), threads=None)
    assert seen == {"highest"}
    assert torch.get_float32_matmul_precision() == "medium"
    assert torch.get_default_dtype() == torch.float64
    assert torch.get_num_threads() == 2


def test_memory_that_may_only_be_read():
    rng = np.random.default_rng(13)
    images, reports = (rng.normal(size=(80, 5)).astype(np.float32) for _ in range(2))
    images.flags.writeable = reports.flags.writeable = False
    assert_exact(images, reports, np.arange(80))
    assert_exact(np.asfortranarray(images), reports[:, ::-1], np.arange(80))


def test_widths_that_differ_are_refused():
    rng = np.random.default_rng(14)
    with pytest.raises(InputError, match="Queries have 3 dimensions and candidates 4; align them"):
        count_ranks(*prepared(rng.normal(size=(5, 3)), rng.normal(size=(5, 4))), np.arange(5))


@pytest.mark.parametrize("mate", [[0, 1, 5], [-1, 0, 1], [0, 1]])
def test_mates_out_of_range_are_refused(mate):
    vectors = prepared(np.eye(3), np.eye(5, 3) + 1)
    with pytest.raises(InputError, match="mate among the 5 candidates"):
        count_ranks(*vectors, np.array(mate))


def test_an_error_in_a_worker_reaches_the_caller(monkeypatch):
    def fail(*arguments):
        raise MemoryError("no room for a tile")

    monkeypatch.setattr("relinkage.linkage.kernels.count_rows", fail)
    with pytest.raises(MemoryError, match="no room"):
        count_ranks(*prepared(np.eye(3), np.eye(3)), np.arange(3), threads=2)
    monkeypatch.undo()
    assert (count_ranks(*prepared(np.eye(3), np.eye(3)), np.arange(3), threads=2).above == 0).all()
