"""Fresh processes without their start: forks of a server that has loaded what takes seconds to load.

A child has a memory and threads of its own, as a new interpreter has, but torch, numba and polars are there
already. The server starts when it is first asked, and ends with the tests.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["torch", "numba", "polars", "relinkage.cli.audit", "relinkage.studies.auditing"]
)


def start(command, *, cwd=None, env=None, said=os.devnull):
    """Start what would be `sys.executable` with `-m MODULE` or `-c CODE` and its arguments; give the process.

    What it prints goes to the file `said`, or to a pair of files, one for each stream.
    """
    python, *arguments = map(str, command)
    assert python == sys.executable
    files = said if isinstance(said, tuple) else (said, said)
    folder, environment = str(cwd or Path.cwd()), dict(os.environ if env is None else env)
    process = _CONTEXT.Process(target=_work, args=(arguments, folder, environment, files))
    process.start()
    return process


def run(command, *, cwd=None, env=None, **_):
    """Run it to its end, as `subprocess.run` does with `capture_output` and `text`."""
    with TemporaryDirectory() as folder:
        files = Path(folder, "out"), Path(folder, "err")
        process = start(command, cwd=cwd, env=env, said=files)
        process.join()
        out, err = (file.read_text() if file.exists() else "" for file in files)
    return subprocess.CompletedProcess(command, process.exitcode, out, err)


def _work(arguments, folder, environment, files):
    for stream, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, folder)
    kind, what, *rest = arguments
    if kind == "-m":
        sys.argv = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *rest]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
