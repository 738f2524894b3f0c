"""The native engine asks the processor before it runs an instruction that not every one has."""

from types import SimpleNamespace

import numpy as np
import pytest

from relinkage.linkage.engines.native import engine
from relinkage.linkage.engines.native.engine import Native
from relinkage.linkage.ranks import count_ranks
from relinkage.linkage.vectors import Vectors


@pytest.mark.parametrize("kernel", ["avx2", "vnni", "amx"])
def test_native_refuses_a_product_that_the_processor_lacks(monkeypatch, kernel):
    nothing = SimpleNamespace(supported=lambda number: 0)
    monkeypatch.setattr(engine.library, "load", lambda emulated: nothing)
    vectors = Vectors.prepare(np.eye(3), "vectors")
    with pytest.raises(RuntimeError, match=f"has no {kernel}"):
        count_ranks(vectors, vectors, np.arange(3), engine=Native(kernel))
