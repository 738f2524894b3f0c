"""The notebook of a researcher, cell by cell, on 5,000 pairs: numpy, torch and memory maps alike."""

import numpy as np
import pytest
import torch

import relinkage as rl

PAIRS, WIDTH, KNOWN = 5_000, 32, 400
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def arrays():
    """Two sides with a common part, turned apart: the attacked pairs, then those that are known."""
    random = np.random.default_rng(0)
    scene = random.normal(size=(PAIRS + KNOWN, WIDTH))
    turn = np.linalg.qr(random.normal(size=(WIDTH, WIDTH)))[0]
    images = scene + 0.7 * random.normal(size=scene.shape)
    reports = (scene + 0.7 * random.normal(size=scene.shape)) @ (0.4 * turn + 0.6 * np.eye(WIDTH))
    return images.astype(np.float32), reports.astype(np.float32)


@pytest.fixture(params=["numpy", "torch", "memory map"])
def given(arrays, request, tmp_path):
    """The same arrays as people hold them."""
    if request.param == "torch":
        return tuple(torch.from_numpy(side) for side in arrays)
    if request.param == "numpy":
        return arrays
    for name, side in zip(("images", "reports"), arrays, strict=True):
        np.save(tmp_path / name, side)
    return tuple(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("images", "reports"))


def test_the_notebook_runs_as_written(given, tmp_path):
    images, reports = (side[:PAIRS] for side in given)
    patient = np.arange(PAIRS) // 2
    labels = {"Edema": np.arange(PAIRS) // 4 % 2}
    pairs = rl.Pairs(patient=patient, study=[f"s{row}" for row in range(PAIRS)], labels=labels)

    audit = rl.audit(images, reports, pairs, pool=[100, 1000, "full"], k=[1, 10], hard_negatives="labels")
    assert "An attacker holding all 5,000" in repr(audit).replace("\N{NO-BREAK SPACE}", " ")
    assert "<table" in audit._repr_html_()
    estimate = audit.recall(k=1, pool=1000)
    assert estimate.low <= estimate.value <= estimate.high
    assert audit.to_frame().height == len(audit.result.closed_set)
    assert {"ranks", "open_set", "risk", "queries"} <= set(dir(audit))
    audit.save(tmp_path / "base")
    rl.Audit.load(tmp_path / "base").page(tmp_path / "base.html")
    assert (tmp_path / "base.html").stat().st_size > 10_000

    known = tuple(side[PAIRS:] for side in given)
    attack = rl.attack(
        images, reports, pairs, auxiliary=(*known, rl.Pairs(patient=PAIRS + np.arange(KNOWN))),
        attackers="all", pool=[100, "full"], k=1,
    )  # fmt: skip
    assert 0 <= attack.at_least.value <= attack.at_most <= 1
    compared = rl.compare(audit, attack["cca"])
    assert compared.to_frame().height > 0
    assert rl.metrics(images, reports)["recall@1"] == pytest.approx(
        audit.recall(k=1, pool="full").value, abs=0.02
    )
