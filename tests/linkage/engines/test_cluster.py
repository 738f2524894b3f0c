"""Blocks as Ray tasks have the same counts, whoever works them out and whoever dies over it."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from exactness import fitting

from relinkage.embeddings import open_array
from relinkage.errors import InputError
from relinkage.linkage.engines import InBlocks, blocks, choose, cluster
from relinkage.linkage.engines.cluster import Cluster
from relinkage.linkage.ranks import Strata, count_both, count_ranks
from relinkage.linkage.vectors import Vectors

ray = pytest.importorskip("ray", reason="Ray is not installed (the extra `cluster`)")
pytestmark = pytest.mark.slow  # two workers have to start


@pytest.fixture(scope="module", autouse=True)
def _two_workers():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "_WHOLE_TILES", 16)
    monkeypatch.setattr(blocks, "_LEAST_ROWS", 8)


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    few = rng.normal(size=(60, 8)).astype(np.float32)
    images, reports = few[rng.integers(0, 60, 300)], few[rng.integers(0, 60, 200)]
    mate = rng.integers(0, 200, 300)
    coarse = rng.integers(0, 4, 200)
    columns = np.stack([coarse, coarse * 2 + rng.integers(0, 2, 200)])
    return images, reports, mate, Strata(columns[:, mate], columns)


@pytest.fixture
def overlapping(scene):
    """Strata in which a query without a value meets all, for the scene."""
    rng = np.random.default_rng(1)
    return fitting(rng.integers(0, 2, (2, 200)), rng.random((2, 200)) < 0.3, scene[2])[0]


def assert_same(got, expected):
    for a, b in zip(got, expected, strict=True):
        for name in ("mate_score", "eligible", "above", "ties"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def over_two(numbers=64 * 8, fewest=8):
    return InBlocks(Cluster(numbers=numbers, fewest=fewest))


def test_strata_that_overlap_give_the_integers_of_one_process(scene, overlapping):
    images, reports, mate, _ = scene
    a, b = Vectors.prepare(images, "a"), Vectors.prepare(reports, "b")
    expected = count_both(a, b, mate, strata=overlapping)
    assert_same(count_both(a, b, mate, strata=overlapping, engine=over_two(16 * 8)), expected)


def test_vectors_in_memory_and_on_disk_give_the_integers_of_one_process(scene, tmp_path, monkeypatch):
    images, reports, mate, strata = scene
    a, b = Vectors.prepare(images, "a"), Vectors.prepare(reports, "b")
    expected = count_both(a, b, mate, strata=strata)
    assert_same(count_both(a, b, mate, strata=strata, engine=over_two()), expected)

    monkeypatch.setattr("relinkage.embeddings.arrays.LARGE", 1)
    for name, array in (("a", images), ("b", reports)):
        np.save(tmp_path / f"{name}.npy", array)
    a, b = (Vectors.prepare(open_array(tmp_path / f"{name}.npy"), name) for name in "ab")
    assert a.stored
    assert_same(count_both(a, b, mate, strata=strata, engine=over_two()), expected)


def workers():
    """Processes that are at work on a block."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                title = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if title.startswith(b"ray::count_block"):
                found.append(int(entry.name))
    return found


def test_a_worker_that_is_killed_takes_nothing_with_it(scene):
    images, reports, mate, _ = scene
    a, b = Vectors.prepare(np.tile(images, (20, 1)), "a"), Vectors.prepare(np.tile(reports, (30, 1)), "b")
    mate = np.tile(mate, 20)
    killed = []

    class Killing(Cluster):
        def run(self, *rest, **choices):
            for number, answer in enumerate(super().run(*rest, **choices)):
                if number in (1, 5):
                    killed.extend(self.kill_one())
                yield answer

        @staticmethod
        def kill_one():
            for _ in range(500):
                found = workers()
                if found:
                    os.kill(found[0], signal.SIGKILL)
                    return found[:1]
                time.sleep(0.01)
            return []

    engine = InBlocks(Killing(numbers=1024 * 8, fewest=1))
    assert_same([count_ranks(a, b, mate, engine=engine)], [count_ranks(a, b, mate)])
    assert killed


def test_what_a_worker_refuses_is_said_as_if_it_were_here(scene, tmp_path, monkeypatch):
    images, reports, mate, _ = scene
    monkeypatch.setattr("relinkage.embeddings.arrays.LARGE", 1)
    np.save(tmp_path / "b.npy", reports)
    a, b = Vectors.prepare(images, "a"), Vectors.prepare(open_array(tmp_path / "b.npy"), "b")
    put = cluster._Shards

    class Gone(put):
        def rows(self, part):
            (tmp_path / "b.npy").unlink(missing_ok=True)
            return super().rows(part)

    monkeypatch.setattr(cluster, "_Shards", Gone)
    with pytest.raises(InputError, match=r"b\.npy cannot be read any more"):
        count_ranks(a, b, mate, engine=over_two())


def test_the_engine_is_asked_for_by_name():
    assert choose("ray").name == "ray"
