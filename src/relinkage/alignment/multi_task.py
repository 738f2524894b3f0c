"""The multi-task objective: normal against abnormal, pairs of one class together, mates together.

L = a·BCE(w·z, abnormal) + b·SupCon(same class) + c·CLIP (arXiv 2601.05399; the form is given there, the
values are ours). InfoNCE alone is the case a = b = 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from relinkage.alignment.cross_entropies import equal
from relinkage.alignment.objectives import abnormality_loss, contrast, same_class, shared_labels
from relinkage.alignment.side_by_side import Both, in_turn
from relinkage.cohorts.labels import NO_DISEASE, POSITIVE, abnormality
from relinkage.encoders.trained.aligning import AlignSettings
from relinkage.errors import InputError


@dataclass(frozen=True, eq=False)
class PairLabels:
    """What the objective may know of training pairs.

    Attributes:
        abnormal: float32, shape (n,): 1 abnormal, 0 normal, NaN not known.
        positive: float32, shape (n, findings): 1 where a finding is positive, else 0.
    """

    abnormal: NDArray[np.float32]
    positive: NDArray[np.float32]

    @classmethod
    def of(cls, pairs: pl.DataFrame, labels: tuple[str, ...]) -> "PairLabels":
        """Read them off label columns with 1, 0, -1 and empty cells."""
        findings = [label for label in labels if label not in NO_DISEASE]
        values = pairs.select(pl.col(findings).cast(pl.Float32).fill_null(0)).to_numpy()
        return cls(
            abnormality(pairs, labels),
            (values.reshape(len(pairs), -1) == POSITIVE).astype(np.float32),
        )


def check_labels(pairs: pl.DataFrame, labels: Sequence[str], source: object, asks: str, instead: str) -> None:
    """Check that what a training looks at as labels says something.

    Args:
        pairs: the pairs that are looked at.
        labels: names of their label columns.
        source: how messages name where they are from.
        asks: what looks at labels, such as `--weights … look at`.
        instead: what may be done without.

    Raises:
        InputError: there is no label column, or all of them are empty.
    """
    if not labels:
        raise InputError(
            f"{source} has no label columns, which {asks}; embed a cohort that has them, or {instead}."
        )
    if all(pairs[label].null_count() == len(pairs) for label in labels):
        raise InputError(
            f"{source} has label columns, which {asks}, but they are empty in all {len(pairs)} pairs; fill "
            f"them, or {instead}."
        )


class MultiTask(nn.Module):
    """The objective of a batch, with the linear classifier that its first part trains beside the heads.

    Args:
        settings: weights, classes, temperature.
        patient: int64, shape (n,): a number per patient of the training pairs.
        labels: of the training pairs; needed where the settings say so.
    """

    def __init__(self, settings: AlignSettings, patient: Tensor, labels: PairLabels | None) -> None:
        super().__init__()
        self.settings, self.parts, self.patient = settings, settings.parts, patient
        self.classifier = nn.Linear(settings.dimension, 1) if self.parts.bce else None
        if labels is not None:
            self.abnormal = torch.from_numpy(labels.abnormal)
            self.positive = torch.from_numpy(labels.positive)

    def relation(self, rows: Tensor, k: int) -> Tensor | None:
        """Give how the pairs of a batch are related, where the objective asks for it; it needs no embeddings.

        Args:
            rows: int64, shape (n,): which training pairs these are.
            k: 0 for who is the same patient, 1 for who shares a class; shape (n, n).
        """
        if k == 0:
            asked = (self.parts.supcon or self.parts.clip) and not self.settings.same_patient_negatives
            return equal(self.patient[rows]) if asked else None
        if not self.parts.supcon:
            return None
        by_abnormality = self.settings.classes == "abnormal"
        return same_class(self.abnormal[rows]) if by_abnormality else shared_labels(self.positive[rows])

    def forward(
        self,
        images: Tensor,
        texts: Tensor,
        rows: Tensor,
        relations: tuple[Tensor | None, Tensor | None],
        both: Both = in_turn,
    ) -> Tensor:
        """Give the loss of a batch.

        Args:
            images: shape (n, d), unit vectors.
            texts: shape (n, d), unit vectors.
            rows: int64, shape (n,): which training pairs these are.
            relations: what `relation` gives of these rows for 0 and for 1.
            both: what does the two halves of the table of logits.
        """
        parts, (same, positives) = self.parts, relations
        loss = images.new_zeros(())
        if self.classifier is not None:
            odds = self.classifier(torch.cat([images, texts]))[:, 0]
            loss = loss + abnormality_loss(odds, self.abnormal[rows].repeat(2)) * parts.bce
        if parts.supcon == 0 and parts.clip == 0:
            return loss
        return loss + contrast(
            images, texts, self.settings.temperature,
            clip=parts.clip, supcon=parts.supcon, positives=positives, same=same, both=both,
        )  # fmt: skip
