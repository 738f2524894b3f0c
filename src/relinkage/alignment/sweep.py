"""Which trainings a sweep holds: every choice of some settings, or each part of the objective left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from msgspec.structs import replace

from relinkage.encoders.trained.aligning import AlignSettings, Weights
from relinkage.errors import InputError

ABLATION = "ablation"
_PARTS = ("bce", "supcon", "clip")
_AXES = (*_PARTS, "temperature")
MOST = 200
"""Trainings that one sweep may hold."""


@dataclass(frozen=True)
class Sweep:
    """Several trainings that differ in named settings.

    Attributes:
        settings: one for each training, without seeds.
        seeds: how often each is repeated, from the first one's seed on.
    """

    settings: tuple[AlignSettings, ...]
    seeds: int

    @classmethod
    def parse(cls, wanted: str, base: AlignSettings, seeds: int) -> "Sweep":
        """Return the sweep that `--sweep` was given.

        Args:
            wanted: `ablation` for every choice of the objective's parts at their weights in `base`, or axes
                such as `bce=0,1;supcon=0,1,2;temperature=0.05,0.07`, each with its values.
            base: all other settings.
            seeds: repetitions.

        Raises:
            InputError: an axis or a value is not known, or there are too many trainings.
        """
        axes = _ablation(base.weights) if wanted.strip() == ABLATION else dict(_axes(wanted))
        chosen = []
        for values in product(*axes.values()):
            point = dict(zip(axes, values, strict=True))
            weights = {part: point.get(part, getattr(base.weights, part)) for part in _PARTS}
            if any(weights.values()):  # nothing to train by is not a training
                temperature = point.get("temperature", base.temperature)
                chosen.append(replace(base, weights=Weights(**weights), temperature=temperature))
        chosen = list(dict.fromkeys(chosen))
        if not 1 <= len(chosen) * seeds <= MOST:
            raise InputError(f"--sweep asks for {len(chosen) * seeds} trainings; ask for 1 to {MOST}.")
        return cls(tuple(chosen), seeds)

    def runs(self, settings: AlignSettings) -> Iterator[AlignSettings]:
        """Yield the repetitions of one training."""
        return (replace(settings, seed=settings.seed + number) for number in range(self.seeds))


def _ablation(weights: Weights) -> dict[str, tuple[float, ...]]:
    return {part: (0.0, getattr(weights, part) or 1.0) for part in _PARTS}


def _axes(wanted: str) -> Iterator[tuple[str, tuple[float, ...]]]:
    for axis in wanted.split(";"):
        name, _, values = (part.strip() for part in axis.partition("="))
        if name not in _AXES:
            raise InputError(
                f"--sweep names {name!r}, which cannot be swept; give {ABLATION}, or axes among "
                f"{', '.join(_AXES)}, such as bce=0,1;temperature=0.05,0.07."
            )
        try:
            yield name, tuple(float(value) for value in values.split(","))
        except ValueError:
            raise InputError(
                f"--sweep gives {name} the values {values!r}; give numbers, such as 0,1."
            ) from None
