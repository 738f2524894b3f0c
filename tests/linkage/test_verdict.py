"""The verdict of all rows: more rows never give the all-clear, and its numbers hold in simulations."""

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from relinkage.linkage.rows import RecallRow, TargetRow
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.linkage.verdict import (
    FALSE_ALARMS,
    POWER,
    can_tell,
    judge,
    patients_to_tell,
    strict_level,
    worth,
)

LEVEL, NEGLIGIBLE = 0.95, 2.0


def made_row(hits, queries, chance, *, on_chance=True, low=None, high=None, patients=None):
    """A row of independent queries, with the Clopper-Pearson interval that its hits have."""
    tail = (1 - LEVEL) / 2
    if low is None:
        low = beta.ppf(tail, hits, queries - hits + 1) if hits else 0.0
    if high is None:
        high = beta.ppf(1 - tail, hits + 1, queries - hits) if hits < queries else 1.0
    return RecallRow(
        direction="image-to-report",
        negatives="all",
        pool=max(round(1 / chance), 1),
        full=False,
        k=1,
        recall=hits / queries,
        low=float(low),
        high=float(high),
        chance=chance,
        lift=hits / queries / chance,
        queries=queries,
        patients=patients or queries,
        effective_patients=float(patients or queries),
        coverage=1.0,
        on_chance=on_chance,
        varies="patients",
        queries_found=0.0,
        patients_found=0.0,
        refits=0,
    )


@st.composite
def any_row(draw):
    chance = draw(st.sampled_from([0.001, 0.01, 0.1, 0.3, 0.5, 1.0]))
    low, recall, high = sorted(draw(st.lists(st.floats(0, 1), min_size=3, max_size=3)))
    row = made_row(1, 1000, chance, low=low, high=high, on_chance=draw(st.booleans()))
    return msgspec.structs.replace(row, recall=recall, lift=recall / chance)


@given(st.lists(any_row(), min_size=1, max_size=5), st.lists(any_row(), max_size=5))
def test_adding_rows_never_gives_the_all_clear(rows, further):
    assume(any(can_tell(row, NEGLIGIBLE) for row in rows))
    before = judge(rows, NEGLIGIBLE, LEVEL).outcome
    after = judge([*rows, *further], NEGLIGIBLE, LEVEL).outcome
    assert not (after == "none" and before != "none")
    if before == "above":
        assert after == "above"


@given(st.lists(any_row(), max_size=6), st.floats(1.1, 5))
def test_the_all_clear_means_that_no_row_reaches_the_negligible_lift(rows, negligible):
    found = judge(rows, negligible, LEVEL)
    if found.outcome == "none":
        assert rows
        assert all(row.high < negligible * row.chance for row in rows if can_tell(row, negligible))
        assert all(row.on_chance for row in rows if row.recall != row.chance)
        assert found.at_most < negligible
        assert found.patients is None


