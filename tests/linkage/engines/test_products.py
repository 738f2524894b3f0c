"""A product says itself what it is made of, and one that is not what the bands rest on is found out."""

import numpy as np
import pytest
import torch

from relinkage.errors import InputError
from relinkage.linkage.engines import Portable, products
from relinkage.linkage.engines.products import InBfloat16, InFloat32, WrongProductError, check
from relinkage.linkage.ranks import count_ranks
from relinkage.linkage.vectors import Vectors
from relinkage.threads import set_torch_threads


@pytest.fixture(autouse=True)
def own_threads_of_torch():
    """A worker sets how many threads torch uses in the thread that calls it, which here is the tests' own."""
    before = torch.get_num_threads()
    yield
    set_torch_threads(before)


def operands(d, rows=60, columns=300):
    random = np.random.default_rng(d)
    both = [random.normal(size=(n, d)).astype(np.float32) for n in (rows, columns)]
    for values in both:
        values.view(np.uint32)[:] &= 0xFFFF0000
    return both


def nearest_bfloat(values):
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.fixture(params=["highest", "medium", "mkldnn bf16", "double", "no denormals", "no mkldnn"])
def setting(request):
    """A program around us that has set one of torch's switches."""
    if request.param in ("highest", "medium"):
        torch.set_float32_matmul_precision(request.param)
        yield
        torch.set_float32_matmul_precision("highest")
    elif request.param == "mkldnn bf16":
        torch.backends.mkldnn.matmul.fp32_precision = "bf16"
        yield
        torch.backends.mkldnn.matmul.fp32_precision = "none"
        torch.set_float32_matmul_precision("highest")
    elif request.param == "double":
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        yield
        torch.set_default_dtype(before)
    elif request.param == "no denormals":
        torch.set_flush_denormal(True)
        yield
        torch.set_flush_denormal(False)
    else:
        torch._C._set_mkldnn_enabled(False)
        yield
        torch._C._set_mkldnn_enabled(True)


@pytest.mark.parametrize("d", [1, 7, 128, 768, 5000])
@pytest.mark.usefixtures("setting")
def test_products_stay_inside_their_bounds_whatever_torch_is_set_to(d):
    x, y = operands(d)
    true = x.astype(np.float64) @ y.T.astype(np.float64)
    everything = slice(0, len(x)), slice(0, len(y))
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
        single, narrow = (kind(x, y).worker()(*everything) for kind in (InFloat32, InBfloat16))
    np.testing.assert_allclose(single, true, atol=1e-6 * d)
    for start in range(4):
        check(single[start:], x[start:], y, bfloat=False)
        check(narrow[start:], x[start:], y, bfloat=True)
    assert not (narrow.view(np.uint32) & 0xFFFF).any()  # numbers of bfloat16
    assert (narrow == nearest_bfloat(true)).mean() > 0.98  # the others are halfway between two of them


@pytest.mark.parametrize("bfloat", [False, True])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1.05])
def test_check_finds_a_product_that_is_wrong(bfloat, wrong):
    x, y = operands(64)
    tile = (InBfloat16 if bfloat else InFloat32)(x, y).worker()(slice(0, 60), slice(0, 300))
    check(tile, x, y, bfloat=bfloat)
    tile[0] *= wrong
    with pytest.raises(WrongProductError):
        check(tile, x, y, bfloat=bfloat)


def spoilt(kind):
    class Spoilt(kind):
        def worker(self):
            multiply = super().worker()
            return lambda rows, columns: multiply(rows, columns) * np.float32(1.05)

    return Spoilt


def scene():
    random = np.random.default_rng(0)
    reports = random.normal(size=(900, 64))
    images = reports + 2 * random.normal(size=reports.shape)
    return Vectors.prepare(images, "i"), Vectors.prepare(reports, "r"), np.arange(900)


def test_a_bfloat16_product_that_is_wrong_is_counted_again_in_float32(monkeypatch):
    expected = count_ranks(*scene(), engine=Portable(bfloat=False))
    monkeypatch.setattr("relinkage.linkage.engines.sweep.InBfloat16", spoilt(products.InBfloat16))
    counted = count_ranks(*scene(), engine=Portable(bfloat=True))
    np.testing.assert_array_equal(counted.above, expected.above)
    np.testing.assert_array_equal(counted.ties, expected.ties)


@pytest.mark.parametrize("bfloat", [False, True])
def test_a_float32_product_that_is_wrong_is_refused_in_one_sentence(monkeypatch, bfloat):
    for kind in (products.InBfloat16, products.InFloat32):
        monkeypatch.setattr(f"relinkage.linkage.engines.sweep.{kind.__name__}", spoilt(kind))
    with pytest.raises(InputError, match="less exact here than exact counts allow for; install numpy"):
        count_ranks(*scene(), engine=Portable(bfloat=bfloat))
