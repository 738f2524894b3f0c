"""What a sweep measures of heads: instances and similar cases found, normal told from abnormal, both ways."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from relinkage.alignment.sweep_result import SweepFigure
from relinkage.embeddings import Embeddings
from relinkage.encoders import HeadPair
from relinkage.linkage import AuditSettings, Links
from relinkage.linkage.measures import Cell, recalls
from relinkage.linkage.settings import FULL, Direction
from relinkage.linkage.several_reports import candidates_of
from relinkage.linkage.table import ALL
from relinkage.linkage.uncertainty import ClusterBootstrap
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.studies.auxiliary import attacked_sides
from relinkage.studies.opening import links_of
from relinkage.usefulness import Benchmark, UtilitySettings
from relinkage.usefulness.abnormal import abnormality_truths, tell_abnormal
from relinkage.usefulness.auroc import auroc_bootstrap
from relinkage.usefulness.benchmark import DIRECTIONS, MAP, NDCG, PRECISION
from relinkage.usefulness.labels import Truth
from relinkage.usefulness.paired import Paired
from relinkage.usefulness.relevance import discounts

AUROC = "abnormal-auroc"
POOLS = (10_000, 1_000, 100)

Floats = NDArray[np.float64]
Key = tuple[Direction, str]
"""Direction and measure."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What was found of one kind of heads, a column for each of its trainings.

    Attributes:
        values: by direction and measure float64, shape (queries, trainings), NaN where there is no figure;
            of `AUROC` the queries' scores.
    """

    values: dict[Key, Floats]

    @classmethod
    def beside(cls, parts: Sequence["Judged"]) -> "Judged":
        """Put trainings side by side."""
        return cls({key: np.hstack([part.values[key] for part in parts]) for key in parts[0].values})


@dataclass(frozen=True, eq=False)
class Ground:
    """What all heads of a sweep are judged on.

    Attributes:
        benchmark: splits, labels, settings.
        links: who belongs to whom in the tested split.
        cells: the pool and ranks of instance recall.
        truth: by direction, which queries are abnormal.
        chances: by direction and measure, what chance reaches.
    """

    benchmark: Benchmark
    links: Links
    cells: tuple[Cell, ...]
    truth: dict[str, Truth]
    chances: dict[Key, float]

    @classmethod
    def prepare(cls, embeddings: Embeddings, settings: UtilitySettings) -> "Ground":
        """Prepare what does not depend on heads.

        Instance recall is that of the largest pool of 10,000, 1,000 and 100 that fits.

        Args:
            embeddings: features of a cohort with labels, a fit and a test split.
            settings: the choices; `split` is what is tested, `k` also the second rank of instance recall.

        Raises:
            InputError: as `Benchmark.prepare`.
        """
        benchmark = Benchmark.prepare(embeddings, settings)
        test, k = benchmark.test, settings.k
        links = links_of(test)[0]
        candidates = len(links.candidate_row)
        pool = next((pool for pool in POOLS if pool <= candidates), FULL)
        ranks = sorted({1, k})
        of = candidates if pool == FULL else int(pool)
        chances = {(side, f"recall@{rank}"): min(rank / of, 1.0) for side in DIRECTIONS for rank in ranks}
        for side in DIRECTIONS:
            ahead = benchmark.prospects[side]
            for name, values in (
                (f"precision@{k}", ahead.chance_precision()),
                (f"ndcg@{k}", ahead.chance_ndcg(discounts(k))),
                ("map", ahead.chance_average_precision()),
            ):
                chances[side, name] = float(values[ahead.asked].mean())
            chances[side, AUROC] = 0.5
        cells = tuple(Cell(pool, rank) for rank in ranks)
        return cls(benchmark, links, cells, abnormality_truths(benchmark), chances)

    @property
    def pool(self) -> int:
        """The size of the pool of instance recall."""
        pool = self.cells[0].pool
        return len(self.links.candidate_row) if pool == FULL else int(pool)

    def judge(self, heads: HeadPair | None) -> Judged:
        """Measure one pair of heads; the encoder's own where not given."""
        test, k = self.benchmark.test, self.benchmark.settings.k
        images, texts = attacked_sides(test, heads, "embeddings")
        reports = Vectors.prepare(texts[links_of(test)[1]], f"{test.path} (reports)")
        sides = (
            Vectors.prepare(images, f"{test.path} (images)"),
            candidates_of(self.links, reports, "mean", f"{test.path} (reports)").vectors,
        )
        values: dict[Key, Floats] = {}
        for way in link(*sides, self.links, AuditSettings(direction="both")):
            found = recalls(way.table.standings[ALL], self.cells)
            for place, cell in enumerate(self.cells):
                values[way.table.direction, f"recall@{cell.k}"] = found[:, place, None]
        retrieved, told = self.benchmark.retrieve(heads), tell_abnormal(self.benchmark, heads)
        for side in DIRECTIONS:
            for name, column in ((f"precision@{k}", PRECISION), (f"ndcg@{k}", NDCG), ("map", MAP)):
                values[side, name] = retrieved[side][:, column, None]
        return Judged(values | {(side, AUROC): told[side] for side in DIRECTIONS})

    def figures(self, judged: Judged, baseline: Judged | None) -> list[SweepFigure]:
        """Give every figure: the mean of its trainings with an interval over patients, and their deviation.

        Args:
            judged: of one kind of heads.
            baseline: of the heads that it is set against, over the same draws of patients.
        """
        out = []
        level = self.benchmark.settings.interval
        for (side, measure), values in judged.values.items():
            drawn = self._drawn(side, measure, values)
            before = None if baseline is None else self._drawn(side, measure, baseline.values[side, measure])
            last = slice(-1, None)
            paired = Paired.of(drawn.take(last), None if before is None else before.take(last), level)
            trainings = drawn.means[:-1]
            out.append(
                SweepFigure(
                    direction=side,
                    measure=measure,
                    seed_deviation=float(trainings.std(ddof=1)) if len(trainings) > 1 else None,
                    queries=int((~np.isnan(values[:, 0])).sum()),
                    patients=int(drawn.patients[-1]),
                    **asdict(paired.at(0, self.chances[side, measure])),
                )
            )
        return out

    def _drawn(self, side: Direction, measure: str, values: Floats) -> ClusterBootstrap:
        """Give every training's mean and, last, the mean of them all, with replicates."""
        settings, patient = self.benchmark.settings, self._patient(side, measure)
        if measure == AUROC:
            truth = np.repeat(self.truth[side], values.shape[1], axis=1)
            return auroc_bootstrap(values, truth, patient, settings)
        both = np.column_stack([values, values.mean(axis=1)])
        return ClusterBootstrap.draw(both, patient, settings.replicates, settings.seed)

    def _patient(self, side: Direction, measure: str) -> NDArray[np.int64]:
        if measure.startswith("recall") or side == DIRECTIONS[0]:
            return self.benchmark.patient  # a query an image, in both directions of instance recall
        return self.benchmark.reports.patient
