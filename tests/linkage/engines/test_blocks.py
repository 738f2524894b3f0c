"""A question answered block by block, from memory or from disk, has the answer of the whole."""

import numpy as np
import oracle
import pytest
from exactness import fitting
from hypothesis import given, settings
from hypothesis import strategies as st

from relinkage.embeddings import open_array
from relinkage.embeddings.arrays import LARGE
from relinkage.linkage.engines import InBlocks, Portable, Question, blocks, in_blocks
from relinkage.linkage.engines.blocks import Local, cut
from relinkage.linkage.engines.question import Mates
from relinkage.linkage.ranks import Strata, count_both, count_ranks
from relinkage.linkage.vectors import Vectors


@pytest.fixture
def small(monkeypatch):
    """Blocks of a few dozen rows."""
    monkeypatch.setattr(blocks, "_WHOLE_TILES", 16)
    monkeypatch.setattr(blocks, "_LEAST_ROWS", 8)
    return InBlocks(Local(Portable(), numbers=32 * 6))


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """Puts an array into a file and opens it there."""
    monkeypatch.setattr("relinkage.embeddings.arrays.LARGE", 1)

    def put(array, name):
        np.save(tmp_path / f"{name}.npy", array)
        return Vectors.prepare(open_array(tmp_path / f"{name}.npy"), name)

    return put


def scene(seed, queries=150, candidates=90, dtype=np.float32):
    rng = np.random.default_rng(seed)
    few = rng.normal(size=(40, 6))
    a, b = few[rng.integers(0, 40, queries)], few[rng.integers(0, 40, candidates)]
    a = a + rng.normal(size=a.shape) * rng.integers(0, 2, (queries, 1))
    return a.astype(dtype), b.astype(dtype), rng.integers(0, candidates, queries)


def strata(seed, queries, candidates, mate):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 3, candidates)
    fine = coarse * 2 + rng.integers(0, 2, candidates)
    columns = np.stack([coarse, fine])
    return Strata(columns[:, mate], columns)


def overlapping(seed, candidates, mate):
    """Strata in which a query without a value meets all: two columns, each blank for a third."""
    rng = np.random.default_rng(seed)
    return fitting(rng.integers(0, 2, (2, candidates)), rng.random((2, candidates)) < 1 / 3, mate)[0]


def left_out(seed, queries, candidates):
    keys = np.unique(np.random.default_rng(seed).integers(0, queries * candidates, 300))
    return keys // candidates, keys % candidates


def assert_equal(got, expected):
    for a, b in zip(got, expected, strict=True):
        for name in ("mate_score", "eligible", "above", "ties"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def both(a, b, mate, seed, engine):
    given = overlapping(seed, len(b), mate) if seed % 2 else strata(seed, len(a), len(b), mate)
    rest = {"strata": given, "left_out": left_out(seed, len(a), len(b)), "threads": 2, "engine": engine}
    back = left_out(seed + 1, len(a), len(a))
    return (*count_both(a, b, mate, reverse_left_out=back, **rest), count_ranks(a, b, mate, **rest))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_blocks_add_up_to_the_counts_of_double_precision(small, on_disk, dtype):
    a, b, mate = scene(3, dtype=dtype)
    scores = oracle.cosines(a, b)
    forth, back = oracle.count(scores, mate), oracle.count(scores.T[mate], np.arange(len(a)))
    for images, reports in (
        (Vectors.prepare(a, "a"), Vectors.prepare(b, "b")),
        (on_disk(a, "a"), on_disk(b, "b")),
    ):
        got = count_both(images, reports, mate, engine=small)
        for one, expected in zip(got, (forth, back), strict=True):
            np.testing.assert_array_equal(one.above[0], expected.above)
            np.testing.assert_array_equal(one.ties[0], expected.ties)


@pytest.mark.parametrize("seed", [4, 5])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_vectors_on_disk_in_blocks_count_like_vectors_in_memory_at_once(small, on_disk, dtype, seed):
    a, b, mate = scene(seed, dtype=dtype)
    expected = both(Vectors.prepare(a, "a"), Vectors.prepare(b, "b"), mate, seed, None)
    assert_equal(both(on_disk(a, "a"), on_disk(b, "b"), mate, seed, small), expected)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    queries=st.integers(1, 80),
    candidates=st.integers(2, 80),
    numbers=st.integers(1, 60),
    fewest=st.integers(1, 9),
)
def test_any_cut_gives_the_same_counts(seed, queries, candidates, numbers, fewest):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_WHOLE_TILES", 4)
        patch.setattr(blocks, "_LEAST_ROWS", 4)
        a, b, mate = scene(seed, queries, candidates)
        a, b = Vectors.prepare(a, "a"), Vectors.prepare(b, "b")
        engine = InBlocks(Local(Portable(), numbers, fewest))
        assert_equal(both(a, b, mate, seed, engine), both(a, b, mate, seed, None))


@pytest.mark.parametrize(("queries", "candidates"), [(1, 1), (5, 70000), (70000, 5), (70000, 70001)])
@pytest.mark.parametrize("fewest", [1, 7])
def test_blocks_cover_every_pair_once_and_are_as_even_as_tiles_allow(queries, candidates, fewest):
    made = cut(question(queries, candidates), numbers=2**18, fewest=fewest)
    assert sum(block.pairs for block in made) == queries * candidates
    assert len({(block.rows.start, block.columns.start) for block in made}) == len(made)
    for block in made:
        for part, size in ((block.rows, queries), (block.columns, candidates)):
            assert 0 <= part.start < part.stop <= size
            assert part.stop == size or (part.stop - part.start) % 1024 == 0
            assert part.stop - part.start <= 2**18 // 8


def test_there_are_never_more_blocks_than_can_be_listed(monkeypatch):
    monkeypatch.setattr(blocks, "_MOST_BLOCKS", 30)
    asked = question(70000, 70000)
    assert len(cut(asked, numbers=2**13)) <= 30
    assert sum(block.pairs for block in cut(asked, numbers=2**13)) == 70000**2


def test_what_fits_into_one_block_is_one_block():
    assert len(cut(question(43793, 43793, 128))) == len(cut(question(43793, 43793, 512))) == 1


def test_an_array_stays_on_disk_only_where_it_is_large(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((4, 2)))
    assert isinstance(open_array(tmp_path / "a.npy"), np.ndarray)
    assert LARGE == 2**27


def test_the_engine_keeps_its_name_in_blocks():
    assert in_blocks().name == in_blocks(Portable()).name == "cpu"


def question(rows, columns, dimension=8):
    def empty(n):
        return Vectors(
            np.empty((n, dimension), np.float32), np.empty(n), np.empty(n, int), np.empty(dimension)
        )

    nobody = Mates(np.empty(rows, int), np.empty(rows, int), np.empty(rows))
    none = np.empty((0, rows), int)
    return Question(empty(rows), empty(columns), nobody, None, none, none, (np.empty(dimension),) * 2)
