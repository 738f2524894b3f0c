"""The counts of the one exact pass are those of float64, whatever the vectors, the tiles and the machine."""

import numpy as np
import oracle
import pytest
import torch
from exactness import assert_counts, assert_exact, engines, fitting, prepared

from relinkage.errors import InputError
from relinkage.linkage.ranks import Strata, count_both, count_ranks
from tiers import quick

DTYPES = (np.float16, np.float32, np.float64)


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


@pytest.mark.parametrize("seed", quick(6, range(24)))
def test_any_arrays(seed):
    assert_exact(*scene(seed), threads=1 + seed % 2)


@pytest.mark.slow
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


@pytest.mark.parametrize("size", quick(4, [1, 513, 1024, 1025, 2, 511, 512, 1023, 1537]))
def test_sizes_around_the_edge_of_a_tile(size):
    rng = np.random.default_rng(size)
    many, few = rng.normal(size=(size, 5)).astype(np.float32), rng.normal(size=(70, 5)).astype(np.float32)
    assert_exact(many, few, rng.integers(0, 70, size))
    assert_exact(few, many, rng.integers(0, size, 70))


@pytest.mark.parametrize("images_per_report", quick(1, [3, 1]))
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


@pytest.mark.parametrize("seed", quick(3, range(12)))
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
    scores = oracle.cosines(queries, candidates)
    expected, turned = [], []
    for mask, back_mask in zip(masks, back_masks, strict=True):
        mask[tuple(out)] = False
        back_mask[tuple(back_out)] = False
        expected.append(oracle.count(scores, mate, mask))
        turned.append(oracle.count(scores.T[mate], np.arange(n), back_mask))
    for name, engine in engines(queries, candidates).items():
        options = {"strata": strata, "left_out": tuple(out), "engine": engine}
        forth, back = count_both(a, b, mate, reverse_left_out=tuple(back_out), threads=2, **options)
        alone = count_ranks(a, b, mate, threads=1, **options)
        for got, true in ((forth, expected), (alone, expected), (back, turned)):
            for level in range(len(masks)):
                assert_counts(got, true[level], name, level)


@pytest.mark.parametrize("seed", quick(3, range(8)))
def test_strata_that_overlap_and_pairs_in_none_of_them(seed):
    """A query without a value meets all; some pairs are left out, others count among all candidates alone."""
    rng = np.random.default_rng(seed)
    n, m, d = int(rng.integers(2, 200)), int(rng.integers(2, 150)), 4
    candidates = (rng.normal(size=(m, d)) + 1)[rng.integers(0, m, m)].astype(np.float32)
    mate = rng.integers(0, m, n)
    queries = (candidates[mate] + rng.normal(size=(n, d))).astype(np.float32)
    blanks = rng.random((3, m)) < rng.random((3, 1))
    strata, meets, back_meets = fitting(rng.integers(0, 3, (3, m)), blanks, mate)
    pairs = {}
    for name, size, mates in (("forth", m, mate), ("back", n, np.arange(n))):
        keys = rng.permutation(n * size)[:200]  # own mates may be among them
        keys = keys[(keys // size < n) & (keys % size != mates[keys // size])]
        pairs[name] = np.array_split(np.stack([keys // size, keys % size]), 2, axis=1)
    for name, masks in (("forth", meets), ("back", back_meets)):
        left_out, apart = pairs[name]
        masks[:, left_out[0], left_out[1]] = False
        masks[1:, apart[0], apart[1]] = False

    a, b = prepared(queries, candidates)
    scores = oracle.cosines(queries, candidates)
    expected = [oracle.count(scores, mate, mask) for mask in meets]
    turned = [oracle.count(scores.T[mate], np.arange(n), mask) for mask in back_meets]
    for name, engine in engines(queries, candidates).items():
        options = {"strata": strata, "engine": engine}
        options |= {"left_out": tuple(pairs["forth"][0]), "apart": tuple(pairs["forth"][1])}
        back_options = {"reverse_left_out": tuple(pairs["back"][0]), "reverse_apart": tuple(pairs["back"][1])}
        forth, back = count_both(a, b, mate, threads=2, **back_options, **options)
        alone = count_ranks(a, b, mate, threads=1, **options)
        asked = count_ranks(
            b.take(mate), a, np.arange(n), strata=strata.turned(mate), engine=engine,
            left_out=tuple(pairs["back"][0]), apart=tuple(pairs["back"][1]),
        )  # fmt: skip
        for got, true in ((forth, expected), (alone, expected), (back, turned), (asked, turned)):
            for level in range(len(meets)):
                assert_counts(got, true[level], name, level)


def test_many_levels_each_of_one_stratum_change_nothing():
    rng = np.random.default_rng(11)
    queries, candidates = rng.normal(size=(2, 600, 3)).astype(np.float32)
    ones = np.ones((5, 600), np.int64)
    for engine in engines(queries, candidates).values():
        counted = count_ranks(
            *prepared(queries, candidates), np.arange(600), strata=Strata(ones, ones), engine=engine
        )
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
def test_settings_of_the_calling_program_neither_matter_nor_change():
    rng = np.random.default_rng(12)
    reports = (rng.normal(size=(700, 512)) + 2).astype(np.float32)
    images = (reports + rng.normal(size=reports.shape)).astype(np.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_exact(images, reports, np.arange(700), threads=None)
    assert torch.get_float32_matmul_precision() == "medium"
    assert torch.get_default_dtype() == torch.float64
    assert torch.get_num_threads() == 2


@pytest.mark.slow
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

    monkeypatch.setattr("relinkage.linkage.engines.tiles.count_rows", fail)
    with pytest.raises(MemoryError, match="no room"):
        count_ranks(*prepared(np.eye(3), np.eye(3)), np.arange(3), threads=2)
    monkeypatch.undo()
    assert (count_ranks(*prepared(np.eye(3), np.eye(3)), np.arange(3), threads=2).above == 0).all()
