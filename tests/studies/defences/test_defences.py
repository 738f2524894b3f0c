"""A table of defences: hardened heads beside every control, on patients that trained none of them."""

import json
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest
import torch
from msgspec import structs

from calling import done, refused
from relinkage.defences import ControlSettings, DefencesResult
from relinkage.embeddings import read_embeddings
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings
from relinkage.linkage.estimates import Difference
from relinkage.privacy import HardenSettings, Public, harden
from relinkage.records import json_schema, plain, read_record
from relinkage.reports.defences import defences_table
from relinkage.studies import attacker_rows, draw_auxiliary
from relinkage.studies.defences import check_controls, run_controls, write_controls
from relinkage.studies.utility import benchmark
from utility.planted_labels import plant

SLOW_FIXTURES = ("result",)

SETTINGS = HardenSettings(epsilon=1.0, delta=1e-5, population=200, batch=40, steps=20)
CHOICES = ControlSettings(seeds=2, auxiliary_pairs=100, k=5, replicates=200)
QUICK = structs.replace(CHOICES, seeds=1, attacker=("cosine",))


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("defences")
    plant(folder / "emb", noise=0.3)
    plant(folder / "other", noise=0.3, seed=5)
    plant(folder / "towers", heads=False)
    return folder


@pytest.fixture(scope="module")
def hardened(desk):
    return harden(read_embeddings(desk / "emb"), "train", SETTINGS, desk / "heads")


@pytest.fixture(scope="module")
def result(desk, hardened):
    return run_controls(desk / "emb", hardened, SETTINGS, CHOICES, transfer=desk / "other")


def figures(result, key, cohort=0):
    return result.cohorts[cohort].figures[key]


def recall(found, attacker):
    return next(row for row in found.linkage if row.attacker == attacker).recall.value


def change(found, attacker):
    return next(row for row in found.linkage if row.attacker == attacker).relative


def test_the_result_holds_what_its_schema_asks_for(result):
    jsonschema.Draft202012Validator.check_schema(json_schema(DefencesResult))
    jsonschema.Draft202012Validator(json_schema(DefencesResult)).validate(plain(result))
    assert [row.key for row in result.rows] == [
        "published", "hardened", "without-noise", "label-anchored", "group-norm", "weight-noise",
        "dimension-cut", "early-stop", "rotation", "features",
    ]  # fmt: skip
    for cohort in result.cohorts:
        assert set(cohort.figures) == {row.key for row in result.rows if row.applies}


@pytest.mark.parametrize(("cohort", "folder"), [(0, "emb"), (1, "other")])
@pytest.mark.parametrize("key", ["published", "hardened"])
def test_figures_are_those_of_an_attack_and_of_a_utility_measurement(
    result, desk, hardened, cohort, folder, key
):
    """The same heads, here and carried over, through what `attack` and `utility` do."""
    heads = hardened.pair if key == "hardened" else read_embeddings(desk / "emb").heads
    whole = read_embeddings(desk / folder)
    tested = whole.split("test")
    drawn = draw_auxiliary(whole, tested, "train", 100, 0)
    found = figures(result, key, cohort)
    pool = result.cohorts[cohort].pool
    settings = AuditSettings(pool=(pool,), k=(1,), replicates=200)
    rows = attacker_rows(tested, drawn, heads, CHOICES.attacker, settings)
    for row in rows:
        mine = next(one for one in found.linkage if one.attacker == row.attacker)
        shown = mine.recall
        assert shown.value == pytest.approx(row.recall, rel=1e-9)
        assert (shown.low, shown.high) == pytest.approx((row.low, row.high))
        assert mine.chance == row.chance
    assert found.strongest == max(rows, key=lambda row: row.recall).attacker
    point = benchmark(desk / folder, CHOICES.usefulness).frontier(heads)
    assert found.auroc.measured.value == pytest.approx(point.macro_auroc)
    assert found.precision.measured.value == pytest.approx(point.precision)


