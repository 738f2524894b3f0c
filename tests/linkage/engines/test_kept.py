"""What is kept of a run that was cut off is all that it had finished, and only that of the same run."""

import shutil

import numpy as np
import pytest

from dying import survives
from relinkage.errors import InputError
from relinkage.linkage.engines import InBlocks, Kept, Portable, blocks, kept
from relinkage.linkage.engines.blocks import Local
from relinkage.linkage.ranks import count_both, count_ranks
from relinkage.linkage.vectors import Vectors
from tiers import quick

QUERIES, CANDIDATES = 100, 60


class Counting:
    """Counts the blocks it is asked for, and breaks down when it has done enough."""

    name = "cpu"

    def __init__(self, most=10**9):
        self.asked, self.most = 0, most

    def count(self, question, *, threads=None):
        if self.asked == self.most:
            raise KeyboardInterrupt
        self.asked += 1
        return Portable().count(question, threads=1)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "_WHOLE_TILES", 10)


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    few = rng.normal(size=(20, 4))
    images = Vectors.prepare(few[rng.integers(0, 20, QUERIES)], "a")
    return images, Vectors.prepare(few[rng.integers(0, 20, CANDIDATES)], "b"), rng.integers(0, 60, QUERIES)


def both(scene, engine, keeping=None):
    runner = Local(engine, numbers=40)  # strips of 10
    return count_both(*scene, engine=InBlocks(runner, keeping))


def assert_same(got, expected):
    for a, b in zip(got, expected, strict=True):
        for name in ("above", "ties", "eligible"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def cut_off(scene, out, after, key=None):
    engine = Counting(after)
    with pytest.raises(KeyboardInterrupt):
        both(scene, engine, Kept(out, key or {}))
    return engine


@pytest.mark.parametrize("together", quick(1, [7, 1, 64]))
@pytest.mark.parametrize("after", quick(1, [23, 0, 1, 59]))
def test_a_run_goes_on_after_its_last_finished_block(scene, tmp_path, monkeypatch, after, together):
    monkeypatch.setattr(kept, "_TOGETHER", together)
    whole = Counting()
    expected = both(scene, whole)
    cut_off(scene, tmp_path / "run", after)
    rest = Counting()
    assert_same(both(scene, rest, Kept(tmp_path / "run", {})), expected)
    assert rest.asked == whole.asked - after
    again = Counting()
    assert_same(both(scene, again, Kept(tmp_path / "run", {})), expected)
    assert again.asked == 0


def test_little_room_is_taken_however_many_blocks_there_are(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "_TOGETHER", 5)
    both(scene, Counting(), Kept(tmp_path / "run", {}))
    for folder in (path for path in (tmp_path / ".run.partial").iterdir() if path.is_dir()):
        assert len(list(folder.iterdir())) <= 5


@pytest.mark.slow
def test_a_crash_between_sum_and_removal_counts_nothing_twice(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "_TOGETHER", 5)
    with monkeypatch.context() as crash:
        unlink = kept.Path.unlink
        crash.setattr(
            kept.Path, "unlink", lambda self, **rest: None if "block" in self.name else unlink(self, **rest)
        )
        cut_off(scene, tmp_path / "run", 23)
    rest = Counting()
    assert_same(both(scene, rest, Kept(tmp_path / "run", {})), both(scene, Counting()))
    assert rest.asked == 60 - 23 + len(others(scene))


def others(scene):
    """Blocks of the pass for queries that share a mate with an earlier one."""
    whole = Counting()
    both(scene, whole)
    return range(whole.asked - 60)


@pytest.mark.parametrize("damage", quick(1, [b"damaged", b""]))
def test_a_damaged_block_is_counted_again(scene, tmp_path, damage):
    cut_off(scene, tmp_path / "run", 9)
    next((tmp_path / ".run.partial").glob("*/block-*")).write_bytes(damage)
    rest = Counting()
    assert_same(both(scene, rest, Kept(tmp_path / "run", {})), both(scene, Counting()))
    assert rest.asked == 60 - 8 + len(others(scene))


def test_blocks_of_other_inputs_are_removed_and_that_is_said(scene, tmp_path, capsys):
    cut_off(scene, tmp_path / "run", 9, {"inputs": 1})
    assert capsys.readouterr().err == ""
    Kept(tmp_path / "run", {"inputs": 1})
    assert "finished blocks of an earlier run with the same inputs are taken over" in capsys.readouterr().err
    rest = Counting()
    both(scene, rest, Kept(tmp_path / "run", {"inputs": 2}))
    assert "an earlier run had other inputs or choices; what it began is removed" in capsys.readouterr().err
    assert rest.asked == 60 + len(others(scene))


def test_another_question_of_the_same_run_does_not_find_these_blocks(scene, tmp_path):
    images, reports, mate = scene
    engine = Counting()
    keeping = Kept(tmp_path / "run", {})
    cutting = InBlocks(Local(engine, numbers=40), keeping)
    count_ranks(images, reports, mate, engine=cutting)
    before = engine.asked
    count_ranks(images, reports, (mate + 1) % CANDIDATES, engine=cutting)
    assert engine.asked == 2 * before
    count_ranks(images, reports, mate, engine=cutting)
    assert engine.asked == 2 * before


def test_one_block_leaves_nothing_on_disk(scene, tmp_path):
    count_ranks(*scene, engine=InBlocks(Local(Portable()), Kept(tmp_path / "run", {})))
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_run_that_is_done_is_removed_and_no_other(scene, tmp_path):
    both(scene, Counting(), Kept(tmp_path / "run", {}))
    (tmp_path / ".other.partial").mkdir()
    Kept.discard(tmp_path / "run")
    Kept.discard(tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == [".other.partial"]


def test_a_folder_that_somebody_else_put_there_is_left_alone(tmp_path):
    (tmp_path / ".run.partial").mkdir()
    (tmp_path / ".run.partial/letter").write_text("mine")
    with pytest.raises(InputError, match=r"\.run\.partial holds files that relinkage did not write"):
        Kept(tmp_path / "run", {})


def begin(out, key):
    (Kept(out, {"inputs": key}).place("pass") / "block-0000000.safetensors").write_bytes(b"counts")


@pytest.mark.parametrize("task", quick(1, ["begin", "end", "remove what had other inputs"]))
def test_a_kill_at_any_moment_leaves_nothing_that_stops_the_next_run(tmp_path, task):
    out = tmp_path / "run"
    for step in range(1, 30):
        if task != "begin":
            begin(out, 1)
        done = survives(step, lambda: Kept.discard(out) if task == "end" else begin(out, 2))
        begin(out, 2)
        shutil.rmtree(tmp_path / ".run.partial")
        if done:
            break
    assert done
    assert step > 3
