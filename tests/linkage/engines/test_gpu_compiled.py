"""The kernels compile for a real device: triton brings the compiler along, no device is needed."""

import os
import sys

import pytest

import warm

pytest.importorskip("triton", reason="triton is not installed; install relinkage[gpu]")

SCRIPT = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from relinkage.linkage.engines import gpu_kernels
from relinkage.linkage.engines.gpu import Shape

HALVES, SINGLES, DOUBLES, BYTES, LONGS, INTS = "*fp16", "*fp32", "*fp64", "*i8", "*i64", "*i32"
TYPES = {
    **dict.fromkeys(("a", "b"), HALVES), **dict.fromkeys(("out", "shift", "threshold", "width"), SINGLES),
    **dict.fromkeys(("a_inverse", "b_inverse", "tie_from", "tie_to"), DOUBLES), "flags": BYTES,
    **dict.fromkeys(("b_identity", "mate", "mate_identity"), LONGS),
    **dict.fromkeys(("starts", "ends", "extents", "above", "ties", "flagged", "of_tile", "length"), INTS),
    **dict.fromkeys(("pair_row", "pair_column"), INTS),
}

def build(kernel, capability, options, types=(), **constants):
    names = kernel.arg_names
    signature = {n: "constexpr" if n in constants else {**TYPES, **dict(types)}.get(n, "i32") for n in names}
    values = {(names.index(name),): value for name, value in constants.items()}
    aligned = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(names) if signature[n][0] == "*"}
    source = ASTSource(kernel, signature, constexprs=values, attrs=aligned)
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)

shape = Shape()
tuned = {"num_warps": shape.warps, "num_stages": shape.stages}
tile = {"ROWS": shape.rows, "COLUMNS": shape.columns}
for capability, width, depth, levels in ((80, 128, 128, 0), (90, 128, 128, 2), (90, 512, 64, 0)):
    step = {"LEVELS": levels, "WIDTH": width, "DEPTH": depth}
    built = build(gpu_kernels.count_tiles, capability, tuned, **step, **tile, TILES=shape.tiles)
    assert ("wgmma" if capability == 90 else "mma.sync") in built.asm["ptx"]
    assert "st.global.v" not in built.asm["ptx"], "similarities must not reach memory"
    assert built.metadata.shared <= 99 * 1024, "more shared memory than some devices have"
options = {"num_warps": 8, "num_stages": 1}
built = build(gpu_kernels.list_tiles, 90, options, **step, ROWS=64, COLUMNS=shape.columns)
assert built.metadata.shared <= 99 * 1024
for given in (SINGLES, DOUBLES):
    options = {"num_warps": 4, "enable_fp_fusion": False}
    built = build(gpu_kernels.settle, 90, options, {"a": given, "b": given}, LEVELS=2, PAIRS=128)
    assert "fma.rn.f64" not in built.asm["ptx"], "the sum must have the bits of scores.dot"
build(gpu_kernels.multiply, 90, {}, WIDTH=64, DEPTH=64, ROWS=32, COLUMNS=32)
"""


@pytest.mark.slow
def test_every_kernel_compiles(tmp_path):
    """In a process of its own: where kernels are interpreted, nothing can be compiled."""
    script = tmp_path / "build.py"  # triton reads the source of what it compiles
    script.write_text(SCRIPT)
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path / "cache")
    done = warm.run([sys.executable, "-m", script.stem], cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
