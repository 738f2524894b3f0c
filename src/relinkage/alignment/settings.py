"""The choices of a head training without privacy."""

from dataclasses import dataclass
from typing import Literal, get_args

from relinkage.encoders.heads import Kind
from relinkage.errors import InputError

Objective = Literal["infonce", "multi-task"]
Classes = Literal["abnormal", "labels"]


@dataclass(frozen=True)
class Weights:
    """How much each part of the multi-task objective counts (arXiv 2601.05399); 0 leaves one out.

    Attributes:
        bce: normal against abnormal, told from each embedding by one linear classifier of both sides.
        supcon: pairs of the same class are pulled together across modalities.
        clip: an image and its own report are pulled together.
    """

    bce: float = 1.0
    supcon: float = 1.0
    clip: float = 1.0

    def __post_init__(self) -> None:
        parts = (self.bce, self.supcon, self.clip)
        if not all(0 <= part < float("inf") for part in parts) or not any(parts):
            raise InputError(f"--weights {self} is out of range; give numbers from 0 up, not all of them 0.")

    def __str__(self) -> str:
        return f"bce={self.bce:g},supcon={self.supcon:g},clip={self.clip:g}"

    @property
    def needs_labels(self) -> bool:
        """Whether a part looks at labels."""
        return self.bce > 0 or self.supcon > 0


@dataclass(frozen=True)
class AlignSettings:
    """The choices of a head training.

    Attributes:
        objective: what is minimised.
        weights: of the parts of `multi-task`.
        classes: what makes a class for the supervised contrast of `multi-task`: `abnormal` (normal and
            abnormal), or `labels` (label sets, by their Jaccard index).
        head: `linear`, or `mlp` with one hidden layer.
        dimension: width of the shared space.
        hidden: width of the hidden layer of an `mlp`.
        dropout: of an `mlp`.
        temperature: τ of the objective.
        steps: optimiser steps; where not given, ten passes over the data and at least 300 steps.
        batch: pairs per step; all of them where there are fewer.
        learning_rate: of AdamW, after a short warm-up, then falling along a cosine to zero.
        weight_decay: of AdamW.
        validation: share of the training patients that the objective is watched on; by default a tenth for
            `multi-task`, else none.
        patience: looks at those patients, twenty in all, without a better objective after which the training
            stops; what they liked best is kept.
        same_patient_negatives: let a patient's own other pairs be negatives of each other.
        seed: of initial weights, batches, dropout and validation patients.
    """

    objective: Objective = "infonce"
    weights: Weights = Weights()
    classes: Classes = "abnormal"
    head: Kind = "linear"
    dimension: int = 64
    hidden: int = 512
    dropout: float = 0.1
    temperature: float = 0.07
    steps: int | None = None
    batch: int = 1024
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    validation: float | None = None
    patience: int = 4
    same_patient_negatives: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for option, value, good in (
            ("--objective", self.objective, self.objective in get_args(Objective)),
            ("--classes", self.classes, self.classes in get_args(Classes)),
            ("--head", self.head, self.head in ("linear", "mlp")),
            ("--dimension", self.dimension, self.dimension >= 1),
            ("--hidden", self.hidden, self.hidden >= 1),
            ("--dropout", self.dropout, 0 <= self.dropout < 1),
            ("--temperature", self.temperature, self.temperature > 0),
            ("--steps", self.steps, self.steps is None or self.steps >= 1),
            ("--batch", self.batch, self.batch >= 2),
            ("--lr", self.learning_rate, self.learning_rate > 0),
            ("--weight-decay", self.weight_decay, self.weight_decay >= 0),
            ("--validation", self.validation, self.validation is None or 0 <= self.validation < 1),
            ("--patience", self.patience, self.patience >= 1),
        ):
            if not good:
                raise InputError(f"{option} {value} is out of range; see `relinkage align --help`.")

    @property
    def needs_labels(self) -> bool:
        """Whether the objective looks at labels."""
        return self.objective == "multi-task" and self.weights.needs_labels

    @property
    def watched(self) -> float:
        """Share of the training patients that are kept for validation."""
        if self.validation is not None:
            return self.validation
        return 0.1 if self.objective == "multi-task" else 0.0

    @property
    def parts(self) -> Weights:
        """The weights of the objective's parts; `infonce` is `multi-task` with its last part alone."""
        return self.weights if self.objective == "multi-task" else Weights(bce=0, supcon=0, clip=1)
