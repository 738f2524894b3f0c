"""`relinkage align --sweep`, as a person calls it: heads, table, schema, and requests that are wrong."""

import json

import jsonschema
import msgspec
import pytest
from msgspec.structs import asdict

from calling import done, refused
from relinkage.alignment import read_heads
from relinkage.alignment.sweep_result import SweepResult
from relinkage.pages.sweep import sweep_table
from relinkage.records import json_schema, read_record, write_record
from usefulness.planted_labels import plant

SLOW_FIXTURES = ("swept",)

QUICK = ("--steps", "60", "--dimension", "8", "--hidden", "16", "--batch", "64")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Lay out planted embeddings, with and without heads of their own."""
    folder = tmp_path_factory.mktemp("sweep")
    plant(folder / "emb", noise=1.5)
    plant(folder / "towers", heads=False)
    return folder


@pytest.fixture(scope="module")
def swept(desk):
    """Sweep two parts of the objective over two seeds."""
    call = ("align", desk / "emb", "--sweep", "supcon=0,1;clip=0,1", "--seeds", "2", "--out", desk / "out")
    return json.loads(done(*call, *QUICK, "--json").out)


def test_a_sweep_has_a_row_for_every_kind_of_heads_and_fits_its_schema(swept, desk):
    jsonschema.Draft202012Validator.check_schema(json_schema(SweepResult))
    jsonschema.Draft202012Validator(json_schema(SweepResult)).validate(swept)
    assert [row["title"] for row in swept["rows"]] == [
        "pretrained heads",
        "CLIP-style heads",
        "bce=1,supcon=0,clip=0, τ=0.07",
        "bce=1,supcon=0,clip=1, τ=0.07",
        "bce=1,supcon=1,clip=0, τ=0.07",
        "bce=1,supcon=1,clip=1, τ=0.07",
    ]
    assert swept == json.loads((desk / "out/sweep.json").read_text())


def test_the_smallest_sweep_is_a_whole_one(desk, tmp_path):
    line = ("align", desk / "towers", "--sweep", "clip=1", "--seeds", "1", "--out", tmp_path / "out")
    made = json.loads(done(*line, *QUICK, "--json").out)
    jsonschema.Draft202012Validator(json_schema(SweepResult)).validate(made)
    assert made["rows"][0]["title"] == "CLIP-style heads"
    assert [len(row["heads"]) for row in made["rows"]] == [1] * len(made["rows"])
    assert (tmp_path / "out" / made["rows"][0]["heads"][0]).is_dir()


def test_the_file_is_read_back_as_it_was_written(swept, desk, tmp_path):
    record = read_record(desk / "out/sweep.json", SweepResult, "a sweep", "sweep again")
    write_record(tmp_path / "sweep.json", record)
    assert (tmp_path / "sweep.json").read_bytes() == (desk / "out/sweep.json").read_bytes()


def test_every_training_leaves_its_heads(swept, desk):
    for row in swept["rows"][1:]:
        assert len(row["heads"]) == 2
        for seed, name in enumerate(row["heads"]):
            settings = read_heads(desk / "out" / name).manifest.settings
            assert asdict(settings.weights) == row["weights"]
            assert settings.seed == seed


def test_figures_are_what_they_are_called(swept):
    for row in swept["rows"]:
        values = {(f["direction"], f["measure"]): f for f in row["figures"]}
        assert len(values) == 2 * 6
        for figure in row["figures"]:
            assert figure["measured"]["low"] <= figure["measured"]["value"] <= figure["measured"]["high"]
            assert figure["patients"] <= swept["patients"] == 80
            assert (figure["seed_deviation"] is None) == (not row["heads"])
        for measure, gap in row["balance"].items():
            there, back = (
                values[side, measure]["measured"]["value"] for side in ("image-to-report", "report-to-image")
            )
            assert gap == pytest.approx(abs(there - back))


def test_differences_are_against_the_first_row(swept):
    first = {(f["direction"], f["measure"]): f["measured"]["value"] for f in swept["rows"][0]["figures"]}
    assert all(figure["difference"] is None for figure in swept["rows"][0]["figures"])
    for row in swept["rows"][1:]:
        for figure in row["figures"]:
            moved = figure["measured"]["value"] - first[figure["direction"], figure["measure"]]
            assert figure["difference"]["value"] == pytest.approx(moved)


def test_the_table_shows_every_kind_and_measure(swept):
    table = sweep_table(msgspec.convert(swept, SweepResult))
    assert all(row["title"][:30] in table for row in swept["rows"])
    assert "label precision@10" in table
    assert "normal/abnormal AUROC" in table


def test_a_model_without_heads_is_set_against_clip_style_ones_and_other_heads_may_stand_beside(desk, swept):
    made = json.loads(
        done(
            "align", desk / "towers", "--sweep", "clip=1", "--seeds", "1", "--out", desk / "two",
            "--beside", desk / "out" / swept["rows"][1]["heads"][0], *QUICK, "--json",
        ).out
    )  # fmt: skip
    assert made["rows"][0]["title"] == "CLIP-style heads"
    assert made["rows"][-1]["title"] == swept["rows"][1]["heads"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sweep", "lr=1"), "cannot be swept"),
        (("--sweep", "clip=1", "--split", "train"), "is the split that heads are judged on"),
        (("--sweep", "clip=1", "--seeds", "0"), "--seeds 0 is not a valid number of repetitions"),
        (
            ("--objective", "multi-task", "--weights", "clip"),
            "--weights clip is not a valid objective",
        ),
        (("--objective", "multi-task", "--weights", "mse=1"), "--weights mse=1 is not a valid objective"),
        (("--objective", "multi-task", "--weights", "clip=0"), "leaves nothing to train by"),
        (
            ("--objective", "multi-task", "--validation", "1"),
            "--validation 1 is not a valid share of",
        ),
    ],
)
def test_wrong_requests_get_one_sentence_and_leave_nothing(desk, tmp_path, arguments, said):
    assert said in refused(tmp_path, "align", desk / "emb", "--out", tmp_path / "out", *arguments)
    assert not (tmp_path / "out").exists()
