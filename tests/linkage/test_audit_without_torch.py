"""An audit by the native engine, or by the portable one in float32, needs neither torch nor any encoder."""

import subprocess
import sys

import pytest

from relinkage.linkage.engines import native

SCRIPT = """
import sys
import numpy as np
import relinkage.linkage
from relinkage.linkage import AuditSettings, Resampling, audit
from relinkage.linkage.engines import Portable, choose

vectors = np.random.default_rng(0).normal(size=(2, 200, 16))
settings = AuditSettings(direction="both", open_set=(0.1,), resampling=Resampling(replicates=100))
engine = Portable(bfloat=False) if "{name}" == "cpu" else choose("{name}")
audit(*vectors, settings=settings, engine=engine)
heavy = ("torch", "scipy.stats", "matplotlib", "transformers", "relinkage.encoders", "relinkage.images")
print([name for name in heavy if name in sys.modules])
"""


def can_run():
    try:
        native.best()
    except native.UnavailableError:
        return False
    return True


@pytest.mark.parametrize("name", ["cpu", "native", "auto"])
def test_audit_imports_nothing_heavy(name):
    if name != "cpu" and not can_run():
        pytest.skip("the native engine cannot run here")
    if name == "auto":
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("there is a CUDA device")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{name}", name)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]", done.stdout
