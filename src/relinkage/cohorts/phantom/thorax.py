"""The chest from the front: coordinates, lungs, bones, mediastinum, before anything is wrong with it."""

import math

import numpy as np

from relinkage.cohorts.phantom.canvas import Plane, Point, Pose, blend, blob, clouds, ellipse, ramp
from relinkage.cohorts.phantom.scene import SIDES, Scene, Side


class Thorax:
    """A patient's chest as it stands before the detector for one frontal image.

    Attributes:
        pose: how the patient stands.
        x: coordinate across, scaled by the patient's width and bent by the spine; left is positive.
        y: coordinate downwards.
        floor: height of the left dome of the diaphragm.
        texture: a smooth random field that lung markings and opacities follow.
        lungs: a mask a side, 1 inside the pleura; it goes on below the diaphragm.
    """

    def __init__(self, scene: Scene, *, portable: bool, rng: np.random.Generator) -> None:
        self._scene, self._portable = scene, portable
        habitus = scene.habitus
        self.pose = Pose.sample(rng)
        x, self.y = self.pose.grid()
        self.x: Plane = (x - 0.09 * habitus.scoliosis * np.sin(math.pi * self.y)) * (1 / habitus.width)
        self.floor = 0.46 * habitus.height + 0.10 * scene.volume - (0.06 if portable else 0.0)
        self.texture = clouds(rng)
        self.lungs = {side: self._lung(side) for side in SIDES}

    def across(self, side: Side) -> Plane:
        """Give the coordinate that grows from the midline towards a side."""
        return -self.x if side == "right" else self.x

    def point(self, x: float, y: float) -> Point:
        """Move a point of the mean, straight chest to where this patient's chest has it."""
        habitus = self._scene.habitus
        return x * habitus.width + 0.09 * habitus.scoliosis * math.sin(math.pi * y), y

    def dome(self, side: Side) -> Plane:
        """Give the height of a side's hemidiaphragm at every pixel."""
        raised = 0.13 if self._scene.habitus.raised == side else 0.0
        offset = self.across(side) - 0.36
        offset *= offset
        curvature = 1.15 - 0.40 * max(self._scene.volume, 0)
        return self.floor - raised - (0.04 if side == "right" else 0.0) + curvature * offset

    def rib_phase(self, across: Plane, y: Plane) -> Plane:
        """Say where points stand between posterior ribs: at whole numbers in the middle of a rib."""
        habitus = self._scene.habitus
        fall = y - habitus.rib_slope * across + 0.55 * (across - 0.25) ** 2
        return fall * (1 / habitus.rib_spacing) + habitus.rib_phase

    def rib_near(self, across: float, y: float) -> float:
        """Give the height of the rib next above a point."""
        phase = self.rib_phase(np.array(across), np.array(y))
        return y - float(phase % 1) * self._scene.habitus.rib_spacing

    def draw(self) -> Plane:
        """Give the grey values of a chest without findings and devices."""
        image = self._body()
        for side in SIDES:
            self._draw_lung(image, side)
        self._draw_abdomen(image)
        self._draw_ribs(image)
        self._draw_mediastinum(image)
        self._draw_clavicles(image)
        return image

    def _lung(self, side: Side) -> Plane:
        across = self.across(side)
        chest = ellipse(across, self.y, (0.40, 0.12), (0.40, 0.90 * self._scene.habitus.height))
        return ramp(np.minimum(0.5 * chest, across - 0.07), 0.035)

    def _body(self) -> Plane:
        fat = self._scene.habitus.fat
        across = np.abs(self.x)
        shoulder = self.y + 0.98 - 0.62 * np.maximum(across - 0.2, 0)
        return ramp(np.minimum(0.90 + 0.07 * fat - across, shoulder), 0.06) * (0.56 + 0.08 * fat)

    def _draw_lung(self, image: Plane, side: Side) -> None:
        habitus = self._scene.habitus
        across = self.across(side)
        aerated = self.lungs[side] * ramp(self.dome(side) - self.y, 0.03)
        air = 0.16 - 0.04 * self._scene.volume + 0.05 * habitus.fat
        image += (air + 0.05 * self.texture - image) * aerated
        hilum = blob(across, self.y, (0.16, 0.02), (0.13, 0.22))
        image += hilum * (0.17 + 0.06 * self.texture) * aerated
        if habitus.sex == "F":
            image += 0.07 * ramp(ellipse(across, self.y, (0.48, 0.26), (0.36, 0.30)), 0.12)

    def _draw_abdomen(self, image: Plane) -> None:
        below = ramp(self.y - np.minimum(self.dome("right"), self.dome("left")), 0.05)
        blend(image, below * ramp(0.80 - np.abs(self.x), 0.1), 0.70)
        stomach = ellipse(self.x, self.y, (0.36, self.floor + 0.17), (0.13, 0.07))
        blend(image, ramp(stomach, 0.5), 0.40)

    def _draw_ribs(self, image: Plane) -> None:
        y, across = self.y, np.abs(self.x)
        cage = ramp(0.84 - across, 0.06) * ramp(self.floor + 0.16 - y, 0.2)
        cage *= ramp(y + 0.86 - 0.25 * across, 0.06)
        posterior = np.cos(2 * math.pi * self.rib_phase(across, y))
        image += 0.10 * ramp(posterior - 0.45, 0.6) * cage
        anterior = np.cos((2 * math.pi / 0.23) * (y - 0.75 * across))
        image += 0.035 * ramp(anterior - 0.6, 0.6) * cage * ramp(across - 0.25, 0.1)
        old = (self._scene.age - 18) / 79
        discs = np.cos((2 * math.pi / 0.135) * y)
        image += ramp(0.085 - across, 0.04) * (0.10 + (0.03 + 0.04 * old) * discs)

    def _draw_mediastinum(self, image: Plane) -> None:
        scene, x, y = self._scene, self.x, self.y
        aorta = scene.habitus.aorta
        half = 0.11 + 0.10 * max(scene.mediastinum - 0.2, 0) + 0.02 * aorta
        blend(image, 0.75 * ramp(half - np.abs(x - 0.01), 0.04) * ramp(y + 0.78, 0.3), 0.66)
        image -= 0.13 * ramp(0.035 - np.abs(x), 0.03) * ramp(-0.22 - y, 0.1)
        arch = ellipse(x, y, (0.11 + 0.06 * aorta, -0.26), (0.09 + 0.06 * aorta, 0.10 + 0.03 * aorta))
        blend(image, 0.85 * ramp(arch, 0.3), 0.70)
        half = 0.80 * scene.heart * (1.10 if self._portable else 1.0)
        tilted = y - (self.floor - 0.14) - 0.22 * x
        heart = ellipse(x, tilted, (0.30 * half, 0.0), (0.98 * half, 0.20 + 0.42 * half))
        blend(image, 0.92 * ramp(heart, 0.16), 0.74)

    def _draw_clavicles(self, image: Plane) -> None:
        across = np.abs(self.x)
        height = self.y + (0.66 if self._portable else 0.60) + 0.16 * across
        bone = ramp(0.028 - np.abs(height), 0.03)
        image += 0.15 * bone * ramp(across - 0.07, 0.04) * ramp(0.78 - across, 0.05)
