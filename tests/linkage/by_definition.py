"""Cohorts of every kind, and an audit's counts and laws of ranks written down as the definitions say them.

Who is eligible is found by plain loops over the table of pairs, cosines are float64, and shares of pools are
ratios of binomials in whole numbers.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import oracle
import polars as pl

from relinkage.linkage import AuditSettings, Links, measure

FORTH, BACK = "image-to-report", "report-to-image"
KINDS = ("templates", "lattice", "studies", "shared")
POOLS, KS = (2, 7, 20, "full"), (1, 3, 10)
LABELS = ("Edema", "Fracture", "Opacity")
MISSING = ("wildcard", "own", "exclude")
UNCERTAIN = {"own": -1, "positive": 1, "negative": 0, "absent": None}
RUNGS = {
    "labels": LABELS,
    "labels+view": (*LABELS, "view"),
    "labels+view+sex+age decade": (*LABELS, "view", "sex", "decade"),
    "labels+view+sex+age decade+length quartile": (*LABELS, "view", "sex", "decade", "quartile"),
}


# --- what is audited --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Vectors, the table that goes with them, and the choices of an audit."""

    images: np.ndarray
    reports: np.ndarray
    pairs: pl.DataFrame
    settings: AuditSettings

    def audited(self):
        links = Links.from_pairs(self.pairs, len(self.images), len(self.reports), "pairs")
        return measure(self.images, self.reports, links, self.settings).result


