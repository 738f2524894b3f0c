"""A cohort embedded by workers of Ray leaves the bytes of one process."""

from importlib.util import find_spec

import pytest
from sketch_encoder import SketchEncoder

from relinkage.cluster import disconnect
from relinkage.embeddings import EmbedSettings, embed
from relinkage.errors import InputError

pytestmark = [
    pytest.mark.slow,  # a Ray has to start
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (the extra `cluster`)"),
]

SMALL = EmbedSettings(batch=3, shard_rows=5, max_left_out=0.5)
RAY = EmbedSettings(batch=3, shard_rows=5, max_left_out=0.5, engine="ray")


@pytest.fixture(scope="module", autouse=True)
def _ended():
    yield
    disconnect()


@pytest.mark.parametrize("heads", [True, False])
def test_workers_leave_the_same_bytes(make_cohort, tmp_path, contents, heads):
    cohort = make_cohort(23, unreadable=(4, 9), empty=(7,))
    embed(cohort, SketchEncoder(heads=heads), tmp_path / "here", settings=SMALL)
    embed(cohort, SketchEncoder(heads=heads), tmp_path / "ray", settings=RAY)
    assert contents(tmp_path / "ray") == contents(tmp_path / "here")


def test_what_one_process_began_workers_finish(make_cohort, tmp_path, contents):
    cohort = make_cohort(23)
    embed(cohort, SketchEncoder(), tmp_path / "whole", settings=SMALL)
    with pytest.raises(RuntimeError, match="the power went"):
        embed(cohort, SketchEncoder(batches=5), tmp_path / "broken", settings=SMALL)
    assert not (tmp_path / "broken/manifest.json").exists()
    embed(cohort, SketchEncoder(), tmp_path / "broken", settings=RAY)
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")


def test_an_encoder_that_fails_at_a_worker_stops_the_run_in_one_sentence(make_cohort, tmp_path):
    with pytest.raises(InputError, match=r"A worker of engine ray failed .*; the same command resumes"):
        embed(make_cohort(8), SketchEncoder(batches=0), tmp_path / "out", settings=RAY)


def test_an_engine_that_is_not_known_is_refused():
    with pytest.raises(InputError, match=r"engine abacus is not .*; give auto, cpu, ray or ray://HOST:PORT"):
        EmbedSettings(engine="abacus")
