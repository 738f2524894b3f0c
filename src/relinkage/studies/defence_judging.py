"""What is measured of what one defence releases: linkage by several attackers, and usefulness."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relinkage.attackers import AuxiliaryPairs, load_attacker, load_attackers
from relinkage.attackers.names import AttackerName
from relinkage.defences.released import Released
from relinkage.defences.result import BothWays, Search
from relinkage.defences.settings import DefendSettings
from relinkage.embeddings import Embeddings
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links
from relinkage.linkage.columns import LABELS
from relinkage.linkage.measures import Cell, recalls
from relinkage.linkage.settings import Direction
from relinkage.linkage.several_reports import candidates_of
from relinkage.linkage.strata import Level, levels
from relinkage.linkage.vectors import Vectors
from relinkage.linkage.ways import link
from relinkage.studies.auditing import Sides
from relinkage.studies.auxiliary import as_pairs, attacked_sides, draw_auxiliary, known_pairs
from relinkage.studies.judging_use import benchmark
from relinkage.studies.opening import links_of
from relinkage.usefulness import Benchmark
from relinkage.usefulness.auroc import auroc
from relinkage.usefulness.benchmark import DIRECTIONS
from relinkage.usefulness.probe import fit_probe
from relinkage.usefulness.zero_shot import zero_shot_scores

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judged:
    """What was measured of one release; None where there is no such figure.

    Attributes:
        hits: by attacker float64, shape (queries, searches): each query's expected Recall@1, NaN where a
            search has too few candidates for it.
        probe_scores: float64, shape (images, kept labels): log-odds of the linear probe.
        precision: by direction float64, shape (queries,): label precision@K, NaN where a query has nothing
            to ask for; empty where there is no retrieval.
        zero_shot_scores: float64, shape (images, kept labels).
    """

    hits: dict[AttackerName, Floats]
    probe_scores: Floats
    precision: dict[Direction, Floats]
    zero_shot_scores: Floats | None


@dataclass(frozen=True, eq=False)
class Ground:
    """One cohort, prepared once, on which all heads are judged.

    Attributes:
        benchmark: splits, labels and prompts.
        links: who belongs to whom in the tested split.
        drawn: the auxiliary pairs that attackers know.
        searches: who asks, among whom is searched.
        strata: the label strata of queries and candidates.
        settings: the choices.
    """

    benchmark: Benchmark
    links: Links
    drawn: Embeddings
    searches: tuple[Search, ...]
    strata: Level
    settings: DefendSettings

    @classmethod
    def prepare(cls, embeddings: Embeddings, settings: DefendSettings) -> "Ground":
        """Prepare what does not depend on heads.

        Args:
            embeddings: features of a cohort with labels, and its splits.
            settings: the choices.

        Raises:
            InputError: there are no labels that enough patients have, or auxiliary pairs are of tested
                patients, or an attacker is stated for the full gallery only.
        """
        for name, attacker in load_attackers(settings.attackers).items():
            if attacker.pools == "full":
                raise InputError(
                    f"--attackers {name} is fitted on the attacked gallery, and a table of defences is about "
                    "smaller pools; leave it out."
                )
        prepared = benchmark(embeddings, settings.usefulness)
        tested = prepared.test
        links = links_of(tested)[0]
        source, most = settings.auxiliary, settings.auxiliary_pairs
        drawn = draw_auxiliary(embeddings, tested, source, most, settings.seed)
        (strata,) = levels(links, AuditSettings(hard_negatives=(LABELS,)), embeddings.labels)
        return cls(prepared, links, drawn, _searches(links, strata, settings.pool), strata, settings)

    def judge(self, released: Released | None) -> Judged:
        """Measure what is released.

        Args:
            released: heads that fit the features, and what is done to the vectors they give; None for the
                frozen features before any head, of which only a probe and the attackers that bring two
                spaces into one know anything.

        Raises:
            InputError: the heads do not fit.
        """
        on = self.benchmark
        if released is None:
            bringing = [name for name in self.settings.attackers if not load_attacker(name).one_space]
            attacked = attacked_sides(on.test, None, "features")
            hits = self._attack(attacked, known_pairs(self.drawn, None, "features"), bringing)
            return Judged(hits, on.features[1], {}, None)
        images, reports = released.vectors(on.test)
        hits = self._attack(
            (images, reports), as_pairs(released.vectors(self.drawn), self.drawn), self.settings.attackers
        )
        fit_images = released.vectors(on.fit)[0]
        probe = fit_probe(fit_images, on.fit_truth, on.aside, on.settings.penalty)
        named = None if on.prompts is None else zero_shot_scores(images, on.prompts, released.heads)
        return Judged(hits, probe.scores(images), on.precision(images, reports), named)

    def use(self, released: Released) -> BothWays:
        """Return label precision in both directions, as `judge` does and without the rest."""
        precision = self.benchmark.precision(*released.vectors(self.benchmark.test))
        there, back = (float(np.nanmean(values)) for values in precision.values())
        return BothWays(image_to_report=there, report_to_image=back)

    def macro(self, scores: Floats) -> float:
        """Give the macro AUROC of some scores."""
        return float(auroc(scores, self.benchmark.test_truth).mean())

    def _attack(
        self, attacked: Sides, known: AuxiliaryPairs, attackers: Sequence[AttackerName]
    ) -> dict[AttackerName, Floats]:
        rows = links_of(self.benchmark.test)[1]
        hits = {}
        alike = any((side == side[0]).all() for side in (known.images, known.texts))
        families = load_attackers(attackers, self.settings.seed)
        for name in attackers:
            # Of one vector for all nothing can be learned, so an attacker has the model's own cosine.
            attacker = load_attacker("cosine") if alike else families[name]
            images, texts = attacker.fit(known if attacker.needs_pairs else None).transform(*attacked)
            ways = link(
                Vectors.prepare(images, "images"),
                candidates_of(self.links, Vectors.prepare(texts[rows], "reports"), "mean", "reports").vectors,
                self.links,
                AuditSettings(direction="both"),
                [self.strata],
            )
            standings = {way.table.direction: way.table.standings for way in ways}
            hits[name] = np.column_stack(
                [
                    recalls(standings[one.direction][one.negatives], [Cell(one.pool, 1)])
                    for one in self.searches
                ]
            )
        return hits


def _searches(links: Links, strata: Level, pools: Sequence[int]) -> tuple[Search, ...]:
    """Return the largest pool that fits, the smallest, that inside the own labels, and the largest backwards.

    A smallest pool that no query's label stratum fills is not searched there.
    """
    candidates, least = len(links.candidate_row), min(pools)
    largest = max((pool for pool in pools if pool <= candidates), default=candidates)
    alike = np.bincount(strata.candidate[strata.candidate >= 0])[strata.query]
    siblings, own = links.siblings()  # hard negatives are of other patients
    alike -= np.bincount(siblings[strata.query[siblings] == strata.candidate[own]], minlength=len(alike))
    there, back = DIRECTIONS
    every, inside = len(links), int((alike >= least).sum())
    wanted = [Search(direction=there, negatives="all", pool=largest, queries=every)]
    if least < largest:
        wanted.append(Search(direction=there, negatives="all", pool=least, queries=every))
    if inside:
        wanted.append(Search(direction=there, negatives="labels", pool=least, queries=inside))
    return (*wanted, Search(direction=back, negatives="all", pool=largest, queries=every))
