"""What `make bench` measures: each section a module that prints a table, run in a process of its own."""

import ast
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Section:
    """A part of the page of figures.

    Attributes:
        name: what `--only` calls it.
        title: its heading.
        module: what is run; its docstring says on the page what is measured.
        arguments: of a full run.
        quick: of a run that only shows that it works.
    """

    name: str
    title: str
    module: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()

    @property
    def there(self) -> bool:
        """Whether its module exists."""
        return find_spec(self.module) is not None

    def explanation(self) -> str:
        """Give its module's docstring without the first line's pointer to the command."""
        spec = find_spec(self.module)
        origin = find_spec(f"{self.module}.__main__") if spec and spec.submodule_search_locations else spec
        if origin is None or origin.origin is None:
            return ""
        return ast.get_docstring(ast.parse(Path(origin.origin).read_text())) or ""

    def run(self, *, quick: bool) -> str:
        """Run it, show its lines as they come and give them all.

        Raises:
            RuntimeError: it failed.
        """
        command = [sys.executable, "-m", self.module, *(self.quick if quick else self.arguments)]
        lines = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            for line in running.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        if running.returncode:
            raise RuntimeError(f"{' '.join(command[1:])} ended with {running.returncode}.")
        return "".join(lines)


SECTIONS = (
    Section(
        "engines", "Our pass and audit against the bare product", "bench.engines",
        arguments=("--runs=3",),
        quick=("--pairs=2000", "--patients=400", "--runs=1", "--dimensions=32"),
    ),
    Section(
        "peers", "Our audit against what people use", "bench.peers", quick=("--pairs=400", "--runs=1"),
    ),
    Section(
        "pools", "Drawn pools against the closed form", "bench.pool_sampling",
        quick=("--pairs=2000", "--pools=100", "--draws=50"),
    ),
    Section(
        "hardening", "Private training against plain training", "bench.hardening",
        arguments=("--runs=5",), quick=("--pairs=3000", "--runs=1", "--steps=1"),
    ),
    Section(
        "aligning", "Head training against its matrix products", "bench.aligning",
        arguments=("--runs=2",), quick=("--pairs=5000", "--passes=1", "--runs=1"),
    ),
    Section(
        "scale", "Past memory and past one process", "bench.scale",
        quick=("--candidates", "2000", "70000", "--pairs=2000", "--runs=1"),
    ),
)  # fmt: skip
"""In the order of the page. A section whose module is not there is passed over."""
