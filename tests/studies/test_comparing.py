"""Runs side by side: what may be paired, what the comparison says, and how it is refused."""

import json

import jsonschema
import msgspec
import numpy as np
import polars as pl
import pytest

from calling import done, refused
from relinkage.embeddings.manifest import CohortOrigin
from relinkage.errors import InputError
from relinkage.files import write_json
from relinkage.linkage import (
    AuditSettings,
    Links,
    Standing,
    measure,
    read_tables,
    write_tables,
)
from relinkage.linkage.comparison import holm
from relinkage.linkage.comparison_result import ComparisonResult, ComparisonRow, SharedQueries
from relinkage.linkage.measures import Cell, recalls
from relinkage.linkage.result import InputFile, Inputs
from relinkage.pages import comparison_table
from relinkage.pages.changes import takeaway
from relinkage.records import json_schema, json_text, plain, read_record, write_record
from relinkage.studies import compare

QUERIES = 150
PATIENTS = [f"p{row // 2}" for row in range(QUERIES)]


def pairs(rows=range(QUERIES), **columns):
    rows = list(rows)
    made = {"pair_id": [f"pair-{row}" for row in rows], "patient_id": [PATIENTS[row] for row in rows]}
    return pl.DataFrame({**made, "candidate": rows, **columns})


def leave_run(folder, noise, table=None, *, seed=0, reports=QUERIES, inputs=None, **choices):
    """Audit reports that are their images and noise; leave what a run leaves for machines."""
    table = pairs() if table is None else table
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(max(reports, QUERIES), 12))
    noisy = vectors + noise * rng.normal(size=vectors.shape)
    settings = AuditSettings(**{"pool": (10, 50, "full"), "k": (1, 5), "replicates": 200} | choices)
    made = measure(
        vectors[table["candidate"].to_numpy()],
        noisy[:reports],
        Links.from_pairs(table, len(table), reports, "pairs.csv"),
        settings,
        name=folder.name,
        inputs=msgspec.convert(inputs or described(f"{noise}-{seed}"), Inputs),
    )
    write_record(folder / "audit.json", made.result)
    write_tables(made.tables, folder / "linkage.parquet")
    return folder


