"""The program as a process: what stops it, and how it ends."""

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_is_interrupted_by_ctrl_c_and_by_sigterm_alike(number):
    """Through the real command line: `cli.cli` is what breaks off."""
    code = (
        "import os, signal\nfrom relinkage import __main__, cli\n"
        f"cli.cli.main = lambda **_: os.kill(os.getpid(), {int(number)})\n__main__.run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == (
        "relinkage: Interrupted; nothing half-written is left, and the same command starts again.\n"
    )


def test_run_tidies_up_whatever_else_is_pressed_meanwhile(tmp_path):
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom relinkage import __main__, cli\n"
        "def work(**_):\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "    finally:\n        os.kill(os.getpid(), signal.SIGINT)\n"
        f"        os.kill(os.getpid(), signal.SIGTERM)\n        Path({str(tmp_path / 'tidy')!r}).touch()\n"
        "cli.cli.main = work\n__main__.run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (130, False)
    assert (tmp_path / "tidy").exists()
