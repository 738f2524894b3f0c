"""The choices of a private head training."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from relinkage.alignment.settings import Classes, Weights
from relinkage.encoders.heads import Kind
from relinkage.errors import InputError
from relinkage.privacy.mechanisms.contrast import INFONCE
from relinkage.privacy.mechanisms.protocol import Name
from relinkage.privacy.units import Unit

Outside = Literal["keep", "drop"]
CONTRASTS = ("grouped", "batch-clip", "nominal")
"""Mechanisms that take the multi-task objective."""


@dataclass(frozen=True)
class HardenSettings:
    """The choices of a private head training. All of them are public: none may be read off the private pairs.

    Attributes:
        epsilon: ε to spend; None trains with the same clipping and no noise, as a control.
        delta: δ, below 1 / population.
        mechanism: the loss, and what is clipped.
        unit: what is sampled and clipped: a patient, or a pair.
        cap: pairs used of a patient, at most; by default all where patients are the unit, 3 where pairs are.
        population: an upper bound on the number of patients, as stated in public.
        batch: units a step if the cohort were as large as the stated population. The sampling probability is
            batch / population (batch / (population · cap) for pairs), whatever the cohort's true size.
        steps: optimiser steps.
        clip: the norm a unit's gradient is clipped to.
        learning_rate: of plain gradient descent, falling along a cosine to zero. A step moves the heads,
            whose norm at the start is the root of their width, by this times the noisy sum over clip · batch.
        temperature: τ of the contrastive losses; by default 1 for `logit`, 0.07 for the others.
        weights: of the parts of the multi-task objective, for `grouped`, `batch-clip` and `nominal`; InfoNCE
            alone by default.
        classes: what makes a class for its supervised contrast.
        group: units a group, for `grouped`.
        bank: public pairs that serve as negatives, for `public-negatives`.
        outside: what becomes of the image embedding outside of the span of the labels' anchors, for
            `label-anchored`: kept as it was before the training, or dropped.
        span: how many dimensions of the labels' span are used, the strongest directions of the anchors first;
            None for all. Fewer leave less room to tell patients of the same labels apart, and less to noise.
        head: shape of heads that start fresh, where the model has none: `linear` or `mlp`.
        dimension: width of the shared space of heads that start fresh.
        hidden: width of the hidden layer of an `mlp` that starts fresh.
        seed: of what is public: fresh heads, anchors, the bank.
        seed_noise: seed of the sampling and the noise, for tests only: whoever knows it can undo the noise.
            By default they come from the operating system.
    """

    epsilon: float | None
    delta: float
    mechanism: Name = "label-anchored"
    unit: Unit = "patient"
    cap: int | None = None
    population: int = 20_000
    batch: int = 1024
    steps: int = 200
    clip: float = 0.5
    learning_rate: float = 6.0
    temperature: float | None = None
    weights: Weights = INFONCE
    classes: Classes = "abnormal"
    group: int = 32
    bank: int = 1024
    outside: Outside = "keep"
    span: int | None = 6
    head: Kind = "linear"
    dimension: int = 64
    hidden: int = 512
    seed: int = 0
    seed_noise: int | None = None

    def __post_init__(self) -> None:
        for option, value, good in (
            ("--mechanism", self.mechanism, self.mechanism in get_args(Name)),
            ("--unit", self.unit, self.unit in get_args(Unit)),
            ("--cap", self.cap, self.cap is None or self.cap >= 1),
            ("--population", self.population, self.population >= 1),
            ("--batch", self.batch, self.batch >= 1),
            ("--steps", self.steps, self.steps >= 1),
            ("--clip", self.clip, 0 < self.clip < math.inf),
            ("--lr", self.learning_rate, 0 < self.learning_rate < math.inf),
            ("--temperature", self.temperature, self.temperature is None or self.temperature > 0),
            ("--classes", self.classes, self.classes in get_args(Classes)),
            ("--group", self.group, self.group >= 2),
            ("--bank", self.bank, self.bank >= 1),
            ("--outside", self.outside, self.outside in get_args(Outside)),
            ("--span", self.span, self.span is None or self.span >= 1),
            ("--head", self.head, self.head in get_args(Kind)),
            ("--dimension", self.dimension, self.dimension >= 1),
            ("--hidden", self.hidden, self.hidden >= 1),
        ):
            if not good:
                raise InputError(f"{option} {value} is out of range; see `relinkage harden --help`.")
        if self.epsilon is not None and not 0 < self.epsilon < math.inf:
            raise InputError(
                f"--epsilon {self.epsilon} is out of range; give a number above 0, such as 0.34."
            )
        if not 0 < self.delta < 1 / self.population:
            raise InputError(
                f"--delta {self.delta:g} is out of range; give one above 0 and below 1 / {self.population}, "
                "the stated population, for at that a patient's whole record may be given away."
            )
        if self.weights != INFONCE and self.mechanism not in CONTRASTS:
            raise InputError(
                f"--weights goes with --mechanism {', '.join(CONTRASTS)}; {self.mechanism} has its own loss."
            )
        if self.batch > self.population * (self.pairs_a_patient or 1):
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
