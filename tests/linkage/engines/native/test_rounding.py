"""Rounded vectors cannot overflow, and the scores they give stay inside the proven bands."""

import ctypes
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.linkage.engines.native import building, library
from relinkage.linkage.engines.native.packing import LAYOUTS, rounded
from relinkage.linkage.engines.native.rounding import bfloat_width, integer_band, integer_width, steps
from relinkage.linkage.scores import TIE
from relinkage.linkage.vectors import Vectors

INT32 = 2**31 - 1
sizes = st.floats(0, 2) | st.floats(-20, 0).map(lambda power: 10**power)


@given(st.tuples(sizes, sizes), st.floats(0, 4), st.integers(1, 5000))
def test_no_partial_sum_can_leave_int32_whatever_the_norms(norms, shifts, d):
    """The worst case of Cauchy-Schwarz: all of the norm in one term, rounded up by half, on both sides."""
    step = steps(norms, norms, shifts, d)
    longest = [norm / one + d**0.5 / 2 for norm, one in zip(norms, step, strict=True)]
    assert longest[0] * longest[1] + shifts / (step[0] * step[1]) + 1 <= INT32
    assert all(norm / one + 0.5 < 2**15 for norm, one in zip(norms, step, strict=True))


def test_the_integers_use_the_room_there_is():
    rows, columns = steps((1.0, 0.5), (0.1, 0.1), 0.1, 512)
    assert (1.0 / rows) * (0.5 / columns) * 1.2 > 0.99 * INT32


@given(st.floats(-2, 2), st.floats(2**-45, 1), st.floats(-12, 0).map(lambda power: 10**power))
def test_integer_bands_are_rounded_outwards(threshold, width, step):
    low, high = (int(end[0]) for end in integer_band(np.array([threshold]), np.array([width]), step))
    if abs(low) < INT32:
        assert (low + 1) * step <= threshold - TIE - width + 1e-15
    if abs(high) < INT32:
        assert high * step >= threshold + TIE + width - 1e-15


def test_a_vector_that_asks_nothing_is_never_reached():
    low, high = integer_band(np.array([np.inf]), np.array([0.1]), 1e-9)
    assert (low, high) == (INT32, INT32)


def unpacked(side, layout, panel, group, n):
    """Read the packed terms back, element (v, k) at panel v / P, group k / G (work.h)."""
    values = side.packed.view(np.int16)
    terms = -(-side.dimension // layout.terms) * layout.terms
    out = np.empty((n, side.dimension))
    for v in range(n):
        for k in range(side.dimension):
            at = v // panel * panel * terms + k // group * panel * group + v % panel * group + k % group
            bits = values[at]
            out[v, k] = (
                np.uint32(np.uint16(bits)) << np.uint32(16)
            ).view(np.float32) if layout.bfloat else bits  # fmt: skip
    return out * side.step


@pytest.mark.parametrize("kernel", ["avx2", "amx"])
@pytest.mark.parametrize("d", [1, 2, 33, 70])
@pytest.mark.parametrize("cone", [0, 3, 1000])
def test_scores_of_packed_vectors_stay_inside_the_band(kernel, d, cone):
    try:
        compiled = library.load(emulated=True)
    except building.BuildError as reason:
        pytest.skip(f"the native library cannot be built: {reason}")
    random = np.random.default_rng(d + cone)
    sides = [Vectors.prepare((random.normal(size=(n, d)) + cone).astype(np.float32), "x") for n in (37, 50)]
    a, b = sides
    layout = LAYOUTS[kernel]
    centres = (a.mean, b.mean)
    rows, columns = rounded(compiled, layout, (a, b), (a.given, b.given), centres, True, 1)
    x = unpacked(rows, layout, layout.row_panel, layout.row_group, len(a))
    y = unpacked(columns, layout, 16, 2, len(b))
    units = [side.given.astype(np.float64) * side.inverse_norm[:, None] for side in sides]
    for packed, unit, centre, side in zip((x, y), units, centres, (rows, columns), strict=True):
        residue = np.linalg.norm(unit - centre - packed, axis=1)
        assert (residue <= side.residue + 1e-15).all()
        assert (np.linalg.norm(unit - centre, axis=1) <= side.norm + 1e-15).all()
    step = rows.step * columns.step
    true = units[0] @ units[1].T
    if layout.bfloat:
        score = x.astype(np.float32) @ y.T.astype(np.float32) + columns.shift.astype(np.float32)
        widths = bfloat_width(rows, columns, abs(columns.shift).max(), 0)
    else:
        score = x @ y.T + np.rint(columns.shift / step) * step
        widths = integer_width(rows, columns, 1)
    assert (np.abs(score - (true - rows.shift[:, None])).max(axis=1) <= widths).all()


@pytest.mark.parametrize(("record", "file"), [(library.Side, "prepare.c"), (library.Work, "work.h")])
def test_records_have_the_fields_of_the_compiled_code_in_its_order(record, file):
    source = re.sub(r"/\*.*?\*/", "", (building.FOLDER / file).read_text(), flags=re.DOTALL)
    body = re.search(r"typedef struct \{([^}]*)\} " + record.__name__, source)[1]
    declared = [name.strip(" *\n") for line in body.split(";") for name in line.split(",") if name.strip()]
    assert [name.split()[-1].strip("*") for name in declared] == [name for name, _ in record._fields_]
    assert ctypes.sizeof(record) == 8 * len(record._fields_)
