"""`relinkage retrieve`, as a person calls it: results, page, what stays hidden, requests that are wrong."""

import json
import re
import sys

import jsonschema
import msgspec
import numpy as np
import polars as pl
import pytest
import torch

from calling import done, refused
from embeddings.sketch_encoder import SketchEncoder
from relinkage.cohorts import read_cohort
from relinkage.embeddings import embed, read_embeddings
from relinkage.encoders import HeadPair, HeadSpec, load_encoder, save_heads
from relinkage.linkage.scores_and_ties import TIE
from relinkage.records import json_schema, json_text, read_record
from relinkage.retrieval import RetrievalResult
from usefulness.planted_labels import LABELS, plant

ROW = 7
SCHEMA = json_schema(RetrievalResult)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Lay out a small phantom cohort, its embeddings, heads that do not fit, and files that are no images."""
    from relinkage.cohorts.phantom import phantom_cohort

    folder = tmp_path_factory.mktemp("retrieving")
    cohort = phantom_cohort(folder / "cohort", pairs=120, seed=2)
    embed(cohort, load_encoder("phantom:report"), folder / "emb")
    embed(cohort, SketchEncoder(heads=False), folder / "towers")
    torch.manual_seed(0)
    save_heads(HeadPair(HeadSpec("linear", 7, 4), HeadSpec("linear", 5, 4)), folder / "other.safetensors")
    spec = HeadSpec("linear", 160, 4)
    save_heads(HeadPair(spec, spec), folder / "bare.safetensors")
    (folder / "words.png").write_text("no image")
    (folder / "letter").write_text("a file where a folder was meant")
    phantom_cohort(folder / "elsewhere", pairs=3, seed=9)
    return folder


@pytest.fixture(scope="module")
def embeddings(desk):
    return read_embeddings(desk / "emb")


@pytest.fixture(scope="module")
def cohort(desk):
    return read_cohort(desk / "cohort")


def retrieved(*arguments):
    """Retrieve, check against the published schema, and give the result."""
    result = json.loads(done("retrieve", *arguments, "--json").out)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    return result


def rows(result):
    return [found["row"] for found in result["results"]]


def unit(vectors):
    return vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)


def first_rows(embeddings):
    """Give the first row of every study, by study."""
    seen = {}
    for row, study in enumerate(embeddings.pairs["study_id"]):
        seen.setdefault(study, row)
    return seen


def test_a_row_finds_the_reports_that_brute_force_finds_and_its_mate_is_placed(desk, embeddings):
    result = retrieved(desk / "emb", "--query", ROW, "--top", "6")
    firsts = list(first_rows(embeddings).values())
    texts = unit(embeddings.text_embeddings[embeddings.pairs["report_row"].to_numpy()[firsts]])
    scores = texts @ unit(embeddings.image_embeddings[[ROW]])[0]
    order = sorted(range(len(firsts)), key=lambda place: (-round(scores[place], 11), firsts[place]))
    assert rows(result) == [firsts[place] for place in order[:6]]
    np.testing.assert_allclose([found["score"] for found in result["results"]], scores[order[:6]], atol=1e-12)
    mate = firsts.index(first_rows(embeddings)[embeddings.pairs["study_id"][ROW]])
    others = np.delete(scores, mate)
    assert result["mate"]["above"] == (others > scores[mate] + TIE).sum()
    assert result["mate"]["ties"] == (np.abs(others - scores[mate]) <= TIE).sum()
    assert result["mate"]["pool"] == result["gallery"]["candidates"] == len(firsts)


def test_labels_stand_with_every_result_and_what_is_shared_beside_chance(desk, embeddings):
    result = retrieved(desk / "emb", "--query", ROW, "--direction", "image-to-image", "--top", "9")

    def positive(row):
        return {label for label in embeddings.labels if embeddings.pairs[label][row] == 1}

    for found in result["results"]:
        assert set(found["labels"]) == positive(found["row"])
    shares = [bool(positive(ROW) & positive(row)) for row in rows(result)]
    assert result["labels_in_common"]["share"] == pytest.approx(np.mean(shares))
    everyone = [bool(positive(ROW) & positive(row)) for row in range(len(embeddings)) if row != ROW]
    assert result["labels_in_common"]["chance"] == pytest.approx(np.mean(everyone))


def test_where_templates_tie_what_is_shared_is_expected_over_their_orders(tmp_path):
    planted = plant(tmp_path / "emb", patients=60)
    pairs = planted.pairs
    template = np.random.default_rng(0).random(len(pairs)) < 0.7
    pairs = pairs.with_columns(
        report_row=pl.when(pl.Series(template)).then(0).otherwise("report_row").cast(pl.Int32)
    )
    pairs.write_parquet(tmp_path / "emb/pairs.parquet")

    def positive(row):
        return {label for label in LABELS if pairs[label][row] == 1}

    row = next(row for row in range(len(pairs)) if positive(row))
    firsts = pairs.with_row_index().unique("study_id", keep="first").sort("index")["index"].to_list()
    texts = unit(planted.text_embeddings[pairs["report_row"].to_numpy()[firsts]])
    scores = np.round(texts @ unit(planted.image_embeddings[[row]])[0], 10)
    alike = np.array([bool(positive(row) & positive(first)) for first in firsts])
    place = int((scores > scores[firsts.index(0)]).sum())  # the template's copies come after so many
    top = place + 3
    result = retrieved(tmp_path / "emb", "--query", row, "--top", top)
    tied = scores == scores[firsts.index(0)]
    wanted = (alike[scores > scores[firsts.index(0)]].sum() + 3 * alike[tied].mean()) / top
    assert result["labels_in_common"]["share"] == pytest.approx(wanted)
    assert result["ties_left"] == tied.sum() - 3 > 0
    templates = ("--query", int(np.flatnonzero(template)[0]), "--direction", "report-to-report")
    done("retrieve", tmp_path / "emb", *templates, "--top", "2", "--out", tmp_path / "out")
    said = f"{tied.sum() - 1} reports tie as the nearest, at a cosine of 1.0000."
    assert said in (tmp_path / "out/retrieval.html").read_text().replace("\N{NO-BREAK SPACE}", " ")


def test_an_image_file_finds_what_its_row_finds(desk, embeddings, cohort):
    image = cohort.image_paths()[ROW]
    for direction in ("image-to-report", "image-to-image"):
        asked = retrieved(desk / "emb", "--image", image, "--direction", direction, "--top", "5")
        if direction == "image-to-image":
            assert rows(asked)[0] == ROW
        else:
            assert rows(asked) == rows(retrieved(desk / "emb", "--query", ROW, "--top", "5"))
        nothing = dict.fromkeys(("row", "labels", "uncertain", "pair_id"))
        assert asked["query"] == {"by": "image", **nothing}
        assert asked["mate"] is asked["labels_in_common"] is None


def test_a_report_finds_what_its_row_finds(desk, cohort):
    way = ("--direction", "report-to-image", "--top", "5")
    asked = retrieved(desk / "emb", "--text", cohort.pairs["report"][ROW], *way)
    by_row = retrieved(desk / "emb", "--query", ROW, *way)
    assert rows(asked) == rows(by_row)
    np.testing.assert_allclose(
        [found["score"] for found in asked["results"]], [f["score"] for f in by_row["results"]], atol=1e-5
    )


def test_the_own_study_or_patient_can_be_left_out_and_never_the_query_finds_itself(desk, embeddings):
    patients, studies = embeddings.pairs["patient_id"], embeddings.pairs["study_id"]
    several = embeddings.pairs["study_id"].is_duplicated() & (
        pl.Series(
            [
                embeddings.pairs.filter(pl.col("patient_id") == name)["study_id"].n_unique() > 1
                for name in patients
            ]
        )
    )
    row = int(several.arg_true()[0])
    for exclude, column in (("study", studies), ("patient", patients)):
        result = retrieved(
            desk / "emb", "--query", row, "--direction", "image-to-image", "--exclude", exclude, "--top", "20"
        )
        assert column[row] not in column.gather(rows(result)).to_list()
        assert result["gallery"]["candidates"] == (column != column[row]).sum()
    free = retrieved(desk / "emb", "--query", row, "--direction", "image-to-image", "--top", "119")
    assert sorted([*rows(free), row]) == list(range(120))
    assert {found["kin"] for found in free["results"]} >= {"own study", None}
    reports = retrieved(
        desk / "emb", "--query", row, "--direction", "report-to-report", "--top", str(studies.n_unique() - 1)
    )
    assert studies[row] not in studies.gather(rows(reports)).to_list()


def test_a_split_can_be_searched_alone(desk, embeddings):
    result = retrieved(desk / "emb", "--query", "0", "--split", "test", "--top", "5")
    assert set(embeddings.pairs["split"].gather(rows(result))) == {"test"}


def test_without_the_cohort_nothing_shows_text_pixels_or_ids(desk, cohort, tmp_path):
    outcome = done("retrieve", desk / "emb", "--query", ROW, "--out", tmp_path / "out")
    page = (tmp_path / "out/retrieval.html").read_text()
    told = outcome.out + outcome.err + page + (tmp_path / "out/retrieval.json").read_text()
    assert not re.search(r"city-\d+-\d{6}", told)  # as the phantom's ids of pairs, studies and patients begin
    assert "<img" not in page
    assert not any(report in told for report in cohort.pairs["report"].unique())


def test_with_the_cohort_the_page_and_the_terminal_show_reports_and_the_files_for_machines_do_not(
    desk, cohort, tmp_path
):
    arguments = ("retrieve", desk / "emb", "--query", ROW, "--cohort", desk / "cohort", "--top", "4")
    outcome = done(*arguments, "--out", tmp_path / "out")
    result = json.loads((tmp_path / "out/retrieval.json").read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    read = read_record(tmp_path / "out/retrieval.json", RetrievalResult, "a search", "search again")
    assert json.loads(json_text(read)) == result
    page = (tmp_path / "out/retrieval.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 5
    assert "Keep it where the cohort is kept" in page
    told = " ".join(outcome.out.split())
    for found in result["results"]:
        report = cohort.pairs["report"][found["row"]]
        assert found["pair_id"] == cohort.pairs["pair_id"][found["row"]]
        assert " ".join(report.split()) in told
        assert " ".join(report.split())[:40] in " ".join(page.split())
        assert report[:40] not in json.dumps(result)
        assert report[:40] not in outcome.err
    assert json.loads(done(*arguments, "--json").out) == result


def test_a_page_shows_that_an_image_cannot_be_read(desk, cohort, tmp_path):
    (tmp_path / "bare").mkdir()
    cohort.pairs.write_csv(tmp_path / "bare/cohort.csv")
    done(
        "retrieve", desk / "emb", "--query", ROW, "--cohort", tmp_path / "bare", "--top", "2",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert (tmp_path / "out/retrieval.html").read_text().count("cannot be read") == 3


def test_a_report_that_looks_like_html_is_shown_as_text(desk):
    from relinkage.pages.retrieval import Illustration, render_retrieval

    result = retrieved(desk / "emb", "--query", ROW, "--top", "1")
    page = render_retrieval(
        msgspec.convert(result, RetrievalResult), [Illustration("<script>alert(1)</script>", None)]
    )
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_an_index_says_what_share_of_the_exact_result_it_finds(desk):
    pytest.importorskip("faiss")
    arguments = (desk / "emb", "--query", ROW, "--top", "5", "--index", "faiss")
    result = retrieved(*arguments)
    index = result["index"]
    assert 0.5 < index["low"] <= index["recall"] <= index["high"] <= 1
    assert index["chance"] == pytest.approx(5 / result["gallery"]["candidates"])
    assert index["patients"] <= index["queries"] <= 120
    assert re.search(r"recall@5 against the exact search is .* over \d+", done("retrieve", *arguments).out)
    assert retrieved(*arguments) == result


def test_heads_of_unknown_training_are_noted(desk):
    outcome = done("retrieve", desk / "emb", "--query", ROW, "--heads", desk / "bare.safetensors")
    assert outcome.err.startswith("Note: What trained the heads is not known")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("emb", "The request has none of --image, --text and --query; give exactly one"),
        ("emb --query 1 --text effusion", "more than one of --image, --text and --query"),
        ("emb --query 120", "--query 120 is not a row of emb, which has 120 pairs; give a row from 0 to 119"),
        ("emb --query -1", "--query -1 is not a valid row; give a whole number from 0 up"),
        ("emb --query 1 --top 500", "--top 500 is more than the "),
        ("emb --query 1 --top 0", "--top 0 is not a valid number of results; give a whole number from 1 up"),
        ("emb --query 1 --split holdout", "emb has no pair in the split holdout"),
        ("emb --query 1 --heads other.safetensors", "7 and 5 dimensions"),
        ("emb --query 1 --heads missing", "--heads missing does not exist"),
        ("emb --query 1 --cohort elsewhere", "--cohort elsewhere is not the cohort that emb was made from"),
        ("emb --query 1 --out letter", "letter is a file; name a folder"),
        ("emb --query 1 --out cohort", "cohort holds files that relinkage did not write"),
        ("towers --query 1", "towers that share no space; train heads first"),
        ("missing --query 1", "EMB missing does not exist"),
        ("emb --image missing.png", "--image missing.png does not exist"),
        (
            "emb --image words.png",
            "--image words.png cannot be used, as the file is not a PNG, JPEG or DICOM",
        ),
        (
            "emb --image words.png --direction report-to-image",
            "--image cannot ask in the direction report-to",
        ),
        ("emb --text x --direction image-to-report", "--text cannot ask in the direction image-to-report"),
        ("emb --text x --exclude study", "--exclude needs --query"),
        ("emb --text x --model phantom:label", "--model phantom:label is not the model that made emb"),
        ("emb --query one", "--query one is not a valid row"),
    ],
)
def test_requests_that_are_wrong_are_refused_in_one_sentence(desk, monkeypatch, line, says):
    monkeypatch.chdir(desk)
    assert says in refused(desk, "retrieve", *line.split())


def test_a_text_longer_than_the_encoder_reads_is_noted(desk):
    outcome = done("retrieve", desk / "emb", "--text", "small effusion and edema " * 60)
    assert outcome.err == (
        "Note: The text is longer than what the encoder reads of a report; its end was not looked at.\n"
    )


def test_without_faiss_an_indexed_search_says_what_to_install(desk, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert "relinkage[index]" in refused(desk, "retrieve", desk / "emb", "--query", "1", "--index", "faiss")


def test_an_empty_text_is_refused(desk):
    assert "--text is empty" in refused(desk, "retrieve", desk / "emb", "--text", " \t")


def test_an_encoder_that_cannot_be_had_is_told_with_what_can_be_done(desk, tmp_path):
    pair = load_encoder("phantom:report").heads
    manifest = json.loads((desk / "emb/manifest.json").read_text())
    assert pair is not None
    for model, says in (("towers:x+tfidf", "fitted on the cohort's reports"), ("clip:gone", "--model")):
        folder = tmp_path / model.partition(":")[0]
        folder.mkdir()
        for file in (desk / "emb").iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        changed = {**manifest, "encoder": {**manifest["encoder"], "id": model}}
        (folder / "manifest.json").write_text(json.dumps(changed))
        told = refused(folder, "retrieve", folder, "--text", "effusion")
        assert says in told
        assert "with --query" in told
