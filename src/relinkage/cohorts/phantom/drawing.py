"""From a scene to an 8-bit radiograph.

Realistic: what a report says can be seen where it says so; the habitus carries over between a patient's
images; pose, exposure, display curve and noise change from image to image; a lateral view does not show
sides. Not realistic: tissues are flat shapes without physics (no scatter, no projection of a volume), so
radiomics, dose or detector questions cannot be asked of these images.
"""

import numpy as np
from numpy.typing import NDArray

from relinkage.cohorts.phantom.canvas import Overlay, Plane, expose
from relinkage.cohorts.phantom.devices import draw_device, draw_marker
from relinkage.cohorts.phantom.findings import draw_finding
from relinkage.cohorts.phantom.lateral import draw_lateral
from relinkage.cohorts.phantom.scene import Scene, View
from relinkage.cohorts.phantom.site import Site
from relinkage.cohorts.phantom.thorax import Thorax


def draw_radiograph(scene: Scene, view: View, site: Site, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one image of a study, in the reader's orientation: the patient's right is on the image's left.

    Args:
        scene: the study.
        view: PA, AP or LATERAL.
        site: where it is taken: noise, exposure, display curve, marker.
        rng: the randomness of this image alone: pose, lung texture, exposure and noise.

    Returns:
        uint8, shape (128, 128), black is air.
    """
    if view == "LATERAL":
        return expose(draw_lateral(scene, rng), site, rng)
    return expose(_draw_frontal(scene, site, rng, portable=view == "AP"), site, rng)


def _draw_frontal(scene: Scene, site: Site, rng: np.random.Generator, *, portable: bool) -> Plane:
    thorax = Thorax(scene, portable=portable, rng=rng)
    image = thorax.draw()
    for finding in scene.findings:
        draw_finding(image, thorax, finding)
    overlay = Overlay(thorax.pose)
    for device in scene.devices:
        draw_device(overlay, thorax, device)
    draw_marker(overlay, site.marker)
    overlay.onto(image)
    return image
