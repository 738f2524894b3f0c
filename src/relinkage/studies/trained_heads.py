"""Trained heads as a program holds them: with what they state of the privacy of their training."""

from dataclasses import dataclass

from relinkage.alignment import Heads
from relinkage.encoders.trained.hardening import HardenChoices
from relinkage.encoders.trained.manifest import AlignedHeads, HardenedHeads
from relinkage.encoders.trained.statement import PrivacyStatement
from relinkage.privacy import Recheck, recheck


@dataclass(frozen=True)
class Statement:
    """What hardened heads state of the privacy of their training.

    Attributes:
        record: everything that is stated.
        settings: the choices that stand beside it.
    """

    record: PrivacyStatement
    settings: HardenChoices

    @property
    def epsilon(self) -> float:
        """The stated ε; `kind` says whether it is proven."""
        return self.record.epsilon

    @property
    def delta(self) -> float:
        """The stated δ."""
        return self.record.delta

    @property
    def kind(self) -> str:
        """Whether ε is proven, nominal, void or refuted."""
        return self.record.kind

    def recheck(self) -> Recheck:
        """Compute again all that can be: ε from the noise, and every figure that follows from the settings.

        Raises:
            InputError: dp-accounting is not installed.
        """
        return recheck(self.record, self.settings)

    def __str__(self) -> str:
        return self.record.sentence


@dataclass(frozen=True)
class TrainedHeads(Heads):
    """Heads that `relinkage.align` or `relinkage.harden` trained, or that were read."""

    @property
    def statement(self) -> Statement | None:
        """What they state of the privacy of their training; None where it was without."""
        told = self.manifest
        if not isinstance(told, HardenedHeads) or told.privacy is None:
            return None
        return Statement(told.privacy, told.settings)

    def __repr__(self) -> str:
        if self.statement is not None:
            return f"TrainedHeads({self.name}: {self.statement})"
        told = self.manifest
        if not isinstance(told, AlignedHeads):
            return f"TrainedHeads({self.name})"
        return (
            f"TrainedHeads({self.name}: trained without privacy on {told.pairs:,} pairs of "
            f"{told.patients:,} patients)"
        )
