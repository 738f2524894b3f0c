"""What must stay useful, prepared once for an embeddings folder and asked of many pairs of heads."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from relinkage.embeddings import Embeddings
from relinkage.encoders import Encoder, HeadPair
from relinkage.errors import InputError
from relinkage.linkage.settings import Direction
from relinkage.usefulness.auroc import auroc
from relinkage.usefulness.geometry import geometry
from relinkage.usefulness.labels import Truth, count_patients, label_uses, read_truth
from relinkage.usefulness.parts import fit_pairs, numbers, tested_cases
from relinkage.usefulness.probe import Probe, fit_probe
from relinkage.usefulness.prompts import public_prompts
from relinkage.usefulness.relevance import Cases, Prospects, prospects
from relinkage.usefulness.result import Geometry, LabelUse, Prompt
from relinkage.usefulness.retrieval import average_precision, top_measures, unit
from relinkage.usefulness.settings import UtilitySettings
from relinkage.usefulness.zero_shot import PromptFeatures, encode_prompts, zero_shot_scores

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vectors = NDArray[np.float32]

DIRECTIONS: tuple[Direction, Direction] = ("image-to-report", "report-to-image")
PRECISION, SAME_LABELS, NDCG, MAP = 0, 1, 2, 3
"""Columns of what a retrieval gives per query."""


@dataclass(frozen=True)
class FrontierPoint:
    """Four numbers to hold against a linkage figure.

    Attributes:
        image_to_report: precision@K of image-to-report retrieval, a label in common.
        report_to_image: the same where reports ask for images.
        macro_auroc: of linear probes on image embeddings; says nothing of use across modalities.
        zero_shot: macro AUROC of zero-shot labels, None where no text tower could be asked.
    """

    image_to_report: float
    report_to_image: float
    macro_auroc: float
    zero_shot: float | None


@dataclass(frozen=True)
class Measured:
    """What one pair of heads was found to be good for.

    Attributes:
        probe: the fitted probe.
        probe_scores: float64, shape (test images, kept labels): its log-odds.
        retrieval: per direction float64, shape (queries, 4): precision, precision of equal label sets, nDCG,
            average precision; NaN where a query has no figure.
        zero_shot_scores: float64, shape (test images, kept labels), or None.
        geometry: the shape of the space on the test split.
    """

    probe: Probe
    probe_scores: Floats
    retrieval: Mapping[str, Floats]
    zero_shot_scores: Floats | None
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class Benchmark:
    """What does not depend on heads: patients, labels, label sets, chance, the text tower's view of prompts.

    Attributes:
        settings: the choices.
        uses: how many patients each label rests on, in the order of the cohort.
        fit: the pairs that probes are fitted on.
        test: the pairs that everything is measured on.
        fit_truth: int8, shape (fit pairs, kept labels).
        test_truth: int8, shape (test pairs, kept labels).
        aside: bool, shape (fit pairs,): patients on whom penalties are chosen.
        patient: int64, shape (test pairs,): test patients, numbered from 0.
        images: the test images as cases.
        reports: the test studies' reports as cases.
        mate: int64, shape (test pairs,): the report of each image.
        prospects: per direction, what a query can find.
        prompts: what the text tower makes of the prompts, or None.
        said: the prompts of the kept labels.
        notes: sentences about what was left out.
    """

    settings: UtilitySettings
    uses: list[LabelUse]
    fit: Embeddings
    test: Embeddings
    fit_truth: Truth
    test_truth: Truth
    aside: NDArray[np.bool_]
    patient: Ints
    images: Cases
    reports: Cases
    mate: Ints
    prospects: Mapping[str, Prospects]
    prompts: PromptFeatures | None
    said: Mapping[str, Prompt]
    notes: tuple[str, ...]

    @classmethod
    def prepare(
        cls,
        embeddings: Embeddings,
        settings: UtilitySettings,
        encoder: Encoder | None = None,
        prompts: Mapping[str, Prompt] | None = None,
    ) -> "Benchmark":
        """Prepare what every pair of heads is measured on.

        Args:
            embeddings: features of a cohort with labels, and a fit and a test split.
            settings: the choices.
            encoder: whose text tower made the text features; zero-shot labels are left out without it.
            prompts: prompts that replace the public ones, label by label.

        Raises:
            InputError: there are no labels, a split is empty, no label has enough patients, prompts name a
                label that is not there, or a query has fewer than K candidates.
        """
        if not embeddings.labels:
            raise InputError(
                f"{embeddings.path} has no label columns (1, 0, -1 or empty) to measure usefulness by; "
                "embed a cohort that has them."
            )
        _check_prompts(prompts or {}, embeddings.labels)
        test = embeddings.split(settings.split)
        fit, notes = fit_pairs(embeddings, test, settings)
        truths = [
            read_truth(part.pairs, embeddings.labels, settings.uncertain, settings.absent)
            for part in (fit, test)
        ]
        fit_patient, patient = numbers(fit.pairs["patient_id"]), numbers(test.pairs["patient_id"])
        counts = [count_patients(t, p) for t, p in zip(truths, (fit_patient, patient), strict=True)]
        uses = label_uses(embeddings.labels, counts[0], counts[1], settings.least_patients)
        kept = np.array([use.kept for use in uses])
        if not kept.any():
            raise InputError(
                f"{embeddings.path} has no label with {settings.least_patients} positive and as many "
                f"negative patients in each of the splits {settings.fit} and {settings.split}; "
                "measure on a larger cohort."
            )
        images, reports, mate = tested_cases(test.pairs, truths[1], patient, settings)
        fewest = min(len(side) - int(np.bincount(side.own).max()) for side in (images, reports))
        if fewest < settings.k:
            raise InputError(
                f"--k {settings.k} is more than the {fewest} candidates that some query has; "
                "give a smaller one."
            )
        ahead = {
            "image-to-report": prospects(images, reports, settings.k),
            "report-to-image": prospects(reports, images, settings.k),
        }
        names = [use.label for use in uses if use.kept]
        said = {**public_prompts(names), **{n: p for n, p in (prompts or {}).items() if n in names}}
        seen = None if encoder is None else encode_prompts(encoder, names, said)
        if seen is not None and seen.cut.any():
            notes.append(
                f"{int(seen.cut.sum())} of {len(seen.cut)} prompts for zero-shot labels are longer than the "
                "text tower reads; their ends were cut off."
            )
        chosen = np.random.default_rng(settings.seed).permutation(int(fit_patient.max()) + 1)
        aside = np.isin(fit_patient, chosen[: round(settings.choosing * len(chosen))])
        return cls(
            settings, uses, fit, test, truths[0][:, kept], truths[1][:, kept], aside, patient,
            images, reports, mate, ahead, seen, said, tuple(notes),
        )  # fmt: skip

    @property
    def labels(self) -> list[str]:
        """Names of the kept labels."""
        return [use.label for use in self.uses if use.kept]

    @cached_property
    def features(self) -> tuple[Probe, Floats]:
        """A probe on the frozen image features, and its log-odds of the test images."""
        return self._probe(self.fit.image_features, self.test.image_features)

    def measure(self, heads: HeadPair | None = None) -> Measured:
        """Measure all there is to measure of one pair of heads.

        Args:
            heads: heads that fit the features; the encoder's own where not given.

        Raises:
            InputError: the heads do not fit, or the encoder has none of its own.
        """
        fit, images, reports = self.embed(heads)
        probe, scores = self._probe(fit, images)
        image_units, report_units = unit(images), unit(reports)
        settings = self.settings
        return Measured(
            probe,
            scores,
            self._retrieve_both(image_units, report_units),
            self._zero_shot(images, heads),
            geometry(image_units, report_units, self.mate, settings.geometry_vectors, settings.seed),
        )

    def frontier(self, heads: HeadPair | None = None) -> FrontierPoint:
        """Give the four numbers that a defence is judged by, without intervals: the quick way.

        They equal those of `measure`. What depends on features alone was done when this was prepared.

        Args:
            heads: heads that fit the features; the encoder's own where not given.

        Raises:
            InputError: as `measure`.
        """
        fit, images, reports = self.embed(heads)
        _, scores = self._probe(fit, images)
        found = self._precision(unit(images), unit(reports))
        zero_shot = self._zero_shot(images, heads)
        return FrontierPoint(
            float(np.nanmean(found["image-to-report"])),
            float(np.nanmean(found["report-to-image"])),
            float(auroc(scores, self.test_truth).mean()),
            None if zero_shot is None else float(auroc(zero_shot, self.test_truth).mean()),
        )

    def precision(self, images: Vectors, reports: Vectors) -> dict[Direction, Floats]:
        """Return label precision@K of every query, direction by direction; NaN where nothing is asked.

        Args:
            images: float32, shape (test pairs, d).
            reports: float32, shape (distinct test reports, d).
        """
        return self._precision(unit(images), unit(reports[self._report_row]))

    def retrieve(self, heads: HeadPair | None = None) -> dict[str, Floats]:
        """Give clinical retrieval alone, as `measure` gives it: per direction, shape (queries, 4)."""
        _, images, reports = self.embed(heads)
        return self._retrieve_both(unit(images), unit(reports))

    def embed(self, heads: HeadPair | None) -> tuple[Vectors, Vectors, Vectors]:
        """Give the fit images, the test images and the test studies' reports through heads."""
        report_row = self._report_row
        if heads is not None:
            made = (self.fit.project(heads)[0], *self.test.project(heads))
            if not all(np.isfinite(vectors).all() for vectors in made):
                raise InputError("The heads give vectors that are not finite; train them again.")
            return made[0], made[1], made[2][report_row]
        test, texts = self.test.shared_space()
        return self.fit.shared_space()[0], test, texts[report_row]

    @property
    def _report_row(self) -> Ints:
        """The place among the distinct reports of each tested study's, int64, shape (studies,)."""
        return self.test.pairs["report_row"].to_numpy()[self.reports.row]

    def _probe(self, fit: Vectors, test: Vectors) -> tuple[Probe, Floats]:
        probe = fit_probe(fit, self.fit_truth, self.aside, self.settings.penalty)
        return probe, probe.scores(test)

    def _precision(self, images: Floats, reports: Floats) -> dict[Direction, Floats]:
        both, found = ((self.images, images), (self.reports, reports)), {}
        for direction, asking, asked in zip(DIRECTIONS, both, both[::-1], strict=True):
            top = top_measures(*asking, *asked, self.settings.k)[:, PRECISION]
            found[direction] = np.where(self.prospects[direction].asked, top, np.nan)
        return found

    def _retrieve_both(self, images: Floats, reports: Floats) -> dict[str, Floats]:
        there, back = DIRECTIONS
        return {
            there: self._retrieve(there, self.images, images, self.reports, reports),
            back: self._retrieve(back, self.reports, reports, self.images, images),
        }

    def _retrieve(
        self, direction: str, queries: Cases, query_units: Floats, candidates: Cases, candidate_units: Floats
    ) -> Floats:
        ahead, settings = self.prospects[direction], self.settings
        out = np.full((len(queries), 4), np.nan)
        out[:, :3] = top_measures(queries, query_units, candidates, candidate_units, settings.k)
        out[~ahead.asked] = np.nan
        with np.errstate(invalid="ignore"):
            out[:, NDCG] /= ahead.ideal
        rows = np.flatnonzero(ahead.asked)
        if len(rows) > settings.map_queries:
            random = np.random.default_rng(settings.seed)
            rows = np.sort(random.choice(rows, settings.map_queries, replace=False))
        out[rows, MAP] = average_precision(queries, query_units, candidates, candidate_units, rows)
        return out

    def _zero_shot(self, images: Vectors, heads: HeadPair | None) -> Floats | None:
        chosen = self.test.heads if heads is None else heads
        if self.prompts is None or chosen is None:
            return None
        return zero_shot_scores(images, self.prompts, chosen)


def _check_prompts(prompts: Mapping[str, Prompt], labels: tuple[str, ...]) -> None:
    unknown = [label for label in prompts if label not in labels]
    if unknown:
        raise InputError(
            f"The prompts name {unknown[0]!r}, which is not a label of the cohort; give one of its labels."
        )
