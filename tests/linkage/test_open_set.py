"""The open set equals what counting pools one query at a time gives, at thresholds set on other patients."""

import re
from math import comb

import numpy as np
import pytest

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.thresholds import Halves, queries_needed, sample_size
from tiers import quick

PAIRS, RATES = 120, (0.1, 0.3)
TIE = 2.0**-40
SCORES = ("cosine", "margin")


class Scene:
    """Images and reports with a weak link, their audit, and plain float64 scores beside it."""

    def __init__(
        self, seed, distractors="all", direction="image-to-report", strength=0.8, pool=(2, 10, "full")
    ):
        rng = np.random.default_rng(seed)
        images = rng.normal(size=(PAIRS, 6))
        reports = images * strength + rng.normal(size=(PAIRS, 6))
        reports[:20] = reports[0]
        self.patient = np.arange(PAIRS) // 2
        links = Links.row_by_row(PAIRS, PAIRS).with_patients(self.patient)
        settings = AuditSettings(
            pool=pool, distractors=distractors, direction=direction, open_set=RATES, seed=seed, replicates=300
        )
        self.result = measure(images, reports, links, settings).result
        unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, reports)]
        scores = unit[0] @ unit[1].T
        self.scores = scores if direction == "image-to-report" else scores.T
        self.eligible = ~np.eye(PAIRS, dtype=bool)
        if distractors == "other-patients":
            self.eligible &= self.patient[:, None] != self.patient
        halves = Halves.deal(self.patient, seed, PAIRS)
        self.halves = halves.first, halves.second
        self.known = {}

    def query(self, i):
        return self.scores[i, i], self.scores[i][self.eligible[i]]

    def curve(self, score, pool):
        return next(c for c in self.result.det if c.score == score and c.pool == pool)


def share(few, whole, drawn):
    return comb(int(few), int(drawn)) / comb(int(whole), int(drawn))


def false_claim(scene, i, score, threshold, pool):
    """The chance that a pool without the mate leads to a claim."""
    _, others = scene.query(i)
    P, drawn = len(others), min(pool, len(others))
    if score == "margin":
        beneath = [(others <= s - threshold).sum() for s in others]
        return sum(comb(int(c), drawn - 1) for c in beneath) / comb(P, drawn)
    return 1 - share((others < threshold).sum(), P, drawn)


def true_and_wrong_claim(scene, i, score, threshold, pool):
    mate, others = scene.query(i)
    P, drawn = len(others), min(pool, len(others) + 1) - 1
    if score == "margin":
        beneath = [(others <= s - threshold).sum() for s in others if mate <= s - threshold]
        wrong = sum(comb(int(c), drawn - 1) for c in beneath) / comb(P, drawn)
        return share((others <= mate - threshold).sum(), P, drawn), wrong
    above, tied = int((others > mate + TIE).sum()), int((abs(others - mate) <= TIE).sum())
    first = np.mean([share(P - above - u, P, drawn) for u in range(tied + 1)])
    silent = (mate < threshold) * share((others < threshold).sum(), P, drawn)
    found = (mate >= threshold) * first
    return found, 1 - silent - found


def claims(scene, half, score, threshold, pool):
    """False, right and wrong claims of one half's searches at a threshold: three means."""
    key = tuple(half), score, threshold, pool
    if key not in scene.known:
        false = [false_claim(scene, i, score, threshold, pool) for i in half]
        both = [true_and_wrong_claim(scene, i, score, threshold, pool) for i in half]
        scene.known[key] = np.array([np.mean(false), *np.mean(both, 0)])
    return scene.known[key]


def cross_fitted(scene, score, pool, rate):
    """Let either half find the neighbours between which it keeps to the rate, and measure the other half."""
    thresholds = [point.threshold for point in scene.curve(score, pool).points]
    measured = []
    for setting, measuring in (scene.halves, scene.halves[::-1]):
        before = None
        for at in thresholds:
            own, other = (claims(scene, half, score, at, pool) for half in (setting, measuring))
            if own[0] <= rate + 1e-12:
                break
            before = own, other
        lower = 0 if before is None else (rate - own[0]) / (before[0][0] - own[0])
        measured.append(other if before is None else lower * before[1] + (1 - lower) * other)
    return np.mean(measured, axis=0)


@pytest.mark.parametrize("direction", ["image-to-report", "report-to-image"])
@pytest.mark.parametrize("distractors", ["all", "other-patients"])
@pytest.mark.parametrize("seed", quick(1, range(2)))
def test_every_figure_equals_counting_pools(seed, distractors, direction):
    scene = Scene(seed, distractors, direction)
    rows = scene.result.open_set
    assert len(rows) == len(SCORES) * 3 * len(RATES)
    for row in rows:
        expected = cross_fitted(scene, row.score, row.pool, row.fpir)
        assert (row.fpir_measured, row.tpir, row.misidentified) == pytest.approx(expected, abs=1e-9)
        assert row.low <= row.tpir <= row.high
        assert row.fpir_low <= row.fpir_measured <= row.fpir_high
        for entry in row.ppv:
            worth = entry.prior * row.tpir
            made = entry.prior * (row.tpir + row.misidentified) + (1 - entry.prior) * row.fpir_measured
            assert entry.ppv == (pytest.approx(worth / made) if made > 0 else None)
            assert entry.ppv is None or entry.low <= entry.ppv <= entry.high


@pytest.mark.parametrize("direction", ["image-to-report", "report-to-image"])
def test_curves_equal_counting_pools(direction):
    scene = Scene(7, "other-patients", direction)
    everyone = range(PAIRS)
    for curve in scene.result.det:
        rates = [point.fpir for point in curve.points]
        assert rates == sorted(rates, reverse=True)
        assert rates[0] >= max(RATES)
        assert rates[-1] == 0
        for point in curve.points[::7]:
            expected = claims(scene, everyone, curve.score, point.threshold, curve.pool)
            assert (point.fpir, point.tpir) == pytest.approx(expected[:2], abs=1e-9)


