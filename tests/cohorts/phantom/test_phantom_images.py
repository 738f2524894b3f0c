"""A radiograph shows what its scene says, where it says so, and nothing else changes."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from relinkage.cohorts.phantom.drawing import draw_radiograph
from relinkage.cohorts.phantom.scene import (
    SIDES,
    Device,
    DeviceKind,
    Finding,
    FindingKind,
    Scene,
    sample_habitus,
    sample_studies,
)
from relinkage.cohorts.phantom.site import CITY, COUNTY

SIDELESS = {"edema", "hernia"}


def healthy(seed=0):
    """A scene without findings or devices, of some patient."""
    rng = np.random.default_rng(seed)
    habitus = replace(sample_habitus(rng, CITY), chronic=(), implants=(), scoliosis=0.0, raised=None)
    return replace(sample_studies(rng, CITY, habitus)[0], findings=(), devices=())


def draw(scene: Scene, view="PA", site=CITY, seed=0):
    return draw_radiograph(scene, view, site, np.random.default_rng(seed)).astype(int)


def change(scene: Scene, view="PA", **added):
    return np.abs(draw(replace(scene, **added), view) - draw(scene, view))


def test_an_image_is_bytes_of_a_fixed_size():
    image = draw_radiograph(healthy(), "PA", CITY, np.random.default_rng(0))
    assert image.dtype == np.uint8
    assert image.shape == (128, 128)


def test_the_same_randomness_gives_the_same_image_and_another_one_another():
    assert np.array_equal(draw(healthy(), seed=1), draw(healthy(), seed=1))
    assert not np.array_equal(draw(healthy(), seed=1), draw(healthy(), seed=2))


def test_lungs_are_darker_than_heart_and_air_outside_is_darkest():
    image = draw(healthy())
    lungs = np.concatenate([image[40:60, 30:45].ravel(), image[40:60, 85:100].ravel()])
    assert image[:6, :6].mean() < lungs.mean() < image[78:88, 66:76].mean()


@pytest.mark.parametrize("kind", sorted(set(get_args(FindingKind)) - SIDELESS))
@pytest.mark.parametrize("side", SIDES)
def test_a_finding_shows_on_its_side(kind, side):
    shown = change(healthy(), findings=(Finding(kind, side, "mid", 0.8, (0.0, 0.0)),))
    right, left = shown[:, :64].sum(), shown[:, 64:].sum()
    assert (right > 5 * left) if side == "right" else (left > 5 * right)


@pytest.mark.parametrize("kind", ["consolidation", "pneumonia", "opacity", "nodule", "granuloma", "fracture"])
def test_a_finding_shows_in_its_zone(kind):
    heights = []
    for zone in ("upper", "mid", "lower"):
        shown = change(healthy(), findings=(Finding(kind, "right", zone, 0.5, (0.0, 0.0)),))
        heights.append((shown.sum(1) * np.arange(128)).sum() / shown.sum())
    assert heights[0] + 5 < heights[1] < heights[2] - 5


@pytest.mark.parametrize("kind", sorted(set(get_args(FindingKind)) - {"granuloma", "fracture", "hernia"}))
def test_a_larger_finding_changes_more(kind):
    small, large = (
        change(healthy(), findings=(Finding(kind, "left", "mid", size, (0.0, 0.0)),)).sum()
        for size in (0.2, 0.9)
    )
    assert large > 1.2 * small > 0


@pytest.mark.parametrize("kind", get_args(DeviceKind))
def test_every_device_shows(kind):
    assert (change(healthy(), devices=(Device(kind, "left", 1, 0.0),)) > 30).sum() > 5


@pytest.mark.parametrize("kind", ["effusion", "consolidation", "nodule"])
def test_a_lateral_view_shows_no_sides(kind):
    right, left = (
        change(healthy(), "LATERAL", findings=(Finding(kind, side, "mid", 0.6, (0.0, 0.0)),))
        for side in SIDES
    )
    assert right.sum() > 0
    assert np.array_equal(right, left)


def test_a_patients_images_resemble_each_other_more_than_other_patients_images():
    first = np.stack([draw(healthy(patient), seed=patient).ravel() for patient in range(20)])
    second = np.stack([draw(healthy(patient), seed=100 + patient).ravel() for patient in range(20)])
    alike = np.corrcoef(np.concatenate([first, second]))[:20, 20:]
    assert np.diag(alike).mean() > alike[~np.eye(20, dtype=bool)].mean() + 0.02


def test_the_county_site_is_noisier_and_darker():
    def noise_and_grey(site):
        images = [draw(healthy(seed), site=site, seed=seed) for seed in range(20)]
        steps = np.stack([np.diff(image[100:, 40:80], axis=1) for image in images])
        return steps.std(), np.mean(images)

    city, county = noise_and_grey(CITY), noise_and_grey(COUNTY)
    assert county[0] > 1.3 * city[0]
    assert county[1] < city[1]
