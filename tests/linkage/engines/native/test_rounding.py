"""Rounded vectors cannot overflow, and the scores they give stay inside the proven bands."""

import ctypes
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relinkage.linkage.engines.native import building, library
from relinkage.linkage.engines.native.packing import LAYOUTS, rounded
from relinkage.linkage.engines.native.rounding import UNIT, band, half_width, steps
from relinkage.linkage.scores_and_ties import TIE
from relinkage.linkage.vectors import Vectors

INT32 = 2**31 - 1
sizes = st.floats(0, 2) | st.floats(-20, 0).map(lambda power: 10**power)


@given(st.tuples(sizes, sizes), st.floats(0, 4), st.integers(1, 5000), st.sampled_from([1, 2]))
def test_no_score_can_leave_int32_whatever_the_norms(norms, shifts, d, digits):
    """The worst case of Cauchy-Schwarz: all of the norm in one term, rounded up by half, on both sides."""
    step = steps(norms, norms, shifts, d, digits)
    longest = [norm / one + d**0.5 / 2 for norm, one in zip(norms, step, strict=True)]
    left_out = 64**2 * d if digits == 2 else 0
    most = longest[0] * longest[1] + left_out + shifts / (step[0] * step[1])
    assert most / UNIT[digits] + 1 <= INT32
    largest = 2**15 if digits == 1 else 127 * 128 + 63.5
    assert all(norm / one + 0.5 < largest for norm, one in zip(norms, step, strict=True))


def test_the_integers_use_the_room_there_is():
    rows, columns = steps((1.0, 0.5), (0.1, 0.1), 0.1, 512)
    assert (1.0 / rows) * (0.5 / columns) * 1.2 > 0.99 * INT32


@given(st.floats(-2, 2), st.floats(2**-45, 1), st.floats(-12, 0).map(lambda power: 10**power))
def test_integer_bands_are_rounded_outwards(threshold, width, step):
    low, high = (int(end[0]) for end in band(np.array([threshold]), np.array([width]), step))
    if abs(low) < INT32:
        assert (low + 1) * step <= threshold - TIE - width + 1e-15
    if abs(high) < INT32:
        assert high * step >= threshold + TIE + width - 1e-15


def test_a_vector_that_asks_nothing_is_never_reached():
    low, high = band(np.array([np.inf]), np.array([0.1]), 1e-9)
    assert (low, high) == (INT32, INT32)


def unpacked(side, layout, panel, group, n):
    """Read the packed terms back, as work.h lays them out: int64, shape (digits, n, d), high digits first."""
    terms = -(-side.dimension // layout.terms) * layout.terms
    of_side = side.packed.view(np.int16 if layout.digits == 1 else np.int8).astype(int)
    together = terms if layout.digits == 1 else 64  # terms between a digit and the next
    out = np.empty((layout.digits, n, side.dimension), int)
    for v in range(n):
        for k in range(side.dimension):
            at = v // panel * panel * terms * layout.digits + k // together * together * panel * layout.digits
            at += k % together // group * panel * group + v % panel * group + k % group
            out[:, v, k] = of_side[at + np.arange(layout.digits) * together * panel]
    return out


def scores_by_definition(rows, columns, layout):
    """Give both sides' integers and what the products give of them: that of two low digits is left out."""
    x = unpacked(rows, layout, layout.row_panel, layout.row_group, len(rows.norm))
    y = unpacked(columns, layout, 16, layout.column_group, len(columns.norm))
    if layout.digits == 1:
        return x[0], y[0], x[0] @ y[0].T
    score = 128 * (x[0] @ y[0].T) + x[0] @ y[1].T + x[1] @ y[0].T
    return 128 * x[0] + x[1], 128 * y[0] + y[1], score


def sides_of(seed, d, cone, kind):
    """Rows and columns: around a centre, with a term that outweighs the others, or almost without length."""
    random = np.random.default_rng(seed)
    for n in (37, 50):
        array = random.normal(size=(n, d)) + cone
        if kind == "outlier":
            array[0] *= 1e4 ** random.integers(0, 2, d)
        if kind == "subnormal":
            array *= 1e-310
        yield Vectors.prepare(array.astype(np.float64 if kind == "subnormal" else np.float32), "x")


@settings(max_examples=60, deadline=None)
@given(
    kernel=st.sampled_from(["avx2", "amx"]), d=st.sampled_from([1, 2, 33, 64, 70, 300]),
    cone=st.sampled_from([0, 3, 1000]), kind=st.sampled_from(["plain", "outlier", "subnormal"]),
    seed=st.integers(0, 2**32 - 1), both=st.booleans(),
)  # fmt: skip
def test_scores_of_packed_vectors_stay_inside_the_band(kernel, d, cone, kind, seed, both):
    try:
        compiled = library.load(emulated=True)
    except building.BuildError as reason:
        pytest.skip(f"the native library cannot be built: {reason}")
    sides = list(sides_of(seed, d, cone, kind))
    a, b = sides
    layout = LAYOUTS[kernel]
    centres = (a.mean, b.mean)
    rows, columns = rounded(compiled, layout, (a, b), (a.given, b.given), centres, both, 1)
    x, y, score = scores_by_definition(rows, columns, layout)
    units = [side.given.astype(np.float64) * side.inverse_norm[:, None] for side in sides]
    for packed, unit, centre, side in zip((x, y), units, centres, (rows, columns), strict=True):
        residue = np.linalg.norm(unit - centre - packed * side.step, axis=1)
        assert (residue <= side.residue + 1e-15).all()
        assert (np.linalg.norm(unit - centre, axis=1) <= side.norm + 1e-15).all()
        if layout.digits == 2:
            low = (packed + 64) % 128 - 64
            assert (np.linalg.norm(low, axis=1) * side.step <= side.low).all()
    unit = rows.step * columns.step * UNIT[layout.digits]
    shift, row_shift = np.rint(columns.shift / unit), np.rint(rows.shift / unit)[:, None] if both else 0
    score = score + shift
    assert (np.abs(score + row_shift) <= INT32).all()
    true = units[0] @ units[1].T
    assert (
        np.abs(score * unit - (true - rows.shift[:, None])).max(axis=1)
        <= half_width(rows, columns, 0.5 * unit)
    ).all()
    if both:
        error = np.abs((score + row_shift) * unit - true).max(axis=0)
        assert (error <= half_width(columns, rows, unit)).all()


def test_two_digits_give_a_band_that_one_of_eight_bits_is_far_from():
    """Rounding to eight bits alone would cost 0.02 here."""
    a, b = sides_of(0, 128, 0, "plain")
    compiled = library.load(emulated=True)
    rows, columns = rounded(compiled, LAYOUTS["amx"], (a, b), (a.given, b.given), (a.mean, b.mean), False, 1)
    width = half_width(rows, columns, 0.0)
    assert width.max() < 1e-3


@pytest.mark.parametrize(("record", "file"), [(library.Side, "prepare.c"), (library.Work, "work.h")])
def test_records_have_the_fields_of_the_compiled_code_in_its_order(record, file):
    source = re.sub(r"/\*.*?\*/", "", (building.FOLDER / file).read_text(), flags=re.DOTALL)
    body = re.search(r"typedef struct \{([^}]*)\} " + record.__name__, source)[1]
    declared = [name.strip(" *\n") for line in body.split(";") for name in line.split(",") if name.strip()]
    assert [name.split()[-1].strip("*") for name in declared] == [name for name, _ in record._fields_]
    assert ctypes.sizeof(record) == 8 * len(record._fields_)
