"""The quick tier touches every module: each is imported, and none is needed that is not installed."""

import pkgutil
import sys
from importlib import import_module
from pathlib import Path

import pytest

import relinkage

OPTIONAL = {
    "dp_accounting",
    "faiss",
    "open_clip",
    "openTSNE",
    "pydicom",
    "ray",
    "sklearn",
    "transformers",
}
"""What comes with an extra: a module that needs it is left out by name where it is not installed."""

MODULES = [
    found.name
    for found in pkgutil.walk_packages(relinkage.__path__, "relinkage.")
    if not found.name.endswith(".__main__")  # runs the command; test_command_line.py runs it
]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_can_be_imported(name):
    try:
        import_module(name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"{name} needs {missing.name}, which is not installed")
    assert name in sys.modules


def test_every_file_is_such_a_module():
    """Nothing is left out by lying in a folder that is no package."""
    root = Path(relinkage.__file__).parent
    named = {
        ".".join(("relinkage", *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        for path in root.rglob("*.py")
    }
    assert {name for name in named if not name.endswith(".__main__")} == {"relinkage", *MODULES}
