"""A phantom patient by number: scenes, reports and images of all studies, from seeded streams."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from relinkage.cohorts.phantom.drawing import draw_radiograph
from relinkage.cohorts.phantom.reporting import Report, write_report
from relinkage.cohorts.phantom.scene import Scene, sample_habitus, sample_studies
from relinkage.cohorts.phantom.site import Site

Stream = Literal["cohort", "training"]

_STREAMS: dict[Stream, int] = {"cohort": 0, "training": 1}
_SPLITS = (("train", 0.5), ("validate", 0.6), ("test", 1.0))


@dataclass(frozen=True)
class PhantomStudy:
    """One study of a phantom patient.

    Attributes:
        scene: what there is to see.
        report: what was written about it.
        images: one array a view of the scene, uint8, shape (128, 128).
    """

    scene: Scene
    report: Report
    images: tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True)
class PhantomPatient:
    """All there is of one phantom patient: the split it belongs to, and its studies in order."""

    split: str
    studies: tuple[PhantomStudy, ...]


def draw_patient(number: int, *, seed: int, site: Site, stream: Stream = "cohort") -> PhantomPatient:
    """Draw one patient.

    A patient depends on nothing but these arguments: not on how many others are drawn, nor in which order.
    The streams keep the patients that the phantom encoders were trained on apart from those of any cohort,
    whatever its seed: they are different spawn keys of one `numpy.random.SeedSequence`.

    Args:
        number: 0 or more.
        seed: 0 or more.
        site: where the patient is examined.
        stream: `cohort`, or `training` for patients of the phantom encoders.
    """

    def generator(purpose: int) -> np.random.Generator:
        key = (_STREAMS[stream], site.stream, number, purpose)
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))

    life, words, light = generator(0), generator(1), generator(2)
    draw = life.random()
    split = next(name for name, bound in _SPLITS if draw < bound)
    studies: list[PhantomStudy] = []
    prior: Scene | None = None
    for scene in sample_studies(life, site, sample_habitus(life, site)):
        report = write_report(scene, prior, site, words)
        images = tuple(draw_radiograph(scene, view, site, light) for view in scene.views)
        studies.append(PhantomStudy(scene, report, images))
        prior = scene
    return PhantomPatient(split, tuple(studies))
