"""What is wrong in a frontal image, each finding where the scene has it."""

import numpy as np

from relinkage.cohorts.phantom.canvas import Plane, blend, blob, ellipse, ramp
from relinkage.cohorts.phantom.scene import Finding, Zone
from relinkage.cohorts.phantom.thorax import Thorax

_HEIGHTS: dict[Zone, float] = {"upper": -0.42, "mid": -0.05, "lower": 0.27}


def draw_finding(image: Plane, thorax: Thorax, finding: Finding) -> None:
    """Draw a finding into the grey values of a frontal image, in place."""
    size, y = finding.size, thorax.y
    across, lung = thorax.across(finding.side), thorax.lungs[finding.side]
    centre = (0.42 + 0.12 * finding.place[0], _HEIGHTS[finding.zone] + 0.08 * finding.place[1])
    match finding.kind:
        case "effusion":
            _draw_effusion(image, thorax, finding)
        case "pneumothorax":
            _draw_pneumothorax(image, thorax, finding)
        case "consolidation" | "pneumonia":
            mask = blob(across, y, centre, (0.14 + 0.16 * size, 0.11 + 0.15 * size))
            mask *= lung * np.clip(1 + 0.35 * thorax.texture, 0, 1.2)
            dense = 0.62 if finding.kind == "consolidation" else 0.50
            blend(image, np.minimum((dense + 0.5 * size) * mask, 0.95), 0.66)
        case "opacity":
            mask = blob(across, y, centre, (0.13 + 0.12 * size, 0.11 + 0.10 * size))
            blend(image, (0.30 + 0.25 * size) * mask * lung, 0.62)
        case "atelectasis":
            for step in range(1 + round(2 * size)):
                height = y - thorax.dome(finding.side) + 0.09 + 0.07 * step
                height += 0.15 * finding.place[1] * (across - 0.4)
                band = np.exp(-(height**2) * (1 / 0.018**2)) * ramp(across - 0.22, 0.1)
                blend(image, (0.40 + 0.25 * size) * band * lung, 0.68)
        case "edema":
            haze = blob(np.abs(thorax.x), y, (0.24, 0.05), (0.20 + 0.14 * size, 0.30 + 0.16 * size))
            haze *= np.maximum(thorax.lungs["right"], thorax.lungs["left"]) * (1 + 0.4 * thorax.texture)
            blend(image, np.clip((0.25 + 0.55 * size) * haze, 0, 0.9), 0.62)
        case "nodule":
            radius = 0.045 + 0.075 * size
            blend(image, 0.75 * lung * ramp(ellipse(across, y, centre, (radius, radius)), 0.5), 0.66)
        case "granuloma":
            blend(image, lung * ramp(ellipse(across, y, centre, (0.035, 0.035)), 0.5), 0.92)
        case "fracture":
            _draw_fracture(image, thorax, finding)
        case "thickening":
            rim = lung * (1 - ramp(ellipse(across, y, (0.37, 0.12), (0.36, 0.84)), 0.15))
            rim *= blob(across, y, (0.75, centre[1]), (0.45, 0.16 + 0.15 * size))
            blend(image, np.minimum(1.6 * rim, 0.9), 0.78)
        case "hernia":
            middle, top = 0.06 + 0.04 * finding.place[0], thorax.floor - 0.08
            blend(image, ramp(ellipse(thorax.x, y, (middle, top + 0.03), (0.15, 0.13)), 0.3), 0.78)
            blend(image, ramp(ellipse(thorax.x, y, (middle, top), (0.09, 0.06)), 0.4), 0.42)


def _draw_effusion(image: Plane, thorax: Thorax, finding: Finding) -> None:
    """Fluid stands highest at the lateral chest wall: the meniscus."""
    lateral = np.clip((thorax.across(finding.side) - 0.10) * (1 / 0.62), 0, 1) ** 2
    depth = 0.02 + 0.75 * finding.size**1.3
    surface = thorax.floor + 0.20 - 0.45 * depth - (0.20 + 0.55 * depth) * lateral
    blend(image, 0.95 * thorax.lungs[finding.side] * ramp(thorax.y - surface, 0.07), 0.76)


def _draw_pneumothorax(image: Plane, thorax: Thorax, finding: Finding) -> None:
    """Outside the fine line of the visceral pleura the chest is black and has no markings."""
    shrink = 0.10 + 0.42 * finding.size
    edge = ellipse(
        thorax.across(finding.side),
        thorax.y,
        (0.36 - 0.12 * finding.size, 0.16 + 0.10 * finding.size),
        (0.38 * (1 - shrink) + 0.02, 0.86 * (1 - 0.8 * shrink)),
    )
    space = thorax.lungs[finding.side] * ramp(thorax.floor - thorax.y, 0.1)
    blend(image, 0.8 * space * ramp(-edge, 0.08), 0.05)
    blend(image, 0.55 * space * np.exp(-(edge**2) * (1 / 0.045**2)), 0.72)


def _draw_fracture(image: Plane, thorax: Thorax, finding: Finding) -> None:
    """A gap in the rib with callus around it."""
    across = thorax.across(finding.side)
    lateral = 0.60 + 0.08 * finding.place[0]
    height = thorax.rib_near(lateral, _HEIGHTS[finding.zone])
    callus = blob(across, thorax.y, (lateral, height), (0.05 + 0.03 * finding.size, 0.05))
    blend(image, callus, 0.80)
    blend(image, 0.9 * blob(across, thorax.y, (lateral, height), (0.012, 0.06)), 0.10)
