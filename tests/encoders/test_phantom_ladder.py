"""The paper's ladder: general encoder near chance, label-level one above it, report-level one far above."""

import numpy as np
import pytest
import torch
from scipy.stats import hypergeom

from relinkage.cohorts import CHEXPERT_LABELS
from relinkage.cohorts.phantom import CITY, draw_patient
from relinkage.encoders.phantom import load_phantom_encoder

POOL = 100


@pytest.fixture(scope="module")
def studies():
    """About 1,500 studies of patients that no encoder was trained on, their first image each."""
    drawn = [study for number in range(850) for study in draw_patient(number, seed=77, site=CITY).studies]
    return drawn[:1500]


def scores(name, studies):
    encoder = load_phantom_encoder(name)
    pixels = torch.from_numpy(np.stack([study.images[0] for study in studies]))[:, None]
    images = torch.from_numpy(encoder.encode_images(pixels))
    texts = torch.from_numpy(encoder.encode_texts([study.report.text for study in studies]).features)
    with torch.no_grad():
        return (encoder.heads.embed_images(images) @ encoder.heads.embed_texts(texts).T).double().numpy()


def recall_at_1(similarity, pool):
    """Recall@1 expected over all pools and over the order of what ties with the mate."""
    mates = np.diag(similarity)[:, None]
    ties = np.abs(similarity - mates) < 1e-6
    above = ((similarity > mates) & ~ties).sum(1)
    places = np.arange(ties.sum(1).max())
    found = hypergeom.cdf(0, len(similarity) - 1, above[:, None] + places, pool - 1)
    return found.mean(axis=1, where=places < ties.sum(1)[:, None]).mean()


@pytest.mark.slow
def test_the_ladder_rises_as_the_papers_does(studies):
    general, label, report = (
        recall_at_1(scores(name, studies), POOL) * POOL for name in ("general", "label", "report")
    )
    assert general < 3
    assert label > max(3, 1.5 * general)
    assert report >= 15
    assert report > 2 * label


@pytest.mark.slow
def test_only_the_report_level_encoder_re_links_within_equal_labels(studies):
    labels = [tuple(study.report.labels.get(label) for label in CHEXPERT_LABELS) for study in studies]
    strata = {values: [i for i, other in enumerate(labels) if other == values] for values in set(labels)}
    large = [rows for rows in strata.values() if len(rows) >= 10]
    assert sum(map(len, large)) > 200

    def within(similarity):
        recalls = [recall_at_1(similarity[np.ix_(rows, rows)], 10) for rows in large]
        return np.average(recalls, weights=[len(rows) for rows in large])

    label, report = within(scores("label", studies)), within(scores("report", studies))
    assert label < 0.15
    assert report > 0.25
