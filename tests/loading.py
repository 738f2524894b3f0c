"""What some code loads: asked in forks of one interpreter that has loaded the standard library alone."""

import json
import subprocess
import sys
from contextlib import contextmanager

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


@contextmanager
def interpreter():
    """Give a function that runs code in a fresh child and gives the names of what is loaded then."""
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
