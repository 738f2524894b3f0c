"""What is loaded, and when: nothing heavy before it is needed, whatever imports what.

Each question is asked in a child of one interpreter that has loaded nothing but the standard library, so the
whole closure of imports is seen as it is at run time.
"""

import json
import subprocess
import sys

import numpy as np
import pytest

from relinkage.cli import COMMANDS

SERVER = """
import json, os, sys, traceback
for line in sys.stdin:
    code, reader, writer = json.loads(line), *os.pipe()
    if os.fork() == 0:
        os.close(reader)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        try:
            exec(code, {})
            answer = sorted(sys.modules)
        except BaseException:
            answer = traceback.format_exc()
        with os.fdopen(writer, "w") as out:
            json.dump(answer, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        print(answer.read(), flush=True)
    os.wait()
"""

PLOTS = ("matplotlib",)
FRAMEWORKS = ("torch", "transformers", "sklearn")
HEAVY = (*PLOTS, *FRAMEWORKS, "numpy", "polars", "numba", "scipy", "PIL", "jinja2", "safetensors", "ray")
"""Packages that take a tenth of a second and more to load."""


@pytest.fixture(scope="module")
def ask():
    """A function that runs code in a fresh child and gives the names of the modules that are loaded then."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:

        def loaded(code):
            server.stdin.write(json.dumps(code) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            assert isinstance(answer, list), answer
            return answer

        yield loaded
        server.stdin.close()


def among(loaded, packages):
    """Give those of the packages that are loaded, and `scipy.stats` where it is."""
    tops = {name.split(".")[0] for name in loaded}
    return sorted(tops & set(packages)) + ["scipy.stats"] * ("scipy.stats" in loaded)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_options_load_nothing_heavy(ask, command):
    loaded = ask(
        f"from relinkage.cli import cli\ntry: cli.main(['{command}', '--help'])\nexcept SystemExit: pass"
    )
    assert among(loaded, HEAVY) == []


REFUSED = {
    "audit": ["nowhere"],
    "attack": ["nowhere", "--attacker", "cca"],
    "align": ["nowhere", "--out", "heads"],
    "harden": ["nowhere", "--epsilon", "1", "--delta", "1e-6", "--out", "heads"],
    "compare": ["nowhere", "elsewhere"],
    "utility": ["nowhere"],
    "retrieve": ["nowhere", "--query", "0"],
    "map": ["nowhere", "--out", "map"],
    "report": ["nowhere"],
    "privacy": ["nowhere"],
    "heads": ["nowhere", "--out", "heads"],
    "export": ["nowhere", "--model", "model", "--out", "model2"],
    "cohort": ["nowhere"],
    "embed": ["nowhere", "--model", "phantom:report", "--out", "emb"],
}


@pytest.mark.parametrize("command", REFUSED)
def test_a_missing_file_is_refused_before_anything_heavy_is_loaded(ask, command, tmp_path):
    line = ["relinkage", command, *REFUSED[command]]
    loaded = ask(
        f"import os, sys\nos.chdir({str(tmp_path)!r})\nsys.argv = {line!r}\n"
        "from relinkage.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert end.code == 2, end.code"
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
    loaded = ask("from relinkage.reports import read_audit")
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
