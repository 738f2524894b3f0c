"""The engine is a matter of time: every figure of an audit is the same from any of them."""

import json

import numpy as np
import polars as pl
import pytest

from calling import relinkage
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.engines import ENGINES, choose
from relinkage.options import fields_of
from relinkage.records import plain


def scene():
    random = np.random.default_rng(0)
    reports = random.normal(size=(400, 24)).astype(np.float32) + 1
    reports[::5] = reports[0]
    images = (reports + random.normal(size=reports.shape)).astype(np.float32)
    table = pl.DataFrame(
        {
            "pair_id": [str(row) for row in range(400)],
            "patient_id": random.integers(0, 150, 400).astype(str),
            "view": random.choice(["PA", "AP"], 400),
        }
    )
    return images, reports, Links.from_pairs(table, 400, 400, "scene")


def test_audits_differ_in_the_name_of_the_engine_alone():
    results = {}
    for name in ("auto", "cpu"):
        settings = AuditSettings(
            direction="both", hard_negatives=("view",), patient_level=True,
            open_set=(0.1,), replicates=100, engine=name,
        )  # fmt: skip
        results[name] = plain(measure(*scene(), settings).result)
        assert results[name]["settings"].pop("engine") == choose(name).name
    assert json.dumps(results["auto"]) == json.dumps(results["cpu"])


def test_an_engine_that_is_not_known_is_refused():
    with pytest.raises(InputError, match="engine abacus is not a valid engine; give auto, cpu"):
        measure(*scene(), AuditSettings(engine="abacus"))


def test_the_command_line_offers_every_engine():
    for name in (*ENGINES, "auto", "ray", "ray://127.0.0.1:10001"):
        assert AuditSettings(engine=name).engine == name
    (engine,) = (field for field in fields_of(AuditSettings) if field.name == "engine")
    assert all(name in engine.help and name in engine.wanted for name in (*ENGINES, "ray"))


def test_the_command_line_says_which_engine_ran(tmp_path):
    images, reports, _ = scene()
    for name, array in (("images", images), ("reports", reports)):
        np.save(tmp_path / f"{name}.npy", array)
    places = ["--images", str(tmp_path / "images.npy"), "--reports", str(tmp_path / "reports.npy")]
    done = relinkage("audit", *places, "--engine", "cpu", "--replicates", "100", "--json")
    assert json.loads(done.out)["settings"]["engine"] == "cpu"
