"""The GitHub Action: every input is an option of `relinkage check`, and none is run by a shell."""

import re
from pathlib import Path

import pytest

from calling import done

ACTION = Path(__file__).parents[1] / "action.yml"


def test_its_inputs_are_options_of_the_command():
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the action")
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    install, check = action["runs"]["steps"][1:]
    names = set(action["inputs"]) - {"python-version", "run"}
    help_text = done("check", "--help").out
    assert names <= set(re.findall(r"--([a-z-]+)", help_text))
    for name in {*names, "run"}:
        assert check["env"][name.upper()] == f"${{{{ inputs.{name} }}}}"
    for step in (install, check):
        assert "inputs." not in step["run"]


def test_what_is_not_given_is_left_out():
    """The shell line gives each option only where its variable holds something."""
    import subprocess

    line = ACTION.read_text(encoding="utf-8").split("relinkage check ")[1]
    script = "show() { printf '%s\\n' \"$@\"; }\nshow " + line
    env = {
        "PATH": "/usr/bin:/bin",
        "RUN": "a run; touch x",
        "POLICY": "hospital",
        "MARGIN": "",
        "OUT": "$(id)",
    }
    ended = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["a run; touch x", "--policy", "hospital", "--out", "$(id)"]
