"""What others compute, re-expressed, is right where nothing is hard; and what is wrong is called wrong."""

import io
import sys
from contextlib import redirect_stdout
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from bench.peers import __main__ as table
from bench.peers import practices, truth
from bench.peers.answer import KS, Answer
from bench.peers.roster import PEERS
from bench.sections import Section

import warm
from bench import __main__ as command


def by_hand(images, reports):
    """Rank and ties of each mate, pair by pair in plain Python."""
    above, ties = [], []
    for i, image in enumerate(images.tolist()):
        scores = [
            sum(x * y for x, y in zip(image, report, strict=True))
            / (sum(x * x for x in image) * sum(y * y for y in report)) ** 0.5
            for report in reports.tolist()
        ]
        above.append(sum(score > scores[i] + 2**-40 for score in scores))
        ties.append(sum(abs(score - scores[i]) <= 2**-40 for score in scores) - 1)
    return np.array(above), np.array(ties)


def planted_units(count, *, alike=False):
    """Positive vectors with a link, as unit vectors; without `alike` no two scores come near each other."""
    random = np.random.default_rng(4)
    images = random.random((count, 24))
    reports = images + random.random((count, 24))
    if alike:
        reports[: count // 3] = reports[0]
    sides = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, reports))
    return [side.astype(np.float32) for side in sides]


def measuring():
    """Every peer that is meant to be right; those that the tests need not install take long to compile."""
    for peer in PEERS:
        if peer.name not in ("bare product", "mate's score apart, fp32 tiles"):
            slow = {"ranx", "torchmetrics"} & set(peer.needs)
            yield pytest.param(peer, marks=[pytest.mark.slow] if slow else [], id=peer.name)


@pytest.mark.parametrize("peer", list(measuring()))
def test_every_way_of_measuring_is_right_where_nothing_ties(peer, monkeypatch):
    monkeypatch.setattr(practices, "TILE", 16)  # so that there are several, the last one narrower
    monkeypatch.setattr(practices, "BATCH", 7)
    if peer.missing:
        pytest.skip(f"{peer.missing[0]} is not installed; `make bench` installs it")
    images, reports = planted_units(60)
    above, ties = by_hand(images, reports)
    assert not ties.any()
    answer = peer.prepare(images, reports)()
    if answer.rank is not None:
        assert answer.rank.tolist() == above.tolist()
    for k, hit in answer.hits.items():
        assert hit.tolist() == (above < k).tolist()
    assert answer.recall_at_1() == pytest.approx((above == 0).mean())
    assert 0 < answer.recall_at_1() < 1


def test_tiled_ranks_break_ties_by_row_number(monkeypatch):
    monkeypatch.setattr(practices, "TILE", 16)
    signs = np.where(np.random.default_rng(5).random((50, 4)) < 0.5, -1, 1).astype(np.float32) / 2
    images, reports = signs, signs[::-1].copy()  # few values, all exact: many ties
    above, ties = by_hand(images, reports)
    scores = images @ reports.T
    earlier = [int((scores[i, :i] == scores[i, i]).sum()) for i in range(50)]
    assert (ties > 0).any()
    assert practices.tiled_ranks(images, reports).rank.tolist() == (above + earlier).tolist()


def test_a_mate_scored_apart_stands_before_itself():
    images, reports = planted_units(60)
    above, _ = by_hand(images, reports)
    rank = practices.mate_apart(images, reports).rank
    assert set((rank - above).tolist()) == {0, 1}


@pytest.mark.parametrize("alike", [False, True])
def test_the_truth_is_what_pair_by_pair_arithmetic_says(alike):
    images, reports = planted_units(50, alike=alike)
    above, ties = by_hand(images, reports)
    found = truth.by_cosine(images, reports)
    assert found.above.tolist() == above.tolist()
    assert found.ties.tolist() == ties.tolist()


