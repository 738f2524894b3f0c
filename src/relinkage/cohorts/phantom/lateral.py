"""The lateral radiograph of a scene: the sternum on the left of the image, the spine on the right.

Both lungs lie over each other, so a finding's side does not show; its height does.
"""

import math

import numpy as np

from relinkage.cohorts.phantom.canvas import Overlay, Plane, Pose, blend, blob, clouds, ellipse, ramp
from relinkage.cohorts.phantom.devices import ring
from relinkage.cohorts.phantom.scene import Device, Finding, Habitus, Scene, Zone

_HEIGHTS: dict[Zone, float] = {"upper": -0.40, "mid": -0.02, "lower": 0.26}


class LateralChest:
    """A patient's chest from the side for one image.

    Attributes:
        pose: how the patient stands.
        x: coordinate from sternum to spine.
        y: coordinate downwards.
        floor: height of the diaphragm.
        texture: a smooth random field that opacities follow.
        chest: mask of both lungs, going on below the diaphragm.
        lung: mask of the aerated part.
    """

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        habitus = scene.habitus
        self.pose = Pose.sample(rng)
        x, self.y = self.pose.grid()
        self.x: Plane = x * (1 / (0.9 + 0.12 * habitus.fat))
        self.floor = 0.44 * habitus.height + 0.10 * scene.volume
        self.texture = clouds(rng)
        chest = ellipse(self.x, self.y, (-0.02, 0.02), (0.60, 0.86 * habitus.height))
        self.chest = ramp(0.5 * chest, 0.04)
        dome = self.floor + (0.7 - 0.28 * max(scene.volume, 0)) * (self.x + 0.15) ** 2
        self._depth = self.y - dome
        self.lung = self.chest * ramp(-self._depth, 0.03)

    def draw(self, scene: Scene) -> Plane:
        """Give the grey values of a chest without findings and devices."""
        habitus, x, y = scene.habitus, self.x, self.y
        width = np.abs(x)
        trunk = np.minimum(0.80 + 0.10 * np.cos(1.6 * y) - width, y + 0.95 - 0.35 * width)
        image: Plane = ramp(trunk, 0.06) * (0.58 + 0.08 * habitus.fat)
        image += (0.22 - 0.04 * scene.volume + 0.03 * self.texture - image) * self.lung
        self._draw_bones(image, habitus)
        tilted = y - (self.floor - 0.16) + 0.35 * (x + 0.22)
        heart = ellipse(x, tilted, (-0.22, 0.0), (0.72 * scene.heart, 0.30))
        blend(image, 0.85 * ramp(heart, 0.2), 0.70)
        arch = np.abs(ellipse(x, y, (0.06, 0.10), (0.24 + 0.06 * habitus.aorta, 0.46)))
        image += (0.05 + 0.08 * habitus.aorta) * ramp(0.14 - arch, 0.2) * self.lung
        blend(image, 0.7 * ramp(self._depth, 0.05) * ramp(0.62 - width, 0.15), 0.70)
        return image

    def _draw_bones(self, image: Plane, habitus: Habitus) -> None:
        spine = ramp(0.10 - np.abs(self.x - 0.46 - 0.12 * np.cos(1.8 * self.y)), 0.04)
        image += spine * (0.13 + 0.05 * np.cos((2 * math.pi / 0.135) * self.y))
        turns = (self.y - 0.35 * self.x) * (1 / habitus.rib_spacing) + habitus.rib_phase
        image += 0.05 * ramp(np.cos(2 * math.pi * turns) - 0.55, 0.6) * self.chest


def draw_lateral(scene: Scene, rng: np.random.Generator) -> Plane:
    """Give the grey values of a lateral image, before the detector."""
    chest = LateralChest(scene, rng)
    image = chest.draw(scene)
    for finding in scene.findings:
        _draw_finding(image, chest, finding)
    overlay = Overlay(chest.pose)
    for device in scene.devices:
        _draw_device(overlay, chest.floor, device)
    overlay.onto(image)
    return image


def _draw_finding(image: Plane, chest: LateralChest, finding: Finding) -> None:
    x, y, lung, size = chest.x, chest.y, chest.lung, finding.size
    centre = (0.30 * finding.place[1], _HEIGHTS[finding.zone] + 0.08 * finding.place[1])
    match finding.kind:
        case "effusion":
            surface = chest.floor + 0.25 - 0.55 * size - 0.45 * np.clip(x, 0, 0.6)
            blend(image, 0.8 * chest.chest * ramp(y - surface, 0.07), 0.74)
        case "consolidation" | "pneumonia" | "opacity":
            mask = blob(x, y, centre, (0.13 + 0.12 * size, 0.12 + 0.12 * size)) * lung
            mask *= np.clip(1 + 0.3 * chest.texture, 0, 1.2)
            blend(image, np.minimum((0.35 + 0.4 * size) * mask, 0.9), 0.64)
        case "edema":
            blend(image, (0.25 + 0.4 * size) * lung * blob(x, y, (0.05, 0.0), (0.28, 0.34)), 0.60)
        case "atelectasis":
            band = np.exp(-((y - chest.floor + 0.12 - 0.3 * x) ** 2) * (1 / 0.02**2))
            blend(image, (0.35 + 0.2 * size) * band * lung, 0.66)
        case "nodule":
            radius = 0.045 + 0.075 * size
            blend(image, 0.7 * lung * ramp(ellipse(x, y, centre, (radius, radius)), 0.5), 0.66)
        case "granuloma":
            blend(image, 0.7 * lung * ramp(ellipse(x, y, centre, (0.04, 0.04)), 0.5), 0.90)
        case "hernia":
            blend(image, ramp(ellipse(x, y, (0.18, chest.floor - 0.05), (0.15, 0.13)), 0.3), 0.76)
        case "pneumothorax" | "fracture" | "thickening":
            pass  # A reader calls these on the frontal image.


def _draw_device(overlay: Overlay, floor: float, device: Device) -> None:
    depth = device.variant - 1
    match device.kind:
        case "pacemaker":
            overlay.shape([(-0.62, -0.55), (-0.54, -0.58), (-0.50, -0.36), (-0.58, -0.34)], 0.92)
            for tip in ((-0.30, floor - 0.08), (-0.12, -0.02))[: device.variant]:
                overlay.line([(-0.54, -0.45), (-0.20, -0.50), (-0.05, -0.20), tip], 1.0, 0.85)
        case "sternal wires":
            for y in (-0.42, -0.27, -0.12, 0.03, 0.18):
                overlay.line([(-0.66, y), (-0.60, y + 0.02)], 1.2, 0.9)
        case "picc" | "jugular catheter":
            overlay.line([(0.02, -0.95), (-0.05, -0.5), (-0.04, -0.12 + 0.12 * depth)], 0.9, 0.55)
        case "valve":
            overlay.line(ring(-0.18, floor - 0.26), 1.2, 0.9)
        case "clips":
            for x in (-0.20, -0.15, -0.10, -0.05):
                overlay.line([(x, floor + 0.26), (x + 0.02, floor + 0.29)], 1.0, 0.95)
        case "chest tube":
            overlay.line([(0.05, 0.55), (0.15, 0.1), (0.10, -0.35)], 2.0, 0.62)
        case "endotracheal tube" | "enteric tube":
            overlay.line([(0.05, -0.95), (0.04, -0.30 + 0.13 * depth)], 1.2, 0.55)