def described(model, *, pairs=True, cohort=None):
    """Say as an audit does what the vectors came from; the parts that a comparison looks at."""
    file = InputFile(file="x.npy", rows=QUERIES, fingerprint=f"sha256:{model}")
    return Inputs(
        kind="arrays",
        images=file,
        reports=file,
        pairs=file if pairs else None,
        cohort=CohortOrigin(name="a cohort", fingerprint=cohort) if cohort else None,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def sharp(folder):
    return leave_run(folder / "sharp", 0.8, direction="both")


@pytest.fixture(scope="module")
def blurred(folder):
    return leave_run(folder / "blurred", 2.0, direction="both")


@pytest.fixture(scope="module")
def found(sharp, blurred):
    return compare(sharp, blurred).result


# --- what is said -----------------------------------------------------------------------------------------


def test_before_and_after_are_the_audits_own_figures(found, sharp, blurred):
    keys = ("direction", "negatives", "pool", "k")
    audits = [json.loads((run / "audit.json").read_text()) for run in (sharp, blurred)]
    assert len(found.rows) == len(audits[0]["closed_set"]) == 12
    for side, made in zip(("before", "after"), audits, strict=True):
        own = {tuple(row[key] for key in keys): row for row in made["closed_set"]}
        for row in plain(found.rows):
            theirs = own[tuple(row[key] for key in keys)]
            assert row[side] == pytest.approx(theirs["recall"])
            assert (row[f"{side}_low"], row[f"{side}_high"]) == pytest.approx((theirs["low"], theirs["high"]))
            assert row["chance"] == theirs["chance"]


def test_the_difference_is_that_of_every_query(found, sharp, blurred):
    before, after = (read_tables(run / "linkage.parquet")[0] for run in (sharp, blurred))
    rows = [row for row in found.rows if row.direction == before.direction and not row.full]
    cells = [Cell(row.pool, row.k) for row in rows]
    moved = recalls(after.standings["all"], cells) - recalls(before.standings["all"], cells)
    np.testing.assert_allclose([row.difference for row in rows], moved.mean(axis=0))
    for row in rows:
        assert row.relative == pytest.approx(row.after / row.before - 1)
        assert row.difference_low < row.difference < row.difference_high < 0
        assert row.p == 1 / 10_000
        assert (row.queries, row.patients) == (QUERIES, QUERIES // 2)


def test_holm_covers_the_rows_of_all_runs(sharp, blurred, folder):
    third = leave_run(folder / "third", 0.85, direction="both")
    result = compare(sharp, blurred, third).result
    rows = result.rows
    assert [row.run for row in rows] == [1] * 12 + [2] * 12
    np.testing.assert_allclose([row.p_holm for row in rows], holm(np.array([row.p for row in rows])))
    alone = compare(sharp, third).result.rows
    assert [row.p for row in rows[12:]] == [row.p for row in alone]


def test_a_run_does_not_differ_from_itself(sharp):
    result = compare(sharp, sharp).result
    for row in result.rows:
        assert (row.difference, row.relative, row.p, row.p_holm) == (0, 0, 1, 1)
    assert [run.name for run in result.runs] == ["sharp (run 1)", "sharp (run 2)"]
    assert any("same vectors" in note for note in result.notes)


def test_the_order_of_rows_in_a_linkage_table_does_not_matter(found, sharp, blurred, folder):
    turned = folder / "turned"
    turned.mkdir()
    (turned / "audit.json").write_bytes((blurred / "audit.json").read_bytes())
    table = pl.read_parquet(blurred / "linkage.parquet")
    table.sample(fraction=1, shuffle=True, seed=3).write_parquet(turned / "linkage.parquet")
    assert compare(sharp, turned).result.rows == found.rows


def test_a_pair_is_known_by_its_id_not_by_its_row(sharp, blurred, folder):
    """Patients are numbered anew in the other run; the baseline's numbers are used."""
    backwards = leave_run(folder / "backwards", 2.0, pairs(reversed(range(QUERIES))))
    rows = compare(sharp, backwards).result.rows
    for row, straight in zip(rows, compare(sharp, blurred).result.rows, strict=False):
        assert row.after == pytest.approx(straight.after)
        assert row.p == straight.p


def test_only_shared_queries_are_compared(sharp, folder):
    part = leave_run(folder / "part", 2.0, pairs(range(100)), direction="both")
    result = compare(sharp, part).result
    both = ("image-to-report", "report-to-image")
    assert result.shared == tuple(SharedQueries(direction=way, queries=100, patients=50) for way in both)
    # Every image still searches the same 150 reports; a report has fewer images to search.
    assert {row.direction for row in result.rows} == {"image-to-report"}
    assert {row.queries for row in result.rows} == {100}
    notes = " ".join(result.notes)
    assert "100 of up to 150 queries are shared" in notes
    assert "Report to image, all: left out" in notes


def test_only_rows_that_all_runs_have_are_compared(sharp, folder):
    other = leave_run(folder / "other-pools", 2.0, pool=(20, 50), k=(1, 3))
    result = compare(sharp, other).result
    assert [(row.pool, row.k) for row in result.rows] == [(50, 1)]
    assert any(note.startswith("Left out, as not every run has them: 14") for note in result.notes)


def test_strata_of_one_name_and_other_sizes_are_left_out(folder):
    label = [row % 3 for row in range(QUERIES)]
    coarse = [0] * QUERIES
    runs = [
        leave_run(
            folder / f"strata-{name}",
            noise,
            pairs(finding=values),
            hard_negatives=("finding",),
        )
        for name, noise, values in (("a", 0.8, label), ("b", 2.0, label), ("c", 2.0, coarse))
    ]
    same = compare(*runs[:2]).result
    assert {row.negatives for row in same.rows} == {"all", "finding"}
    other = compare(*runs).result
    assert {row.negatives for row in other.rows} == {"all"}
    assert any("finding: left out" in note for note in other.notes)


@pytest.mark.parametrize("choice", [{"missing": "own"}, {"hard_negatives_of": "all"}])
def test_hard_negatives_by_other_choices_are_left_out(folder, choice):
    (name,) = choice
    table = pairs(sex=[None if row % 5 == 0 else "FM"[row // 2 % 2] for row in range(QUERIES)])
    runs = [
        leave_run(folder / f"{name}-{number}", 0.8, table, hard_negatives=("sex",), **more)
        for number, more in enumerate(({}, {}, choice))
    ]
    assert {row.negatives for row in compare(*runs[:2]).result.rows} == {"all", "sex"}
    other = compare(*runs[1:]).result
    assert {row.negatives for row in other.rows} == {"all"}
    assert any("sex: left out" in note for note in other.notes)


@pytest.mark.parametrize(
    ("inputs", "note"),
    [
        (described("b", pairs=False), "row numbers alone"),
        (described("b", cohort="sha256:other"), "different fingerprints"),
    ],
)
def test_what_is_taken_on_trust_is_noted(folder, inputs, note):
    first = leave_run(folder / "first", 0.8, inputs=described("a", cohort="sha256:one"))
    second = leave_run(folder / "second", 2.0, inputs=inputs)
    assert any(note in said for said in compare(first, second).result.notes)


def test_a_run_without_patients_borrows_those_of_another(sharp, folder):
    nameless = leave_run(folder / "nameless", 2.0, pairs().drop("patient_id"))
    for runs in ([sharp, nameless], [nameless, sharp]):
        result = compare(*runs).result
        assert {row.patients for row in result.rows} == {QUERIES // 2}
        assert any("do not know their patients" in note for note in result.notes)
    alone = compare(nameless, nameless).result
    assert any("Patients are not known" in note for note in alone.notes)


# --- where it is said -------------------------------------------------------------------------------------


def test_a_comparison_satisfies_its_schema(found):
    jsonschema.Draft202012Validator.check_schema(json_schema(ComparisonResult))
    validator, made = jsonschema.Draft202012Validator(json_schema(ComparisonResult)), plain(found)
    assert list(validator.iter_errors(made)) == []
    assert not validator.is_valid(made | {"rows": [made["rows"][0] | {"p": 0}]})
    assert not validator.is_valid(made | {"runs": made["runs"][:1]})


def test_a_comparison_is_read_back_as_it_was_written(found, tmp_path):
    write_record(tmp_path / "comparison.json", found)
    assert (
        read_record(tmp_path / "comparison.json", ComparisonResult, "a comparison", "compare again") == found
    )


def test_a_fall_to_and_from_nothing_is_whole_json(sharp, folder):
    """Nothing is ever found by one run: no relative change follows from 0, and JSON has no NaN."""
    blind = leave_run(folder / "blind", 2.0, direction="both")
    lost = [
        type(table)(
            table.direction,
            table.pair_id,
            table.patient,
            table.mate_score,
            {"all": Standing(s.eligible, s.eligible - 1, 0 * s.ties)},
        )
        for table in read_tables(blind / "linkage.parquet")
        for s in [table.standings["all"]]
    ]
    write_tables(lost, blind / "linkage.parquet")
    validator = jsonschema.Draft202012Validator(json_schema(ComparisonResult))
    rises, falls = (compare(*runs).result for runs in ([blind, sharp], [sharp, blind]))
    for result in (rises, falls):
        assert list(validator.iter_errors(json.loads(json_text(result)))) == []
        assert "nan" not in comparison_table(result)
    first = next(row for row in rises.rows if row.k == 1)
    assert (first.relative, first.relative_low, first.relative_high) == (None, None, None)
    assert "no share of 0" in takeaway(rises.rows[:2], 0.05)
    first = next(row for row in falls.rows if row.k == 1)
    assert first.relative == -1 < first.relative_high < -0.5


def row(before, after, difference, relative, p):
    """A row as a comparison has it, its intervals a tenth to either side."""
    made = {"before_low": before, "before_high": before, "after_low": after, "after_high": after}
    for name, value in (("difference", difference), ("relative", relative)):
        ends = sorted((0.9 * value, 1.1 * value))
        made |= {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}
    return ComparisonRow(
        run=1, direction="image-to-report", negatives="all", pool=10_000, full=False, k=1, chance=1e-4,
        queries=9_000, patients=4_000, before=before, after=after, p=p, p_holm=p, exact=False, **made,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            row(0.005, 0.0019, -0.0031, -0.62, 0.0002),
            "Recall@1 among 10,000 reports falls from 0.50 % to 0.19 %, "
            "by 62.0 % (55.8 to 68.2 %; p < 0.001).",
        ),
        (row(0.1, 0.25, 0.15, 1.5, 0.02), "rises from 10.0 % to 25.0 %, by 150 % (135 to 165 %; p = 0.020)."),
        (row(0.1, 0.09, -0.01, -0.1, 0.4), "the test does not tell from no change (p = 0.40)"),
        (row(0.1, 0.1, 0.0, 0.0, 1.0), "is 10.0 % before and after (p = 1.00)."),
    ],
)
def test_the_takeaway_is_a_plain_sentence(given, said):
    assert said in takeaway([given], 0.05).replace("\N{NO-BREAK SPACE}", " ")


def test_the_terminal_shows_every_row_within_its_width(found):
    lines = comparison_table(found).splitlines()
    assert sum(line.endswith("p (Holm)") for line in lines) == 2
    assert sum(line.split()[:1] in (["10"], ["50"], ["150"]) for line in lines) == len(found.rows)
    assert max(len(line) for line in lines if "Recall" not in line) <= 100


@pytest.mark.slow
def test_the_report_holds_ladder_comparison_and_runs(sharp, blurred, tmp_path):
    comparison = compare(sharp, blurred)
    out = comparison.save(tmp_path / "out")
    assert sorted(path.name for path in out.iterdir()) == ["comparison.json", "page.html"]
    assert json.loads((out / "comparison.json").read_text()) == plain(comparison.result)
    page = (out / "page.html").read_text()
    sections = ('id="ladder"', 'id="comparison"', 'id="run-1"', 'id="run-2"')
    assert sorted(sections, key=page.index) == list(sections)
    assert page.count('href="#comparison"') == 1
    assert "this page holds none" not in page
    assert "falls from" in page
    assert page.count("<script") == 2  # the explorer's data, and the one script that the page allows


@pytest.mark.slow
def test_names_from_elsewhere_are_escaped(sharp, blurred, tmp_path, folder):
    hostile = folder / "hostile"
    hostile.mkdir()
    made = json.loads((blurred / "audit.json").read_text()) | {"name": "<img src=x>"}
    write_json(hostile / "audit.json", made)
    (hostile / "linkage.parquet").write_bytes((blurred / "linkage.parquet").read_bytes())
    out = compare(sharp, hostile).save(tmp_path / "out")
    assert "<img" not in (out / "page.html").read_text()


# --- the command and its refusals -------------------------------------------------------------------------


def test_the_command_prints_a_table_or_json_alone(found, sharp, blurred):
    assert "sharp → blurred: Image to report" in done("compare", sharp, blurred).out
    assert json.loads(done("compare", sharp, blurred / "audit.json", "--json").out) == plain(found)


@pytest.mark.slow
def test_no_message_or_output_names_a_patient_or_a_pair(sharp, blurred, tmp_path):
    outcome = done("compare", sharp, blurred, "--json", "--out", tmp_path / "out")
    page = (tmp_path / "out" / "page.html").read_text()
    assert "pair-1" not in outcome.out + outcome.err + page


def bad_runs(case, folder, sharp):
    """Give the runs of one case that cannot be compared."""
    if case == "one run":
        return [sharp]
    if case == "no run":
        return [sharp, folder / "nowhere"]
    second = folder / f"bad {case}"
    if case == "distractors":
        leave_run(second, 2.0, distractors="other-patients")
    elif case == "candidates":
        leave_run(second, 2.0, pairs(range(120)), reports=120)
    elif case == "few shared":
        leave_run(second, 2.0, pairs(range(60)))
    elif case == "none shared":
        leave_run(second, 2.0, pairs().with_columns(pair_id=pl.col("pair_id") + "x"))
    elif case == "patients":
        leave_run(second, 2.0, pairs().with_columns(patient_id=pl.col("pair_id")))
    elif case == "pools":
        leave_run(second, 2.0, pool=(20,))
    elif case == "direction":
        leave_run(folder / "back", 0.8, direction="report-to-image")
        return [leave_run(second, 2.0), folder / "back"]
    else:
        leave_run(second, 2.0, direction="both")
        table = pl.read_parquet(second / "linkage.parquet")
        if case == "no table":
            (second / "linkage.parquet").unlink()
        elif case == "not a table":
            (second / "linkage.parquet").write_text("not parquet")
        elif case == "repeated":
            pl.concat([table, table[:1]]).write_parquet(second / "linkage.parquet")
    return [sharp, second]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("one run", "one run only; name two or more"),
        ("no run", "does not exist"),
        ("distractors", "has distractors all and .* has other-patients"),
        ("candidates", "searches 150 candidates and .* 120"),
        ("few shared", "shares 60 of its 150 image-to-report queries"),
        ("none shared", "shares 0 of its 150"),
        ("patients", "do not agree which queries are of one patient"),
        ("pools", "no row in common"),
        ("direction", "no direction in common"),
        ("no table", "does not exist"),
        ("not a table", "cannot be read as a linkage table"),
        ("repeated", "queries of the same pair_id"),
    ],
)
def test_what_cannot_be_paired_is_refused_in_one_sentence(case, message, sharp, folder, tmp_path):
    runs = bad_runs(case, folder, sharp)
    with pytest.raises(InputError, match=message):
        compare(*runs)
    out = tmp_path / "out"
    sentence = refused(tmp_path, "compare", *runs, "--out", out)
    assert "pair-" not in sentence
    assert not out.exists()


def test_a_folder_of_other_things_is_left_alone(sharp, blurred, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert "did not write" in refused(tmp_path, "compare", sharp, blurred, "--out", tmp_path)