def test_our_pass_has_nothing_wrong_where_reports_are_alike():
    images, reports = planted_units(50, alike=True)
    found = truth.by_cosine(images, reports)
    ours = next(peer for peer in PEERS if peer.name == "relinkage, exact pass")
    answer = ours.prepare(images, reports)()
    assert answer.wrong(found) == 0
    assert answer.recall_at_1() == pytest.approx(found.recall_at_1())


def test_any_order_of_tied_reports_passes_but_no_rank_beyond_them():
    found = truth.Truth(np.array([2, 2, 2, 2]), np.array([1, 1, 1, 1]))
    assert Answer(rank=np.array([1, 2, 3, 4])).wrong(found) == 2


def test_who_counts_ties_must_count_all_of_them():
    found = truth.Truth(np.array([2, 2, 2]), np.array([1, 1, 1]))
    assert Answer(rank=np.array([2, 2, 3]), ties=np.array([1, 0, 1])).wrong(found) == 2


def test_hits_are_wrong_where_no_order_of_ties_makes_them():
    found = truth.Truth(np.array([0, 0, 3, 12]), np.array([0, 1, 0, 0]))
    assert Answer(hits={1: np.array([True, False, False, False])}).wrong(found) == 0
    assert Answer(hits={1: np.array([False, True, True, False])}).wrong(found) == 2
    assert Answer(hits={10: np.array([True, True, True, True])}).wrong(found) == 1


def test_an_answer_survives_being_kept_in_a_file():
    answer = Answer(hits={k: np.array([True, False]) for k in KS})
    again = Answer.of(answer.arrays())
    assert {k: hit.tolist() for k, hit in again.hits.items()} == {k: [True, False] for k in KS}


@pytest.fixture
def _warm(monkeypatch):
    """Let the process that a peer has to itself be a fork of a warm one."""
    monkeypatch.setattr(table, "subprocess", SimpleNamespace(run=warm.run))


def number_of(name):
    return next(n for n, peer in enumerate(PEERS) if name in peer.name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("budget", "memory", "said"),
    [(30, 6, None), (0.001, 6, "over 0.001 s"), (30, 0.001, "over 0.001 GB")],
)
@pytest.mark.usefixtures("_warm")
def test_a_peer_alone_gives_figures_or_says_what_it_could_not_bear(tmp_path, budget, memory, said):
    for name, side in zip(("images", "reports"), planted_units(900), strict=True):
        np.save(tmp_path / f"{name}.npy", side)
    options = SimpleNamespace(runs=1, budget=budget, memory=memory)
    figures = table.run_alone(number_of("argsort"), tmp_path, options)
    assert figures.get("failed") == said
    if said is None:
        assert figures["seconds"] > 0
        assert figures["reference"] > 0
        if sys.platform == "linux":  # two matrices of 900²: one of logits, one of row numbers
            assert figures["added"] > 900**2 * 4 / 2**30


def test_a_peer_that_is_not_installed_is_a_row_that_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "PEERS", [SimpleNamespace(missing=("nowhere",))])
    assert table.run_alone(0, tmp_path, SimpleNamespace()) == {"failed": "not installed"}


@pytest.mark.slow
@pytest.mark.usefixtures("_warm")
def test_the_table_of_peers_is_printed_with_a_row_for_each(tmp_path, monkeypatch):
    def here(section, *, quick):
        assert quick
        monkeypatch.setattr(sys, "argv", [section.module, *section.quick])
        with redirect_stdout(io.StringIO()) as said:
            import_module(f"{section.module}.__main__").main()
        return said.getvalue()

    page = tmp_path / "benchmarks.md"
    monkeypatch.setattr(Section, "run", here)
    monkeypatch.setattr(sys, "argv", ["bench", "--quick", "--only", "peers", "--page", str(page)])
    command.main()
    written = page.read_text()
    assert "failed (" not in written
    for peer in PEERS:
        assert f"\n{peer.name} " in written
