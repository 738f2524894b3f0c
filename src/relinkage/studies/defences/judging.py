"""What is measured of one pair of heads: linkage by several attackers, and usefulness."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relinkage.attackers import AuxiliaryPairs, load_attacker
from relinkage.attackers.names import AttackerName
from relinkage.defences.settings import ControlSettings, Measure
from relinkage.embeddings import Embeddings, read_embeddings
from relinkage.encoders import HeadPair
from relinkage.linkage import AuditSettings, Links
from relinkage.linkage.measures import Cell, recalls
from relinkage.linkage.settings import On
from relinkage.linkage.table import ALL
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.studies.attacks.auxiliary import attacked_sides, draw_auxiliary, known_pairs
from relinkage.studies.utility import benchmark
from relinkage.utility import Benchmark
from relinkage.utility.auroc import auroc
from relinkage.utility.benchmark import PRECISION
from relinkage.utility.probe import fit_probe
from relinkage.utility.retrieval import top_measures, unit
from relinkage.utility.zero_shot import zero_shot_scores

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judged:
    """What was found of one pair of heads; None where there is no such figure.

    Attributes:
        hits: by attacker float64, shape (queries,): each query's expected Recall@1.
        probe_scores: float64, shape (images, kept labels): log-odds of the linear probe.
        precision: float64, shape (images,): label precision@K from image to report, NaN where an image has
            nothing to ask for.
        zero_shot_scores: float64, shape (images, kept labels).
    """

    hits: dict[AttackerName, Floats]
    probe_scores: Floats
    precision: Floats | None
    zero_shot_scores: Floats | None


@dataclass(frozen=True, eq=False)
class Ground:
    """One cohort, prepared once, on which all heads are judged.

    Attributes:
        benchmark: splits, labels and prompts.
        links: who belongs to whom in the tested split.
        drawn: the auxiliary pairs that attackers know.
        pool: the size of the pool.
        settings: the choices.
    """

    benchmark: Benchmark
    links: Links
    drawn: Embeddings
    pool: int
    settings: ControlSettings

    @classmethod
    def prepare(cls, path: Path, settings: ControlSettings) -> "Ground":
        """Read an embeddings folder and prepare what does not depend on heads.

        Args:
            path: the folder that `relinkage embed` wrote.
            settings: the choices.

        Raises:
            InputError: the folder cannot be read, has no labels that enough patients have, or its auxiliary
                pairs are of tested patients.
        """
        prepared = benchmark(path, settings.usefulness)
        tested, whole = prepared.test, read_embeddings(path)
        pairs = tested.pairs
        links = Links.from_pairs(pairs, len(pairs), len(pairs), str(path / "pairs.parquet"))
        drawn = draw_auxiliary(whole, tested, settings.auxiliary, settings.auxiliary_pairs, settings.seed)
        return cls(prepared, links, drawn, min(settings.pool, len(links.candidate_row)), settings)

    def judge(self, heads: HeadPair | None) -> Judged:
        """Measure one pair of heads.

        Args:
            heads: heads that fit the features; None for the frozen features before any head, of which only
                a probe and the attackers that bring two spaces into one know anything.

        Raises:
            InputError: the heads do not fit.
        """
        if heads is None:
            bringing = [name for name in self.settings.attacker if not load_attacker(name).one_space]
            return Judged(self._attack(None, bringing, "features"), self.benchmark.features[1], None, None)
        return Judged(
            self._attack(heads, self.settings.attacker, "embeddings"),
            self._probe(heads),
            self._precision(heads),
            self._zero_shot(heads),
        )

    def usefulness(self, heads: HeadPair, measure: Measure) -> float:
        """Give one measure of usefulness, `precision` or `auroc`, as `judge` does and without the rest."""
        if measure == "precision":
            return float(np.nanmean(self._precision(heads)))
        return self.macro(self._probe(heads))

    def macro(self, scores: Floats) -> float:
        """Give the macro AUROC of some scores."""
        return float(auroc(scores, self.benchmark.test_truth).mean())

    def _attack(
        self, heads: HeadPair | None, attackers: Sequence[AttackerName], on: On
    ) -> dict[AttackerName, Floats]:
        attacked = attacked_sides(self.benchmark.test, heads, on)
        known: AuxiliaryPairs = known_pairs(self.drawn, heads, on)
        rows = self.benchmark.test.pairs["report_row"].to_numpy()[self.links.candidate_row]
        hits = {}
        for name in attackers:
            attacker = load_attacker(name, self.settings.seed)
            images, texts = attacker.fit(known if attacker.needs_pairs else None).transform(*attacked)
            (way,) = link(
                Vectors.prepare(images, "images"),
                Vectors.prepare(texts[rows], "reports"),
                self.links,
                AuditSettings(),
            )
            hits[name] = recalls(way.table.standings[ALL], [Cell(self.pool, 1)])[:, 0]
        return hits

    def _probe(self, heads: HeadPair) -> Floats:
        on = self.benchmark
        probe = fit_probe(on.fit.project(heads)[0], on.fit_truth, on.aside, on.settings.penalty)
        return probe.scores(on.test.project(heads)[0])

    def _precision(self, heads: HeadPair) -> Floats:
        on = self.benchmark
        images, texts = on.test.project(heads)
        reports = texts[on.test.pairs["report_row"].to_numpy()[on.reports.row]]
        top = top_measures(on.images, unit(images), on.reports, unit(reports), on.settings.k)[:, PRECISION]
        return np.where(on.prospects["image-to-report"].asked, top, np.nan)

    def _zero_shot(self, heads: HeadPair) -> Floats | None:
        on = self.benchmark
        if on.prompts is None:
            return None
        return zero_shot_scores(on.test.project(heads)[0], on.prompts, heads)