@pytest.mark.parametrize("seed", quick(1, range(3)))
def test_the_grid_is_close_where_rates_were_asked_for(seed):
    """Neighbours differ by a quarter of the rate, or by the scores of a few searches, at most."""
    scene = Scene(seed)
    for curve in scene.result.det:
        rates = np.array([point.fpir for point in curve.points])
        for rate in RATES:
            after = int((rates <= rate).argmax())
            jump = curve.full or (curve.pool == 2 and curve.score == "margin")
            assert rates[after - 1] - rates[after] <= max(0.3 * rate, 4 / PAIRS if jump else 0)


def test_halves_hold_other_patients():
    scene = Scene(0)
    first, second = scene.halves
    assert not set(scene.patient[first]) & set(scene.patient[second])
    assert len(first) + len(second) == PAIRS


def test_a_scorer_without_knowledge_finds_at_most_what_it_claims_falsely():
    for row in Scene(4, strength=0.0, pool=(10, 50)).result.open_set:
        assert row.low <= row.fpir / row.pool + 0.05


def test_the_worth_of_a_claim_falls_with_the_prior():
    for row in Scene(5, pool=(10,)).result.open_set:
        worth = [entry.ppv for entry in row.ppv if entry.ppv is not None]
        assert worth == sorted(worth, reverse=True)


def test_vectors_that_are_equal_claim_nothing_wrong_and_are_certain_to_be_found():
    """Every mate has cosine 1, and no distractor comes near."""
    vectors = np.random.default_rng(0).normal(size=(400, 60))
    links = Links.row_by_row(400, 400).with_patients(np.arange(400) // 2)
    result = measure(vectors, vectors, links, AuditSettings(pool=("full",), open_set=(0.05,))).result
    for row in result.open_set:
        assert (row.tpir, row.high, row.misidentified) == (1, 1, 0)
        assert 0.9 < row.low < 1
        assert all(entry.low < entry.ppv <= entry.high for entry in row.ppv)


def test_vectors_that_are_unrelated_find_nothing_and_the_interval_says_how_much_it_may_be():
    random = np.random.default_rng(1)
    images, reports = random.normal(size=(2, 400, 60))
    links = Links.row_by_row(400, 400).with_patients(np.arange(400) // 2)
    result = measure(images, reports, links, AuditSettings(pool=("full",), open_set=(0.05,))).result
    nothing = [row for row in result.open_set if row.tpir == 0]
    assert nothing
    for row in nothing:
        assert row.low == 0 < row.high < 0.1
        assert all(entry.ppv == entry.low == 0 < entry.high for entry in row.ppv)


def test_a_rate_with_too_few_queries_is_left_out_and_a_note_says_how_many_it_takes():
    scene = measure(
        *np.random.default_rng(3).normal(size=(2, 100, 4)), settings=AuditSettings(open_set=(0.003, 0.2))
    )
    assert {row.fpir for row in scene.result.open_set} == {0.2}
    assert (
        "The open set leaves out a rate of 0.3 % false claims: it takes 1,667 queries in each half of the "
        "patients to set a threshold, and there are 50." in scene.result.notes
    )


@pytest.mark.parametrize(
    ("patient", "said"),
    [
        (np.arange(40), "takes 50 queries in each half of the patients, and the smaller half has 20; give "
                        "rates from 0.25 up"),
        (np.arange(40) // 36, "the smaller half has 4; leave out open_set"),
    ],
)  # fmt: skip
def test_where_no_rate_has_queries_enough_the_request_is_refused(patient, said):
    links = Links.row_by_row(40, 40).with_patients(patient)
    vectors = np.random.default_rng(6).normal(size=(2, 40, 5))
    with pytest.raises(InputError, match=re.escape(said)):
        measure(*vectors, links, AuditSettings(open_set=(0.01, 0.1)))


def test_all_queries_are_looked_at_where_they_are_few_and_else_as_many_as_the_lowest_rate_takes():
    assert [queries_needed(rate) for rate in (0.003, 0.01, 0.1)] == [1667, 500, 50]
    assert sample_size(8000, 8000, (0.1,)) == 8000
    assert sample_size(43_793, 43_793, (0.1, 0.003)) == 1667
    assert sample_size(43_793, 43_793, (0.1,)) == sample_size(43_793, 43_793, ()) == 512


def test_a_sample_agrees_with_all(monkeypatch):
    """Of 2,600 queries 512 of either half are drawn; the cosine's true claims rest on all."""
    rng = np.random.default_rng(8)
    images = rng.normal(size=(2600, 8))
    reports = images + rng.normal(size=(2600, 8))
    settings = AuditSettings(pool=(100,), open_set=(0.1,))
    every = measure(images, reports, settings=settings).result
    monkeypatch.setattr("relinkage.linkage.thresholds._ALL", 1000)
    some = measure(images, reports, settings=settings).result
    assert (every.open_set_sample, some.open_set_sample) == (1300, 512)
    assert [row.queries for row in some.open_set] == [2600, 1024]
    for few, many in zip(some.open_set, every.open_set, strict=True):
        assert few.low <= many.tpir <= few.high
        assert few.fpir_low <= 0.1 <= few.fpir_high
    assert some.entropy[0].sampled
    assert not every.entropy[0].sampled


@pytest.mark.parametrize("temperature", [0.0, -1.0, 1e-9, float("nan")])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(InputError, match="temperature"):
        AuditSettings(temperature=temperature)