def test_a_change_is_that_of_the_same_attacker_on_the_published_heads(result):
    published = figures(result, "published")
    for key in ("hardened", "without-noise", "weight-noise"):
        found = figures(result, key)
        for attacker in CHOICES.attacker:
            before, after = recall(published, attacker), recall(found, attacker)
            assert change(found, attacker).value == pytest.approx(after / before - 1)
        strongest = recall(found, found.strongest), recall(published, published.strongest)
        assert recall(found, "strongest") == strongest[0]
        assert change(found, "strongest").value == pytest.approx(strongest[0] / strongest[1] - 1)
    assert all(row.relative is None for row in published.linkage)


def test_a_rotation_hides_mates_from_the_cosine_alone(result):
    published, found = figures(result, "published"), figures(result, "rotation")
    chance = found.linkage[0].chance
    assert recall(published, "cosine") > 10 * chance
    assert recall(found, "cosine") < 5 * chance
    for attacker in ("procrustes", "cca"):
        assert recall(found, attacker) == pytest.approx(recall(published, attacker), rel=0.05)
    assert found.auroc.difference == Difference(value=0, low=0, high=0)
    assert found.precision.difference.high < -0.1


def test_a_matched_control_is_as_useful_as_the_hardened_heads(result):
    for row in result.rows:
        if row.matched is None:
            continue
        found = row.matched
        target = getattr(figures(result, "hardened"), found.measure).measured.value
        reached = getattr(figures(result, row.key), found.measure).measured.value
        assert found.target == pytest.approx(target)
        assert found.reached == pytest.approx(reached)
        assert found.held == (abs(reached - target) <= CHOICES.tolerance)
    matched = [row.key for row in result.rows if row.matched]
    assert matched == ["weight-noise", "dimension-cut", "early-stop"]


def test_seeds_have_their_deviation_and_the_first_is_shown(result):
    for key, seeds in {"published": 1, "hardened": 2, "without-noise": 2, "rotation": 2}.items():
        found = figures(result, key)
        assert found.seeds == len(found.points) == seeds
        assert found.points[0]["cca"] == recall(found, "cca")
        assert found.points[0]["auroc"] == pytest.approx(found.auroc.measured.value)
        for name, deviation in found.deviation.items():
            values = [point[name] for point in found.points]
            if seeds == 1 or None in values:
                assert deviation is None
            else:
                assert deviation == pytest.approx(np.std(values, ddof=1))
    assert figures(result, "hardened").deviation["precision"] > 0


def test_features_are_attacked_as_they_are_and_bring_no_retrieval(result):
    found = figures(result, "features")
    assert [row.attacker for row in found.linkage] == ["procrustes", "cca", "strongest"]
    assert found.precision is None


def test_the_table_says_what_each_row_is_and_what_epsilon_does_not_cover(result):
    table = defences_table(result)
    for words in (
        "differential privacy, proven",
        "Recall@1 in pools of",
        "Carried over to planted",
        "GroupNorm swap, untrained: Does not apply: these heads have no batch normalisation.",
        "The same training without DP already gives",
        "covers the hardened heads themselves, and not this table",
    ):
        assert words in table
    assert max(map(len, table.split("Note:")[0].splitlines())) < 200


