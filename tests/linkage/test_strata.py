"""Hard negatives: strata are what grouping by the named columns gives, and an audit inside them is exact."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import oracle
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relinkage.errors import InputError
from relinkage.linkage import AuditSettings, Links, measure
from relinkage.linkage.columns import label_columns
from relinkage.linkage.strata import describe, levels
from tiers import quick

LABEL = st.sampled_from([1, 0, -1, None])


@st.composite
def cohorts(draw):
    """Pairs with two labels, view, sex and age, some of them absent; a study has one or two images."""
    rows = draw(st.integers(1, 30))

    def column(values):
        return draw(st.lists(values, min_size=rows, max_size=rows))

    return pl.DataFrame(
        {
            "pair_id": [str(row) for row in range(rows)],
            "study_id": [str(row) for row in sorted(column(st.integers(0, rows)))],
            "Edema": column(LABEL),
            "Fracture": column(LABEL),
            "view": column(st.sampled_from(["PA", "AP", "LATERAL", None])),
            "sex": column(st.sampled_from(["F", "M", None])),
            "age": column(st.one_of(st.none(), st.integers(0, 99))),
            "report_words": column(st.integers(1, 40)),
        },
        schema_overrides={"Edema": pl.Int8, "Fracture": pl.Int8, "view": pl.String, "sex": pl.String,
                          "age": pl.Int64},
    )  # fmt: skip


def linked(pairs, studies=True):
    pairs = pairs if studies else pairs.drop("study_id", strict=False)
    return Links.from_pairs(pairs, len(pairs), len(pairs), "pairs")


def partition(numbers):
    """Which rows lie together, whatever the numbers that say so."""
    together = defaultdict(list)
    for row, number in enumerate(numbers):
        together[number].append(row)
    return sorted(map(tuple, together.values()))


def by_hand(pairs, columns):
    return partition(zip(*(pairs[column].to_list() for column in columns), strict=True))


@given(
    cohorts(), st.lists(st.sampled_from(["Edema", "Fracture", "view", "sex", "age"]), min_size=1, unique=True)
)
def test_strata_are_groups_of_equal_values_and_an_absent_value_is_one_of_its_own(pairs, columns):
    (level,) = levels(linked(pairs, studies=False), AuditSettings(hard_negatives=tuple(columns)))
    assert level.columns == tuple(columns)
    assert level.name == "+".join(columns)
    assert partition(level.query) == partition(level.candidate) == by_hand(pairs, columns)


@given(cohorts())
def test_labels_stands_for_all_label_columns(pairs):
    (level,) = levels(
        linked(pairs, studies=False), AuditSettings(hard_negatives=("labels",)), ("Edema", "Fracture")
    )
    assert level.columns == ("Edema", "Fracture")
    assert partition(level.query) == by_hand(pairs, ["Edema", "Fracture"])


@given(cohorts())
def test_a_study_lies_in_the_stratum_of_all_its_images(pairs):
    links = linked(pairs)
    (level,) = levels(links, AuditSettings(hard_negatives=("view", "sex"), missing="own"))
    described = defaultdict(set)
    for study, *values in pairs.select("study_id", "view", "sex").iter_rows():
        described[study].add(tuple(values))
    assert partition(level.query) == partition(frozenset(described[study]) for study in pairs["study_id"])
    np.testing.assert_array_equal(level.candidate[links.mate], level.query)


@given(cohorts())
def test_the_rungs_of_the_ladder_lie_inside_one_another(pairs):
    made = levels(linked(pairs), AuditSettings(ladder=True), ("Edema", "Fracture"))
    assert [level.name for level in made] == [
        "labels",
        "labels+view",
        "labels+view+sex+age decade",
        "labels+view+sex+age decade+length quartile",
    ]
    for coarse, fine in pairwise(made):
        for together in partition(fine.candidate):
            if fine.candidate[together[0]] >= 0:
                assert len(set(coarse.candidate[list(together)])) == 1


@pytest.mark.parametrize(
    ("missing", "names"),
    [
        (["view"], ["labels", "labels+sex+age decade", "labels+sex+age decade+length quartile"]),
        (
            ["sex"],
            ["labels", "labels+view", "labels+view+age decade", "labels+view+age decade+length quartile"],
        ),
        (["age", "report_words"], ["labels", "labels+view", "labels+view+sex"]),
        (["view", "sex", "age", "report_words"], ["labels"]),
    ],
)
def test_the_ladder_leaves_out_rungs_without_columns(missing, names):
    columns = {"pair_id": ["a"], "Edema": [1], "view": ["PA"], "sex": ["F"], "age": [4], "report_words": [9]}
    made = levels(linked(pl.DataFrame(columns).drop(missing)), AuditSettings(ladder=True))
    assert [level.name for level in made] == names


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("own", [(0,), (1,), (2,), (3,)]),
        ("positive", [(0, 2), (1,), (3,)]),
        ("negative", [(0,), (1, 2), (3,)]),
        ("absent", [(0,), (1,), (2, 3)]),
    ],
)
def test_what_an_uncertain_label_counts_as(policy, expected):
    pairs = pl.DataFrame({"pair_id": ["1", "2", "3", "4"], "Edema": [1, 0, -1, None]})
    (level,) = levels(linked(pairs), AuditSettings(hard_negatives=("labels",), uncertain=policy))
    assert partition(level.query) == expected


def test_labels_are_read_as_csv_leaves_them():
    pairs = pl.DataFrame({"pair_id": list("abcdef"), "Edema": ["1", "1.0", " 1", "", " ", None]})
    (level,) = levels(linked(pairs), AuditSettings(hard_negatives=("labels",)))
    assert partition(level.query) == [(0, 1, 2), (3, 4, 5)]


def test_ages_are_shared_by_the_decade():
    ages = ["0", "9.9", "10", "19", "20", "89", "90", "", "unknown", None]
    pairs = pl.DataFrame({"pair_id": [str(i) for i in range(10)], "Edema": [1] * 10, "age": ages})
    level = levels(linked(pairs), AuditSettings(ladder=True))[-1]
    assert partition(level.query) == [(0, 1), (2, 3), (4,), (5,), (6,), (7, 8, 9)]


@pytest.mark.parametrize("rows", [4, 11, 400])
def test_report_lengths_are_shared_by_the_quartile(rows):
    words = np.random.default_rng(rows).permutation(rows)
    pairs = pl.DataFrame(
        {"pair_id": [str(i) for i in range(rows)], "Edema": [1] * rows, "report_words": words}
    )
    level = levels(linked(pairs), AuditSettings(ladder=True))[-1]
    quartile = [sum(count > np.percentile(words, share) for share in (25, 50, 75)) for count in words]
    assert partition(level.query) == partition(quartile)
    assert {len(together) for together in partition(quartile)} <= {rows // 4, rows // 4 + 1}


def test_an_absent_length_is_no_long_report():
    pairs = pl.DataFrame({"pair_id": list("abcd"), "Edema": [1] * 4, "report_words": [1, None, 9, None]})
    level = levels(linked(pairs), AuditSettings(ladder=True))[-1]
    assert partition(level.query) == [(0,), (1, 3), (2,)]


def test_ids_and_sex_as_numbers_are_no_labels():
    pairs = pl.DataFrame(
        {"pair_id": ["1", "0"], "sex": [1, 0], "study_id": ["0", "1"], "Edema": [1, None], "site": ["a", "b"]}
    )
    assert label_columns(pairs) == ("Edema",)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (AuditSettings(hard_negatives=("scanner",)), "names scanner, which is not a column"),
        (AuditSettings(hard_negatives=("labels",)), "needs label columns"),
        (AuditSettings(ladder=True), "no label columns"),
    ],
)
def test_what_is_not_there_is_one_sentence(wanted, message):
    pairs = pl.DataFrame({"pair_id": ["a", "b"], "view": ["PA", "AP"]})
    with pytest.raises(InputError, match=message):
        levels(linked(pairs), wanted)


def test_choices_are_checked_when_they_are_made():
    with pytest.raises(InputError, match="exclude each other"):
        AuditSettings(hard_negatives=("view",), ladder=True)
    with pytest.raises(InputError, match="uncertain maybe"):
        AuditSettings(hard_negatives=("view",), uncertain="maybe")


def scene(seed):
    """A small cohort as they come: several images a study, template reports, absent labels, rare values."""
    random = np.random.default_rng(seed)
    rows = int(random.integers(30, 120))
    study = np.sort(random.integers(0, rows // 2 + 1, rows))
    pairs = pl.DataFrame(
        {
            "pair_id": [str(row) for row in range(rows)],
            "study_id": [f"s{number}" for number in study],
            "patient_id": [f"p{number // 2}" for number in study],
            "Edema": random.choice(np.array([1, 0, -1, None], object), rows).tolist(),
            "Fracture": random.choice(np.array([1, None], object), rows, p=[0.05, 0.95]).tolist(),
            "view": random.choice(
                np.array(["PA", "LATERAL", None], object), rows, p=[0.6, 0.35, 0.05]
            ).tolist(),
        },
        schema_overrides={"Edema": pl.Int8, "Fracture": pl.Int8},
    )
    reports = random.normal(size=(rows // 3 + 1, 6))[random.integers(0, rows // 3 + 1, rows)]
    return reports + random.normal(size=reports.shape), reports, pairs


def brute_force(images, reports, pairs, direction, columns, apart):
    """Every cosine in float64; who is eligible as the definition says it, blanks a value of their own."""
    study, patient = pairs["study_id"].to_list(), pairs["patient_id"].to_list()
    first = [study.index(name) for name in dict.fromkeys(study)]
    described = defaultdict(set)
    for name, row in zip(study, pairs.iter_rows(named=True), strict=True):
        described[name].add(tuple(row[column] for column in columns))
    asks = list(range(len(study)))
    answers = first if direction == "image-to-report" else asks
    mate = [next(j for j, row in enumerate(answers) if study[row] == study[i]) for i in asks]
    if direction == "image-to-report":
        scores = oracle.cosines(images, reports[first])
    else:
        mate = asks
        scores = oracle.cosines(reports[[study.index(name) for name in study]], images)
    eligible = [
        [
            (not columns or described[study[i]] == described[study[row]])
            and study[i] != study[row]
            and not (apart and patient[i] == patient[row])
            for row in answers
        ]
        for i in asks
    ]
    return oracle.count(scores, np.array(mate), np.array(eligible))


@pytest.mark.parametrize("seed", quick(4, range(12)))
def test_an_audit_with_hard_negatives_is_brute_force(seed):
    images, reports, pairs = scene(seed)
    apart = seed % 2 == 1
    settings = AuditSettings(
        direction=("both", "image-to-report", "report-to-image")[seed % 3],
        distractors="other-patients" if apart else "all",
        hard_negatives=() if seed % 3 == 0 else ("labels", "view"),
        ladder=seed % 3 == 0,
        missing="own",
        hard_negatives_of="all" if seed % 4 == 0 else "other-patients",
        several_reports="first",
        replicates=100,
    )
    found = measure(images, reports, Links.from_pairs(pairs, len(pairs), len(pairs), "pairs"), settings)
    columns = {"all": [], "labels": ["Edema", "Fracture"], "labels+view": ["Edema", "Fracture", "view"]}
    assert {row.negatives for row in found.result.closed_set} <= set(columns)
    alone = 0
    for table in found.tables:
        for name, standing in table.standings.items():
            others = apart or (name != "all" and settings.hard_negatives_of == "other-patients")
            truth = brute_force(images, reports, pairs, table.direction, columns[name], others)
            np.testing.assert_array_equal(standing.eligible, truth.eligible)
            np.testing.assert_array_equal(standing.above, truth.above)
            np.testing.assert_array_equal(standing.ties, truth.ties)
            alone += (truth.eligible == 1).sum()
            for row in found.result.closed_set:
                if (row.direction, row.negatives) == (table.direction, name):
                    # "full" is all that is eligible, and a query that is alone has no pool.
                    pool = "full" if row.full else row.pool
                    several = truth.eligible >= 2
                    kept = oracle.Counted(*(getattr(truth, key)[several] for key in vars(truth)))
                    assert row.recall == pytest.approx(oracle.recall(kept, pool, row.k), abs=1e-12)
                    enough = truth.eligible >= (2 if row.full else row.pool)
                    assert row.queries == enough.sum()
                    assert row.coverage == pytest.approx(enough.mean())
    assert alone > 0


@pytest.mark.parametrize("missing", ["wildcard", "own", "exclude"])
@pytest.mark.parametrize("seed", range(4))
def test_a_scorer_that_knows_only_the_columns_sits_on_chance_inside_strata(seed, missing):
    """Also where a study's images differ in view, in both directions."""
    images, reports, pairs = scene(seed)
    settings = AuditSettings(direction="both", ladder=True, missing=missing, replicates=100)
    found = measure(
        images, reports, Links.from_pairs(pairs, len(pairs), len(pairs), "pairs"), settings
    ).result
    rows = [row for row in found.controls if row.control == "stratum scorer"]
    assert {row.negatives for row in rows} == {"labels", "labels+view"}
    for row in rows:
        assert row.recall == pytest.approx(row.chance)


