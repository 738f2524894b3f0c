"""The page and the card say what intervals let vary."""

import numpy as np
import pytest

from relinkage.linkage import AuditSettings, measure
from relinkage.pages import render_card, render_page


@pytest.mark.parametrize(
    ("varies", "said"),
    [("patients", "gallery held fixed"), ("patients-and-gallery", "let the gallery vary with them")],
)
def test_what_varies_is_named(varies, said):
    random = np.random.default_rng(0)
    reports = random.normal(size=(120, 6))
    images = reports + random.normal(size=reports.shape)
    found = measure(images, reports, settings=AuditSettings(pool=(10,), replicates=100, varies=varies)).result
    assert said in render_card([found])
    assert ("and gallery vary" in " ".join(render_page([found]).split())) == (varies != "patients")
