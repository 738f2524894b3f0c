"""The choices of a private head training, checked when they are made."""

from typing import Annotated, Literal

from msgspec import Meta

from relinkage.encoders.trained.aligning import (
    INFONCE,
    PARTS,
    Classes,
    Kind,
    Temperature,
    Weights,
    Width,
)
from relinkage.errors import InputError
from relinkage.options import Count, Option, Positive, Seed, Settings

MechanismName = Literal[
    "label-anchored", "public-negatives", "grouped", "batch-clip", "logit", "one-shot", "nominal"
]
Unit = Literal["patient", "pair"]
Outside = Literal["keep", "drop"]
Steps = Annotated[int, Meta(ge=1, le=10**6)]
Population = Annotated[int, Meta(ge=1, le=10**9)]
Cap = Annotated[int, Meta(ge=1, le=1000)]
LEAST_OF_LOGIT = 0.05
"""The lowest temperature at which the bound of logit and noise of its size are ordinary numbers."""
LEAST_DELTA = 1e-12
"""The least δ that composed privacy loss distributions resolve: they cut tails of 10⁻¹⁵ off, and round."""
CONTRASTS = ("grouped", "batch-clip", "nominal")
"""Mechanisms that take the multi-task objective."""


class HardenChoices(Settings, frozen=True):
    """The choices of a private head training, all of them public: none may be read off the private pairs.

    Attributes:
        epsilon: ε to spend, such as 0.34; None, from Python, trains alike without noise.
        delta: δ, well below 1 / population, such as 6e-6.
        mechanism: The loss, and what is clipped; nominal proves nothing.
        unit: What is sampled and clipped; ε is for patients either way.
        cap: Pairs used of a patient, at most.
        population: A bound on the number of patients that may be known to all, never the counted one: a unit
            is sampled with probability batch / population, and with pairs batch / (population · cap).
        batch: Units a step, if the cohort were as large as the stated population.
        steps: Optimiser steps.
        clip: Norm that a unit's gradient is clipped to.
        lr: Learning rate of plain gradient descent, which falls along a cosine to zero. A step moves the
            heads, whose norm at the start is the root of their width, by this times the noisy sum over
            clip · batch.
        temperature: Temperature of the contrastive losses.
        weights: Weights of the parts of the multi-task objective, with grouped, batch-clip and nominal. What
            is not named is left out.
        classes: What makes a class for its supervised contrast.
        group: Units a group, with grouped.
        bank: Public pairs that serve as negatives, with public-negatives.
        outside: What becomes of image embeddings outside of the labels' span, with label-anchored.
        span: Strongest directions of the labels' anchors that are used, with label-anchored; 0 for all. Fewer
            leave less room to tell patients of the same labels apart, and less to noise.
        head: Shape of heads that start fresh, where the model has none.
        dimension: Width of the shared space of heads that start fresh.
        hidden: Width of the hidden layer of an mlp that starts fresh.
        seed: Seed of what is public: fresh heads, anchors, the bank.
    """

    epsilon: Positive | None
    delta: Annotated[float, Meta(gt=0, lt=1)]
    mechanism: MechanismName = "label-anchored"
    unit: Unit = "patient"
    cap: Annotated[Cap | None, Option(noun="number of pairs", default="all; 3 where pairs are sampled")] = (
        None
    )
    population: Annotated[Population, Option(noun="number of patients")] = 20_000
    batch: Annotated[Count, Option(noun="number of units")] = 1024
    steps: Annotated[Steps, Option(noun="number of steps")] = 200
    clip: Annotated[Positive, Option(noun="norm")] = 0.5
    lr: Annotated[Positive, Option(noun="learning rate")] = 6.0
    temperature: Annotated[Temperature | None, Option(default="1 with logit, else 0.07")] = None
    weights: Annotated[Weights, Option(wanted=PARTS, noun="objective", default="clip=1")] = INFONCE
    classes: Classes = "abnormal"
    group: Annotated[int, Meta(ge=2), Option(noun="number of units")] = 32
    bank: Annotated[Count, Option(noun="number of pairs")] = 1024
    outside: Outside = "keep"
    span: Annotated[int, Meta(ge=0), Option(noun="number of directions")] = 6
    head: Kind = "linear"
    dimension: Width = 64
    hidden: Width = 512
    seed: Seed = 0

    def check(self) -> None:
        """Check what the choices have to do with each other.

        Raises:
            InputError: δ or the batch is too large for the population, or the loss takes no weights.
        """
        if not self.delta < 1 / self.population:
            raise InputError(
                f"--delta {self.delta:g} is too large; give one below 1 / {self.population}, the stated "
                "population, for at that a patient's whole record may be given away."
            )
        if self.unit == "pair" and self.delta < LEAST_DELTA:
            raise InputError(
                f"--delta {self.delta:g} is below {LEAST_DELTA:g}, the least that can be accounted for where "
                "pairs are sampled; give a larger one, or --unit patient."
            )
        if self.mechanism == "logit" and self.tau < LEAST_OF_LOGIT:
            raise InputError(
                f"The bound of logit grows as e^(2 / temperature); give a --temperature of "
                f"{LEAST_OF_LOGIT:g} or more."
            )
        if self.weights != INFONCE and self.mechanism not in CONTRASTS:
            raise InputError(
                f"--weights goes with --mechanism {', '.join(CONTRASTS)}; {self.mechanism} has its own loss."
            )
        once = self.mechanism == "one-shot"  # which takes no batches
        if not once and self.rate > 1:
            raise InputError(
                f"--batch {self.batch} is larger than the stated population of {self.population}; give a "
                "smaller batch or a larger --population."
            )

    @property
    def pairs_a_patient(self) -> int | None:
        """Pairs used of a patient, at most; None for all."""
        return 3 if self.cap is None and self.unit == "pair" else self.cap

    @property
    def units_a_patient(self) -> int:
        """How many separately sampled units a patient can stand behind."""
        return self.pairs_a_patient or 1 if self.unit == "pair" else 1

    @property
    def rate(self) -> float:
        """The sampling probability q of a unit at a step; `one-shot` takes every unit once."""
        if self.mechanism == "one-shot":
            return 1.0
        return self.batch / (self.population * self.units_a_patient)

    @property
    def tau(self) -> float:
        """The temperature of the contrastive losses."""
        if self.temperature is not None:
            return self.temperature
        return 1.0 if self.mechanism == "logit" else 0.07


class HardenSettings(HardenChoices, frozen=True):
    """The choices of a private head training, and the one that must not be told.

    Attributes:
        seed_noise: Seed of sampling and noise, for tests only: whoever knows it can undo the noise, so it
            voids what is stated. By default they come from the operating system.
    """

    seed_noise: Seed | None = None
