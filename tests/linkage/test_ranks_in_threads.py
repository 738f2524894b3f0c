"""Counts and audits in many threads of one program, engines mixed: right, and no setting changes."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import oracle
import pytest
import torch
from exactness import assert_counts, engines, prepared
from threadpoolctl import threadpool_info

from relinkage.linkage import AuditSettings, measure
from relinkage.linkage.ranks import count_both
from relinkage.linkage.table import ALL
from tiers import quick


def settings_of_the_process():
    with ThreadPoolExecutor(1) as new:
        beginning = new.submit(torch.get_num_threads).result()
    try:
        precision = torch.get_float32_matmul_precision()
    except RuntimeError:  # torch does not say where a backend has a precision of its own
        precision = None
    return (
        precision,
        torch.backends.mkldnn.matmul.fp32_precision,
        torch.get_num_threads(),
        beginning,
        torch.get_default_dtype(),
        [(library["filepath"], library["num_threads"]) for library in threadpool_info()],
    )


@pytest.fixture(params=["medium", "mkldnn bf16"])
def careless_program(request):
    """A program around us that trades precision for speed in one of torch's ways, and then looks again."""
    before = torch.backends.mkldnn.matmul.fp32_precision
    if request.param == "medium":
        torch.set_float32_matmul_precision("medium")
    else:
        torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    found = settings_of_the_process()
    yield
    now = settings_of_the_process()
    torch.backends.mkldnn.matmul.fp32_precision = before
    torch.set_float32_matmul_precision(os.environ.get("RELINKAGE_TEST_PRECISION", "highest"))
    assert now == found


def scene(seed, pairs=100, width=96):
    random = np.random.default_rng(seed)
    reports = (random.normal(size=(pairs, width)) + seed % 3).astype(np.float32)
    reports[::7] = reports[0]
    return (reports + 2 * random.normal(size=reports.shape)).astype(np.float32), reports


@pytest.mark.usefixtures("careless_program")
@pytest.mark.parametrize("audits", quick(1, [24, 200]))
def test_ranks_of_audits_in_four_threads_are_those_of_float64(audits):
    choice = AuditSettings(direction="both", replicates=100)
    scenes = [scene(seed) for seed in range(5)]
    expected = []
    for images, reports in scenes:
        scores = oracle.cosines(images, reports)
        expected.append([oracle.count(s, np.arange(len(images))) for s in (scores, scores.T)])
    mixed = list(engines(*scenes[0]).values())

    def run(number):
        at = number % len(scenes)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=number % 2 == 0):
            made = measure(*scenes[at], settings=choice, engine=mixed[number % len(mixed)])
        return at, [table.standings[ALL] for table in made.tables]

    with ThreadPoolExecutor(4) as pool:
        for at, found in pool.map(run, range(audits)):
            for standing, true in zip(found, expected[at], strict=True):
                np.testing.assert_array_equal(standing.above, true.above)
                np.testing.assert_array_equal(standing.ties, true.ties)


@pytest.mark.usefixtures("careless_program")
def test_ranks_of_several_tiles_in_four_threads_are_those_of_float64():
    images, reports = scene(1, pairs=1300, width=24)
    scores, mate = oracle.cosines(images, reports), np.arange(1300)
    expected = oracle.count(scores, mate), oracle.count(scores.T, mate)
    mixed = {name: engine for name, engine in engines(images, reports).items() if "emulated" not in name}
    vectors = prepared(images, reports)

    def run(name):
        return name, count_both(*vectors, mate, engine=mixed[name])

    with ThreadPoolExecutor(4) as pool:
        for name, found in pool.map(run, [*mixed] * 8):
            for counts, true in zip(found, expected, strict=True):
                assert_counts(counts, true, name)