def test_the_description_counts_strata():
    images, reports, pairs = scene(3)
    links = Links.from_pairs(pairs, len(pairs), len(pairs), "pairs")
    settings = AuditSettings(hard_negatives=("view",), missing="own", hard_negatives_of="all", replicates=100)
    standing = measure(images, reports, links, settings).tables[0].standings["view"]
    (level,) = levels(links, settings)
    studies = pairs.group_by("study_id").agg(pl.col("view").unique().sort())
    sizes = studies.group_by("view").len()["len"]
    of_query = [
        studies["view"].to_list().count(views)
        for views in pairs.join(studies, "study_id", maintain_order="left")["view_right"].to_list()
    ]
    said = describe(level, standing, settings)
    assert (said.strata, said.largest) == (len(sizes), sizes.max())
    assert said.median_stratum_of_a_query == np.median(of_query)
    assert said.alone == np.mean(np.array(of_query) == 1)


@pytest.mark.parametrize("absent", ["NaN", "NA", "", None])
def test_cells_without_a_value_leave_a_label_a_label(absent):
    cells = ["1", "0", "1", "0", absent, absent]
    pairs = pl.DataFrame({"pair_id": [*"abcdef"], "A": ["1"] * 3 + ["0"] * 3, "B": cells})
    assert label_columns(pairs) == ("A", "B")
    links = Links.from_pairs(pairs, 6, 6, "pairs")
    (level,) = levels(links, AuditSettings(hard_negatives=("labels",)))
    assert len(set(level.candidate.tolist())) == 4


@pytest.mark.parametrize("odd", ["2", "maybe", "true"])
def test_other_cells_of_a_known_label_are_not_mentioned(odd):
    pairs = pl.DataFrame({"pair_id": [*"abcdef"], "Edema": ["1", "0", "1", odd, "", None]})
    assert label_columns(pairs) == ("Edema",)
    (level,) = levels(linked(pairs), AuditSettings(hard_negatives=("labels",)))
    assert partition(level.query) == [(0, 2), (1,), (3, 4, 5)]


def test_a_column_without_words_is_no_stratum():
    pairs = pl.DataFrame({"pair_id": ["a", "b"], "vector": [[0.5], [0.25]]})
    with pytest.raises(InputError, match=r"names vector, which holds List.*; name a column of texts or num"):
        levels(linked(pairs), AuditSettings(hard_negatives=("vector",)))
