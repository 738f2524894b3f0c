"""The entropy of the match beside recall: its mean over queries, its interval and its quantiles."""

import numpy as np
import pytest

from relinkage.linkage import AuditSettings, Links, measure


@pytest.mark.parametrize("temperature", [0.02, 0.07, 1.0])
def test_the_mean_equals_a_loop(temperature):
    rng = np.random.default_rng(3)
    images, reports = rng.normal(size=(90, 6)), rng.normal(size=(90, 6))
    links = Links.row_by_row(90, 90).with_patients(np.arange(90) // 2)
    result = measure(images, reports, links, AuditSettings(direction="both", temperature=temperature)).result
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, reports)]
    scores = unit[0] @ unit[1].T
    for row, table in zip(result.entropy, (scores, scores.T), strict=True):
        entropies = []
        for line in table:
            p = np.exp(line / temperature)
            p /= p.sum()
            entropies.append(-sum(x * np.log(x) for x in p) / np.log(90))
        assert row.entropy == pytest.approx(np.mean(entropies), abs=1e-9)
        assert row.median == pytest.approx(np.median(entropies), abs=1e-9)
        assert row.low < row.entropy < row.high
        assert (row.queries, row.patients, row.candidates, row.sampled) == (90, 45, 90, False)
        assert row.temperature == temperature


def test_a_higher_temperature_evens_out():
    rng = np.random.default_rng(4)
    images, reports = rng.normal(size=(2, 60, 6))
    found = [
        measure(images, reports, settings=AuditSettings(temperature=t)).result.entropy[0].entropy
        for t in (0.01, 0.1, 1.0)
    ]
    assert found == sorted(found)
