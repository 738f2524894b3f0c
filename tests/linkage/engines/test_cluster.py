"""Blocks as Ray tasks have the same counts, whoever works them out and whoever dies over it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from exactness import fitting

from relinkage.cluster import connect, disconnect
from relinkage.embeddings import open_array
from relinkage.errors import InputError
from relinkage.linkage.engines import InBlocks, blocks, choose, cluster
from relinkage.linkage.engines.cluster import Cluster
from relinkage.linkage.ranks import Strata, count_both, count_ranks
from relinkage.linkage.vectors import Vectors

pytestmark = [
    pytest.mark.slow,  # a Ray has to start
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (the extra `cluster`)"),
]


@pytest.fixture(scope="module", autouse=True)
def _ended():
    yield
    disconnect()


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


def below(parent):
    """A process and all that it began, by number, each with its command line."""
    titles, parents = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                titles[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {parent}
    while more := {number for number, above in parents.items() if above in found} - found:
        found |= more
    return {number: titles[number] for number in found if number in titles}


class Killing(Cluster):
    """Kills a process of Ray, chosen by what stands in its command line, while blocks are counted."""

    def run(self, *rest, **choices):
        for number, answer in enumerate(super().run(*rest, **choices)):
            if number in (1, 5):
                self.kill_one()
            yield answer

    def kill_one(self):
        ours = connect("ray")._process.pid
        for _ in range(500):
            found = [number for number, title in below(ours).items() if self.whom in title]
            if found:
                os.kill(found[0], signal.SIGKILL)
                self.killed.append(found[0])
                return
            time.sleep(0.01)


def killing(title):
    runner = Killing(numbers=1024 * 8, fewest=1)
    object.__setattr__(runner, "whom", title)
    object.__setattr__(runner, "killed", [])
    return runner


@pytest.fixture
def many(scene):
    images, reports, mate, _ = scene
    a, b = Vectors.prepare(np.tile(images, (20, 1)), "a"), Vectors.prepare(np.tile(reports, (30, 1)), "b")
    return a, b, np.tile(mate, 20)


def test_a_worker_that_is_killed_takes_nothing_with_it(many, capfd, monkeypatch, tmp_path):
    count_block, died = cluster.count_block, str(tmp_path / "died")

    def dies_once(*given):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(died, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)
        return count_block(*given)

    monkeypatch.setattr(cluster, "count_block", dies_once)
    engine = InBlocks(Cluster(numbers=1024 * 8, fewest=1))
    assert_same([count_ranks(*many, engine=engine)], [count_ranks(*many)])
    assert Path(died).exists()
    assert capfd.readouterr() == ("", "")  # what Ray says of it would stand before a result


@pytest.mark.parametrize("title", ["raylet/raylet", "gcs_server", "relinkage.cluster_process"])
def test_a_ray_that_dies_is_told_in_a_sentence_and_the_next_question_starts_another(many, capfd, title):
    """The node, the head, and the process that talks to them."""
    runner = killing(title)
    with pytest.raises(InputError, match=r"Ray of engine ray died .*; the same command resumes"):
        count_ranks(*many, engine=InBlocks(runner))
    assert runner.killed
    assert capfd.readouterr() == ("", "")
    engine = InBlocks(Cluster(numbers=1024 * 8, fewest=1))
    assert_same([count_ranks(*many, engine=engine)], [count_ranks(*many, engine=choose("native"))])


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux says who listens")
def test_a_ray_of_our_own_listens_to_this_machine_alone_and_leaves_nothing_that_others_can_read(
    tmp_path, monkeypatch
):
    disconnect()
    monkeypatch.setenv("HOME", str(tmp_path))
    ours = connect("ray")
    inodes = set()
    for number in below(ours._process.pid):
        for descriptor in Path(f"/proc/{number}/fd").iterdir():
            inodes.add(os.readlink(descriptor).removeprefix("socket:[").rstrip("]"))
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                listening.append(fields[1].partition(":")[0])
    assert len(listening) > 3  # head, node, agents, workers
    assert set(listening) <= {"0100007F", "0000000000000000FFFF00000100007F", "0" * 24 + "01000000"}
    assert ours._folder.stat().st_mode & 0o077 == 0
    folder = ours._folder
    disconnect()
    assert not folder.exists()
    assert not (tmp_path / ".ray").exists()


def test_a_command_prints_json_alone_whoever_dies(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(300, 8)).astype(np.float32)
    for name, array in (("images", images), ("reports", images + rng.normal(size=images.shape))):
        np.save(tmp_path / f"{name}.npy", array.astype(np.float32))
    line = [sys.executable, "-m", "relinkage", "audit", "--images", "images.npy", "--reports", "reports.npy"]
    line += ["--replicates", "100", "--json", "--engine"]

    def audited(engine):
        done = subprocess.run([*line, engine], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        result = json.loads(done.stdout)
        result["settings"].pop("engine")
        return result

    assert audited("ray") == audited("cpu")


def test_a_head_that_is_not_there_is_refused_in_a_sentence():
    with pytest.raises(InputError, match=r"engine ray://127.0.0.1:1 cannot be reached; give the address"):
        connect("ray://127.0.0.1:1")


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
