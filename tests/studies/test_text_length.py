"""A token budget through the command line, and the note of a comparison whose models saw unlike text."""

import re

import jsonschema
import numpy as np
import polars as pl
import pytest

from calling import audits_of, done, refused
from embeddings.manifests import sketched_card
from relinkage.embeddings import read_embeddings
from relinkage.linkage.result import AuditResult, Inputs
from relinkage.pages import read_audit
from relinkage.pages.sections import audited_facts
from relinkage.records import json_schema, plain
from relinkage.studies import compare
from relinkage.studies.text_length import text_length_notes

SLOW_FIXTURES = ("runs",)

BUDGET = 16
NOTE = "text length may pass for specialisation"


def made(budget=None, limit=None, truncated=0.0, **more):
    return Inputs(
        model=sketched_card(token_limit=limit), token_budget=budget, truncated_share=truncated, **more
    )


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([made(16), made(16)], None),
        (
            [made(16), made(32)],
            r"different token budgets \(16, 32\), so .*one --token-budget for all models\.$",
        ),
        ([made(16), made()], r"different token budgets \(16, none\)"),
        (
            [made(limit=77, truncated=0.25), made(limit=256)],
            r"limits \(77, 256\) and cut up to 25.0.% of the",
        ),
        ([made(limit=77, truncated=0.25), made()], r"token limits \(77, none\)"),
        ([made(limit=77), made(limit=256)], None),
        ([made(limit=77, truncated=0.25), made(limit=77, truncated=0.25)], None),
        ([made(64, 77), made(64, 256)], None),
        (
            [made(64, 77, 0.125), made(64, 256)],
            r"limits \(77, 256\) .* after the token budget of 64, so .*smaller --token-budget\.$",
        ),
        ([Inputs(), made(16)], None),
        ([Inputs(kind="arrays"), Inputs()], None),
    ],
)
def test_runs_of_unlike_text_are_noted(inputs, said):
    notes = text_length_notes(inputs)
    assert len(notes) == (said is not None)
    if said:
        assert re.search(said, notes[0])
        assert NOTE in notes[0]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two models on whole reports and on their first 16 tokens; a run folder each, and what was printed."""
    folder = tmp_path_factory.mktemp("budget")
    done("phantom", folder / "cohort", "--pairs", 60)
    printed = {}
    for model in ("general", "report"):
        for name, budget in ((model, ()), (f"{model}-cut", ("--token-budget", BUDGET))):
            emb, run = folder / f"emb-{name}", folder / name
            embed = done("embed", folder / "cohort", "--model", f"phantom:{model}", "--out", emb, *budget)
            audit = done("audit", emb, "--pool", "10,full", "--replicates", 100, "--linkage", "--out", run)
            printed[name] = embed.err + audit.err
    return folder, printed


def test_both_models_were_given_the_same_texts(runs):
    folder, _ = runs
    tables = [read_embeddings(folder / f"emb-{model}-cut") for model in ("general", "report")]
    assert tables[0].pairs.equals(tables[1].pairs)
    assert [embeddings.token_budget for embeddings in tables] == [BUDGET] * 2
    whole = read_embeddings(folder / "emb-report")
    for column in ("report_hash", "report_words"):
        assert whole.pairs[column].equals(tables[1].pairs[column])
    assert len(tables[1].text_features) < len(whole.text_features)


def test_the_audit_states_the_budget_and_both_shares(runs):
    folder, printed = runs
    for name in ("general", "general-cut"):
        audit = read_audit(folder / name)
        jsonschema.Draft202012Validator(json_schema(AuditResult)).validate(plain(audit))
        inputs, pairs = audit.inputs, pl.read_parquet(folder / f"emb-{name}/pairs.parquet")
        assert inputs.truncated_share == pairs["truncated"].mean()
        fact = next(fact.value for fact in audited_facts(audit) if fact.name == "Text limit")
        if name == "general":
            assert (inputs.token_budget, inputs.cut_share) == (None, None)
            assert fact.startswith("77\N{NO-BREAK SPACE}tokens; ")
            assert "cut at the budget" not in printed[name]
        else:
            assert (inputs.token_budget, inputs.cut_share) == (BUDGET, pairs["cut"].mean())
            assert inputs.cut_share > 0.5 > inputs.truncated_share
            assert re.fullmatch(
                r"a budget of 16.tokens \(words .*\); .*% of .* Then 77.tokens .*; 0.% .*", fact
            )
            assert re.search(
                r"\.\d% of the reports were cut at the budget of 16 tokens, then 0\.0%", printed[name]
            )


def test_the_audit_says_how_many_reports_became_equal(runs):
    folder, printed = runs
    pairs = pl.read_parquet(folder / "emb-report-cut/pairs.parquet")
    texts, reports = pairs["report_row"].n_unique(), pairs["report_hash"].n_unique()
    assert texts < reports
    assert f"leaves {texts} distinct texts of {reports} distinct reports" in printed["report-cut"]
    assert "distinct texts" not in printed["report"]


def test_a_comparison_notes_unlike_text_and_one_budget_settles_it(runs):
    folder, _ = runs
    for names, noted in (
        (("general", "report"), True),
        (("report", "report-cut"), True),
        (("general-cut", "report-cut"), False),
    ):
        notes = compare(*(folder / name for name in names)).result.notes
        assert any(NOTE in note for note in notes) == noted, names


@pytest.mark.parametrize("budget", ["0", "-2"])
def test_a_budget_without_a_token_is_refused(runs, budget):
    folder, _ = runs
    options = ("--model", "phantom:general", "--out", folder / "new", "--token-budget", budget)
    assert f"--token-budget {budget}" in refused(folder, "embed", folder / "cohort", *options)


def test_another_budget_does_not_go_on_in_the_same_folder(runs):
    folder, _ = runs
    options = ("--model", "phantom:general", "--out", folder / "emb-general-cut", "--token-budget", 17)
    sentence = refused(folder, "embed", folder / "cohort", *options)
    assert "belongs to another run (it differs in: settings)" in sentence


def test_plain_arrays_have_no_budget_that_is_known(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32))
    both = ("--images", tmp_path / "a.npy", "--reports", tmp_path / "a.npy")
    inputs = audits_of(done("audit", *both, "--replicates", 100, "--json").out).inputs
    assert (inputs.token_budget, inputs.cut_share, inputs.truncated_share) == (None, None, None)