@given(st.lists(any_row(), max_size=6), st.randoms())
def test_the_order_of_rows_changes_nothing(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = (judge(found, NEGLIGIBLE, LEVEL) for found in (rows, shuffled))
    assert (one.outcome, one.at_most, one.patients) == (other.outcome, other.at_most, other.patients)


@given(st.lists(any_row(), min_size=1, max_size=6), st.floats(1.1, 3), st.floats(1, 2))
def test_a_larger_negligible_lift_takes_no_all_clear_away_where_every_row_can_tell(rows, negligible, factor):
    assume(all(can_tell(row, negligible * factor) for row in rows))
    if judge(rows, negligible, LEVEL).outcome == "none":
        assert judge(rows, negligible * factor, LEVEL).outcome == "none"


def test_one_row_above_chance_decides_whatever_the_largest_pool_says():
    """3 hits at the full pool decide nothing; 2.41 % at pools of 100 do."""
    small = made_row(39, 1641, 0.01, on_chance=False)
    full = made_row(3, 1641, 1 / 1282)
    found = judge([full, small], NEGLIGIBLE, LEVEL)
    assert found.outcome == "above"
    assert found.above == (small,)
    assert found.unclear == (full,)


def test_hits_of_a_patient_that_rank_together_are_no_alarm_below():
    row = made_row(10, 1000, 0.03, on_chance=False)
    made = msgspec.structs.asdict(row)
    assert judge([row], NEGLIGIBLE, LEVEL).outcome == "below"
    assert judge([TargetRow(target="patient", **made)], NEGLIGIBLE, LEVEL).outcome == "below"
    assert judge([TargetRow(target="patient", **(made | {"k": 5}))], NEGLIGIBLE, LEVEL).outcome != "below"


def test_rows_that_chance_alone_fills_tell_nothing():
    sure = made_row(100, 100, 1.0)
    assert judge([sure], NEGLIGIBLE, LEVEL).outcome == "unclear"
    assert judge([], NEGLIGIBLE, LEVEL).outcome == "unclear"
    assert judge([sure, made_row(100, 10_000, 0.01)], NEGLIGIBLE, LEVEL).outcome == "none"


@pytest.mark.parametrize(("queries", "chance"), [(20, 0.3), (400, 0.01), (3000, 0.01), (50_000, 0.001)])
@pytest.mark.parametrize("lift", [0.5, 1.0, 1.5, 3.0])
def test_the_number_of_patients_against_every_number_of_hits_counted_out(queries, chance, lift):
    row = made_row(round(lift * chance * queries), queries, chance)
    rows = 18
    needed = patients_to_tell(row, NEGLIGIBLE, LEVEL, rows)
    if needed == row.patients + 1:
        return  # as many are there already
    rate = max(row.recall, chance)

    def share(n):
        hits = np.arange(n + 1)
        high = beta.ppf(0.975, hits + 1, n - hits)
        high[-1] = 1
        low = beta.ppf((1 - strict_level(rows)) / 2, hits, n - hits + 1)
        low[0] = 0
        return binom.pmf(hits, n, rate)[(high < NEGLIGIBLE * chance) | (low > chance)].sum()

    assert share(needed) >= POWER - 1e-9
    assert share(int(needed * 0.8)) < POWER


def test_hits_that_hang_together_need_more_patients():
    alone = made_row(10, 1000, 0.01, patients=500)
    width = alone.high - alone.low
    together = made_row(10, 1000, 0.01, low=0.0, high=width * 1.5, patients=500)
    assert worth(alone, LEVEL) == 1000
    assert worth(together, LEVEL) < 700
    assert patients_to_tell(together, 2.0, LEVEL, 1) > 1.4 * patients_to_tell(alone, 2.0, LEVEL, 1)


def audits(patients, images, chance, times, together, seed):
    """Rows of audits of a scorer that knows nothing, by the intervals that audits have."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), images)
    for number in range(times):
        hits = rng.random(patients if together else patients * images) < chance
        hits = (np.repeat(hits, images) if together else hits).astype(float)
        drawn = ClusterBootstrap.draw(hits[:, None], patient, 400, number)
        shown, wide = drawn.interval(LEVEL), drawn.interval(strict_level(1))
        row = made_row(
            int(hits.sum()),
            len(hits),
            chance,
            low=shown.low[0],
            high=shown.high[0],
            on_chance=bool(wide.low[0] <= chance <= wide.high[0]),
            patients=patients,
        )
        yield row


@pytest.mark.slow
@pytest.mark.parametrize("together", [False, True])
def test_as_many_patients_as_are_named_do_in_four_audits_of_five(together):
    images, chance = 3, 0.02
    few = list(audits(150, images, chance, 40, together, 1))
    needed = [patients_to_tell(row, NEGLIGIBLE, LEVEL, 1) for row in few if row.recall <= 1.5 * chance]
    enough = int(np.median(needed))
    found = [
        judge([row], NEGLIGIBLE, LEVEL).outcome for row in audits(enough, images, chance, 300, together, 2)
    ]
    assert 0.72 < np.mean([outcome == "none" for outcome in found]) < 0.95
    assert np.mean([outcome in ("above", "below") for outcome in found]) <= FALSE_ALARMS + 0.02


@pytest.mark.slow
def test_the_largest_upper_limit_bounds_the_largest_lift():
    """Rows of one cohort hang together; the bound over all of them is as sure as that of one."""
    rng = np.random.default_rng(0)
    patients, lifts = 400, np.array([1.0, 1.3, 1.3, 1.2])
    chances = np.array([0.05, 0.04, 0.1, 0.08])
    held = []
    for number in range(400):
        hits = (rng.random((patients, 4)) < lifts * chances).astype(float)
        drawn = ClusterBootstrap.draw(hits, np.arange(patients), 400, number).interval(LEVEL)
        held.append((drawn.high / chances).max() >= lifts.max())
    assert np.mean(held) >= 0.95