def case(seed, kind, rows=None):
    """Draw a cohort of a kind, and the choices of its audit."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    rows = rows or int(random.integers(45, 90))
    repeating = kind in ("studies", "shared")
    study = np.sort(random.integers(0, rows * 2 // 3, rows)) if repeating else np.arange(rows)
    d, dtype = random.choice([2, 3, 9]), random.choice([np.float64, np.float32, np.float16])
    if kind == "lattice":  # few directions, so that many different vectors tie
        reports, images = random.integers(-1, 2, (2, rows, d)) + 0.25
    else:
        reports = random.normal(size=(rows, d)) + random.choice([0, 2])
        if kind == "templates":
            reports[random.random(rows) < 0.5] = reports[0]
        images = reports[study] + random.normal(size=(rows, d))
    columns = {"pair_id": [f"pair-{row}" for row in range(rows)]}
    if kind == "shared":  # images name their report's row; some rows are nobody's
        place = random.permutation(rows)
        columns["candidate"] = place[study]
        reports = reports[np.argsort(place)]
    else:
        columns["study_id"] = [f"study-{number}" for number in study]
        reports = reports[study]
    nobody = not repeating and random.random() < 0.5  # some patients are not known
    columns["patient_id"] = [None if nobody and n % 7 == 5 else f"patient-{n // 3}" for n in study]
    columns["report_hash"] = [f"text-{number // 2}" for number in study]
    pairs = pl.DataFrame(columns | described(random, rows), schema_overrides=dict.fromkeys(LABELS, pl.Int8))
    return Case(images.astype(dtype), reports.astype(dtype), pairs, choices(random, seed))


def choices(random, seed):
    """Draw the choices of an audit that bear on who is eligible."""
    uncertain = str(random.choice(list(UNCERTAIN)))
    ladder = bool(random.random() < 0.5)
    named = [("labels",), ("labels", "view"), ("sex", "Opacity"), ("view", "sex")][random.integers(4)]
    distractors = str(random.choice(["all", "other-patients"]))
    return AuditSettings(
        pool=POOLS,
        k=KS,
        direction="both",
        distractors=distractors,
        hard_negatives=() if ladder else named,
        ladder=ladder,
        uncertain=uncertain,
        risk_pool=[None, 5, "full"][random.integers(3)],
        replicates=100,
        seed=seed,
        **more_choices(random, distractors),
    )


def more_choices(random, distractors):
    """Draw what a blank means and whose studies hard negatives are."""
    anyone = distractors == "all" and random.random() < 0.5
    return {
        "missing": str(random.choice(MISSING)),
        "hard_negatives_of": "all" if anyone else "other-patients",
    }


def described(random, rows):
    """Labels, one of them rare, and what else is known of each image; any of it may be absent."""

    def draw(values, shares=None):
        return random.choice(np.array(values, object), rows, p=shares).tolist()

    return {
        "Edema": draw([1, 0, -1, None], [0.3, 0.3, 0.2, 0.2]),
        "Fracture": draw([1, None], [0.04, 0.96]),
        "Opacity": draw([1, 0, None], [0.4, 0.4, 0.2]),
        "view": draw(["PA", "LATERAL", None], [0.6, 0.3, 0.1]),
        "sex": draw(["F", "M", None], [0.5, 0.45, 0.05]),
        "age": draw([25.0, 31.5, 39.0, 40.0, None], [0.3, 0.2, 0.2, 0.2, 0.1]),
        "report_words": draw([*range(5, 60), None]),
    }


# --- the definitions --------------------------------------------------------------------------------------


def truth(case):
    """Give, by direction and kind of distractors, each query's counts; and each query's patient."""
    rows = case.pairs.rows(named=True)
    mate = mates(rows)
    candidates = len(case.reports) if "candidate" in rows[0] else max(mate) + 1
    first = [mate.index(j) if j in mate else None for j in range(candidates)]
    report_rows = list(range(candidates)) if "candidate" in rows[0] else first
    patient = [row["patient_id"] or f"nobody {number}" for number, row in enumerate(rows)]
    counted = {}
    for direction, (name, columns) in product((FORTH, BACK), {"all": (), **levels(case)}.items()):
        fits = fitting(case, rows, mate, columns)
        whose = case.settings.hard_negatives_of if columns else case.settings.distractors
        apart = "other-patients" in (whose, case.settings.distractors)
        if direction == FORTH:  # a query meets the candidates that lie in its mate's stratum
            scores = oracle.cosines(case.images, case.reports[report_rows])
            eligible = [
                [
                    j == mate[i]
                    or (
                        fits(mate[i], j)
                        and not (apart and first[j] is not None and patient[first[j]] == patient[i])
                    )
                    for j in range(candidates)
                ]
                for i in range(len(rows))
            ]
            counted[direction, name] = oracle.count(scores, np.array(mate), np.array(eligible))
        else:  # a study's other images are no wrong answers
            asking = case.reports[report_rows][mate]
            eligible = [
                [
                    i == j
                    or (
                        mate[i] != mate[j]
                        and fits(mate[i], mate[j])
                        and not (apart and patient[i] == patient[j])
                    )
                    for j in range(len(rows))
                ]
                for i in range(len(rows))
            ]
            scores = oracle.cosines(asking, case.images)
            counted[direction, name] = oracle.count(scores, np.arange(len(rows)), np.array(eligible))
    return counted, patient


def mates(rows):
    """Number the candidates: as the table names them, or the studies in the order they come in."""
    if "candidate" in rows[0]:
        return [row["candidate"] for row in rows]
    numbers = {}
    return [numbers.setdefault(row["study_id"], len(numbers)) for row in rows]


def levels(case):
    if case.settings.ladder:
        return RUNGS
    columns = case.settings.hard_negatives
    named = [LABELS if column == "labels" else (column,) for column in columns]
    return {"+".join(columns): sum(named, ())}


def fitting(case, rows, mate, columns):
    """Give what says whether one candidate, when it asks, has another as a hard negative."""
    strata = study_strata(case, rows, mate, columns)
    labels = [place for place, column in enumerate(columns) if column in LABELS]
    others = [place for place, column in enumerate(columns) if column not in LABELS]
    missing = case.settings.missing

    def lacks(candidate):
        return any(values[place] is None for values in strata[candidate] for place in others)

    def told(candidate, place):
        return {values[place] for values in strata[candidate]} - {None}

    def projected(candidate, places):
        """The values of the images; a blank is what another image of the study says, the least of them."""
        return {
            tuple(
                min(told(candidate, place)) if place in others and values[place] is None else values[place]
                for place in places
            )
            for values in strata[candidate]
        }

    def fits(one, other):
        if not columns:
            return True
        if one not in strata or other not in strata:  # a report that no image points to
            return missing == "wildcard" and not labels and not any(told(one, place) for place in others)
        if missing == "wildcard":  # one asks: what it lacks does not narrow, what it has the other must have
            has = [place for place in others if told(one, place)]
            narrow = all(told(other, place) for place in has)
            return narrow and projected(one, labels + has) == projected(other, labels + has)
        excluded = missing == "exclude" and (lacks(one) or lacks(other))
        return not excluded and strata[one] == strata[other]

    return fits


def study_strata(case, rows, mate, columns):
    """Give the stratum of every candidate that has an image: what is said of its images, as a set."""
    words = [row["report_words"] for row in rows if row["report_words"] is not None]
    cuts = np.percentile(words, [25, 50, 75])
    uncertain = UNCERTAIN[case.settings.uncertain]
    strata = defaultdict(set)
    for row, candidate in zip(rows, mate, strict=True):
        length = row["report_words"]
        more = {
            "decade": None if row["age"] is None else row["age"] // 10,
            "quartile": None if length is None else sum(length > cut for cut in cuts),
        }
        values = [{**row, **more}[column] for column in columns]
        values = [
            uncertain if column in LABELS and value == -1 else value
            for column, value in zip(columns, values, strict=True)
        ]
        strata[candidate].add(tuple(values))
    return dict(strata)


@cache
def law_at(better, others, drawn):
    """P(0 ahead), P(1 ahead), … where `better` of the others stand above the mate, by counting pools."""
    every = math.comb(others, drawn)
    return [math.comb(better, i) * math.comb(others - better, drawn - i) / every for i in range(drawn + 1)]


@cache
def law(eligible, above, ties, pool):
    """P(rank = 1), …, P(rank = pool): any number of the tied may stand above the mate, each as likely."""
    places = range(above, above + ties + 1)
    return np.mean([law_at(better, eligible - 1, pool - 1) for better in places], axis=0)


def laws(counted, pool):
    """Give each query's law of ranks; None where too few are eligible, and where a query is alone."""
    made = []
    for counts in zip(counted.eligible, counted.above, counted.ties, strict=True):
        m, b, t = map(int, counts)
        size = max(m, 2) if pool == "full" else pool
        made.append(law(m, b, t, size) if size <= m else None)
    return made
