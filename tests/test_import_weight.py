"""What is loaded, and when: nothing heavy before it is needed, whatever imports what.

The whole closure of imports is seen as it is at run time (`loading.py`).
"""

import numpy as np
import pytest

from loading import FRAMEWORKS, HEAVY, PLOTS, among
from relinkage.cli import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_options_load_nothing_heavy(ask, command):
    loaded = ask(
        f"from relinkage.cli import cli\n"
        f"try: cli.main(['{command}', '--help'])\n"
        "except SystemExit as end: assert not end.code"
    )
    assert among(loaded, HEAVY) == []


REFUSED = {
    "audit": ["nowhere"],
    "attack": ["nowhere", "--attackers", "cca"],
    "align": ["nowhere", "--out", "heads"],
    "harden": ["nowhere", "--epsilon", "1", "--delta", "1e-6", "--out", "heads"],
    "compare": ["nowhere", "elsewhere"],
    "utility": ["nowhere"],
    "retrieve": ["nowhere", "--query", "0"],
    "map": ["nowhere", "--out", "map"],
    "page": ["nowhere"],
    "card": ["nowhere"],
    "check": ["nowhere", "--policy", "hospital"],
    "run": ["nowhere.toml", "--out", "run"],
    "privacy": ["nowhere"],
    "memorisation": ["nowhere", "--heads", "."],
    "heads": ["nowhere", "--out", "heads"],
    "export": ["nowhere", "--model", ".", "--out", "model2"],
    "cohort": ["nowhere"],
    "embed": ["nowhere", "--model", "phantom:report", "--out", "emb"],
}


@pytest.mark.parametrize("command", REFUSED)
def test_a_missing_file_is_refused_before_anything_heavy_is_loaded(ask, command, tmp_path):
    line = ["relinkage", command, *REFUSED[command]]
    loaded = ask(
        f"import contextlib, io, os, sys\nos.chdir({str(tmp_path)!r})\nsys.argv = {line!r}\n"
        "from relinkage.cli import main\ntold = io.StringIO()\n"
        "try:\n    with contextlib.redirect_stderr(told): main()\n"
        "except SystemExit as end: assert end.code == 2, end.code\n"
        "assert 'does not exist' in told.getvalue(), told.getvalue()"
    )
    assert among(loaded, HEAVY) == []
    assert list(tmp_path.iterdir()) == []


def test_linkage_loads_no_encoder_no_framework_and_no_plots(ask):
    loaded = ask(
        "import pkgutil, importlib, relinkage.linkage\n"
        "for module in pkgutil.iter_modules(relinkage.linkage.__path__, 'relinkage.linkage.'):\n"
        "    importlib.import_module(module.name)"
    )
    assert among(loaded, (*PLOTS, *FRAMEWORKS)) == []
    light = (
        "relinkage.encoders.card",
        "relinkage.encoders.trained",
    )
    loaded = {name for name in loaded if name.startswith("relinkage.encoders.")}
    assert {name for name in loaded if not name.startswith(light)} == set()


def test_reading_a_run_loads_no_plots_and_no_framework(ask):
    loaded = ask("from relinkage.pages import read_audit")
    assert among(loaded, (*PLOTS, *FRAMEWORKS, "numba")) == []


@pytest.mark.parametrize("engine", ["auto", "cpu"])
def test_an_audit_of_arrays_loads_no_framework_and_no_plots_unless_a_page_is_asked_for(ask, engine, tmp_path):
    vectors = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)
    np.save(tmp_path / "vectors.npy", vectors)
    code = (
        f"import os, sys\nos.chdir({str(tmp_path)!r})\n"
        f"sys.argv = 'relinkage audit --images vectors.npy --reports vectors.npy --engine {engine}'.split()\n"
        "from relinkage.cli import main\ntry: main()\nexcept SystemExit as end: assert not end.code, end.code"
    )
    loaded = ask(code)
    assert among(loaded, PLOTS) == []
    if engine == "auto":  # numpy multiplies single precision; bfloat16, where a processor has it, is torch's
        assert among(loaded, FRAMEWORKS) == []