def test_the_folder_is_written_whole_without_a_patient_in_it(result, tmp_path):
    page = write_controls(result, tmp_path / "out")
    assert sorted(file.name for file in page.parent.iterdir()) == ["defences.json", "report.html"]
    assert read_record(tmp_path / "out/defences.json", DefencesResult, "a table", "make it again") == result
    for file in page.parent.iterdir():
        assert "patient-" not in file.read_text()
    write_controls(result, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter").touch()
    with pytest.raises(InputError, match="holds files that relinkage did not write"):
        check_controls(tmp_path / "mine", tmp_path)


@pytest.mark.slow
def test_the_mechanism_without_steps_has_no_early_stop(desk, tmp_path):
    once = msgspec.structs.replace(SETTINGS, mechanism="one-shot", dimension=8)
    heads = harden(read_embeddings(desk / "emb"), "train", once, tmp_path / "heads")
    rows = {row.key: row for row in run_controls(desk / "emb", heads, once, QUICK).rows}
    assert not rows["early-stop"].applies
    assert "has no steps" in rows["early-stop"].note
    assert rows["label-anchored"].applies


@pytest.mark.slow
def test_towers_need_a_baseline_to_be_named(desk, tmp_path):
    towers = read_embeddings(desk / "towers")
    heads = harden(towers, "train", SETTINGS, tmp_path / "heads")
    with pytest.raises(InputError, match="name them with --against HEADS"):
        run_controls(desk / "towers", heads, SETTINGS, QUICK)
    published = desk / "emb/heads.safetensors"
    result = run_controls(desk / "towers", heads, SETTINGS, QUICK, against=published)
    jsonschema.Draft202012Validator(json_schema(DefencesResult)).validate(plain(result))


def test_what_trained_the_heads_is_no_test(desk, hardened):
    with pytest.raises(InputError, match="The split train is what controls are judged on"):
        run_controls(
            desk / "emb", hardened, SETTINGS, structs.replace(QUICK, split="train", auxiliary="test")
        )


def test_another_model_is_nothing_to_carry_over_to(desk, hardened, tmp_path):
    plant(tmp_path / "emb")
    manifest = json.loads((tmp_path / "emb/manifest.json").read_text())
    manifest["encoder"]["id"] = "another"
    (tmp_path / "emb/manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="embed the cohort to transfer to with the same model"):
        run_controls(desk / "emb", hardened, SETTINGS, QUICK, transfer=tmp_path / "emb", public=Public())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"attacker": ("cca",)}, "start with cosine"),
        (
            {"attacker": ("cosine", "magic")},
            "--attacker cosine,magic is not a valid attacker; give cosine, whiten",
        ),
        ({"pool": 1}, "--pool 1 is not a valid pool size; give a whole number from 2 up"),
        ({"seeds": 0}, "--seeds 0 is not a valid number of trainings"),
        ({"match": ("beauty",)}, "--match beauty is not a valid measure; give precision or auroc"),
        ({"tolerance": 0.0}, "--tolerance 0 is not a valid tolerance; give a number above 0 and below 1"),
        ({"split": "train"}, "--fit and --split are both train"),
    ],
)
def test_a_wrong_choice_is_one_sentence(wrong, message):
    with pytest.raises(InputError, match=message):
        ControlSettings(**wrong)


def test_nothing_is_left_in_the_folder_of_a_failed_run(desk, hardened):
    before = sorted(path.name for path in Path(desk).iterdir())
    with pytest.raises(InputError):
        run_controls(desk / "nowhere", hardened, SETTINGS, QUICK)
    assert sorted(path.name for path in Path(desk).iterdir()) == before


@pytest.mark.slow
def test_the_command_hardens_and_prints_the_table(desk, tmp_path):
    arguments = (
        "harden", desk / "emb", "--epsilon", "1", "--delta", "1e-5", "--population", "200", "--batch", "40",
        "--steps", "5", "--out", tmp_path / "heads", "--controls", tmp_path / "table",
    )  # fmt: skip
    outcome = done(*arguments)
    assert "Same training without DP" in outcome.out
    assert f"The report is in {tmp_path / 'table/report.html'}" in outcome.err
    assert (tmp_path / "heads/manifest.json").is_file()
    written = json.loads((tmp_path / "table/defences.json").read_text())
    assert written["settings"]["seeds"] == 3
    assert written["inputs"]["hardened"]["privacy"]["kind"] == "proven"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("emb", "--transfer", "other"), "--transfer goes with --controls"),
        (("emb", "--against", "heads"), "--against goes with --controls"),
        (("emb", "--controls", "letter"), "is a file; name a folder to write to"),
        (("towers", "--controls", "table"), "name them with --against HEADS"),
        (("emb", "--controls", "table", "--against", "nothing"), "does not exist"),
        (("emb", "--controls", "table", "--train", "test"), "train on another with --train"),
        (
            ("emb", "--controls", "table", "--transfer", "nowhere"),
            "nowhere does not exist; name a file or folder that does",
        ),
    ],
)
def test_a_wrong_request_is_one_sentence_before_anything_is_trained(desk, arguments, message):
    (desk / "letter").touch()
    paths = [
        desk / word if word.islower() and "-" not in word and word != "test" else word for word in arguments
    ]
    request = (
        "--epsilon",
        "1",
        "--delta",
        "1e-5",
        "--population",
        "200",
        "--batch",
        "40",
        "--out",
        desk / "new",
    )
    assert message in refused(desk, "harden", *paths, *request)
    assert not (desk / "new").exists()
