"""The choices of a head training without privacy, checked when they are made."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.errors import InputError
from relinkage.options import Count, Option, Positive, Seed, Settings

Objective = Literal["infonce", "multi-task"]
Classes = Literal["abnormal", "labels"]
Kind = Literal["linear", "mlp"]
"""Heads that can be trained from scratch."""
Width = Annotated[int, Meta(ge=1, le=2**16)]
Temperature = Annotated[float, Meta(ge=1e-4, le=1e4)]
Part = Annotated[float, Meta(ge=0)]


class Weights(Settings, frozen=True):
    """How much each part of the multi-task objective counts (arXiv 2601.05399); 0 leaves one out.

    Attributes:
        bce: Normal against abnormal, told from each embedding by one linear classifier of both sides.
        supcon: Pairs of the same class are pulled together across modalities.
        clip: An image and its own report are pulled together.
    """

    bce: Part = 0.0
    supcon: Part = 0.0
    clip: Part = 0.0

    def __str__(self) -> str:
        return f"bce={self.bce:g},supcon={self.supcon:g},clip={self.clip:g}"

    def check(self) -> None:
        """Check that there is something to train by.

        Raises:
            InputError: all parts are left out.
        """
        if not (self.bce or self.supcon or self.clip):
            raise InputError(f"--weights {self} leaves nothing to train by; give one a number above 0.")

    @property
    def needs_labels(self) -> bool:
        """Whether a part looks at labels."""
        return self.bce > 0 or self.supcon > 0


INFONCE = Weights(clip=1.0)
"""InfoNCE is the multi-task objective with its last part alone."""
PARTS = "weights by name, such as bce=1,supcon=1,clip=1, from 0 up"


class AlignSettings(Settings, frozen=True):
    """The choices of a head training.

    Attributes:
        objective: What is minimised.
        weights: Weights of the parts of multi-task: normal against abnormal, pairs of a class, mates. What is
            not named is left out.
        classes: What makes a class for multi-task: normal and abnormal, or label sets by their Jaccard index.
        head: Shape of the heads: one matrix, or one hidden layer.
        dimension: Width of the shared space.
        hidden: Width of an mlp's hidden layer.
        dropout: Share of an mlp's hidden layer that each step leaves out.
        temperature: Temperature of the objective.
        steps: Optimiser steps.
        batch: Pairs a step; all of them where there are fewer.
        lr: Learning rate of AdamW, after a short warm-up; it falls along a cosine to zero.
        weight_decay: Weight decay of AdamW.
        validation: Share of the training patients that the objective is watched on.
        patience: Looks at those patients, of twenty, without a gain after which the training stops; what they
            liked best is kept.
        same_patient_negatives: Let a patient's other pairs be negatives.
        seed: Seed of initial weights, batches, dropout and validation patients.
    """

    objective: Objective = "infonce"
    weights: Annotated[Weights, Option(wanted=PARTS, noun="objective")] = Weights(bce=1, supcon=1, clip=1)
    classes: Classes = "abnormal"
    head: Annotated[Kind | None, Option(default="mlp for multi-task, else linear")] = None
    dimension: Width = 64
    hidden: Width = 512
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    temperature: Temperature = 0.07
    steps: Annotated[Count | None, Option(noun="number of steps", default="ten passes, at least 300")] = None
    batch: Annotated[int, Meta(ge=2), Option(noun="number of pairs")] = 1024
    lr: Annotated[Positive, Option(noun="learning rate")] = 3e-3
    weight_decay: Annotated[float, Meta(ge=0)] = 1e-2
    validation: Annotated[
        Annotated[float, Meta(ge=0, lt=1)] | None,
        Option(noun="share of the patients", default="0.1 for multi-task, else 0"),
    ] = None
    patience: Annotated[Count, Option(noun="number of looks")] = 4
    same_patient_negatives: bool = False
    seed: Seed = 0

    @property
    def needs_labels(self) -> bool:
        """Whether the objective looks at labels."""
        return self.objective == "multi-task" and self.weights.needs_labels

    @property
    def kind(self) -> Kind:
        """The shape of the heads."""
        return self.head or ("mlp" if self.objective == "multi-task" else "linear")

    @property
    def watched(self) -> float:
        """Share of the training patients that are kept for validation."""
        if self.validation is not None:
            return self.validation
        return 0.1 if self.objective == "multi-task" else 0.0

    @property
    def parts(self) -> Weights:
        """The weights of the objective's parts."""
        return self.weights if self.objective == "multi-task" else INFONCE
