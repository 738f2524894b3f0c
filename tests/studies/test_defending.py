"""A table of defences: hardened heads beside every baseline, on patients that trained none of them."""

import json
import math
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest
import torch
from msgspec import structs

from calling import done, refused
from relinkage.alignment import read_heads
from relinkage.attackers import load_attacker
from relinkage.defences import Defence, DefencesResult, DefendSettings
from relinkage.embeddings import read_embeddings
from relinkage.errors import InputError
from relinkage.linkage.estimates import Difference
from relinkage.pages.defences_table import defences_table
from relinkage.privacy import HardenSettings, harden
from relinkage.records import json_schema, plain, read_record
from relinkage.studies import defend, draw_auxiliary, write_defences
from relinkage.studies.auxiliary import attacked_sides, known_pairs
from relinkage.studies.judging_use import benchmark
from relinkage.usefulness.benchmark import DIRECTIONS
from usefulness.planted_labels import LABELS, plant

SLOW_FIXTURES = ("result",)

SETTINGS = HardenSettings(epsilon=1.0, delta=1e-5, population=200, batch=40, steps=20)
CHOICES = DefendSettings(seeds=2, auxiliary_pairs=100, k=5, replicates=200, pool=(50, 5))
QUICK = structs.replace(CHOICES, seeds=1, attackers=("cosine",))


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
    return defend(desk / "emb", heads=hardened, settings=CHOICES, at=[desk / "other"])


def figures(result, key, cohort=0):
    return result.cohorts[cohort].figures[key]


def link(found, attacker, search=0):
    """Give a row of linkage: of the largest pool, or of another search by its place."""
    return [row for row in found.linkage if row.attacker == attacker][search]


def recall(found, attacker):
    return link(found, attacker).recall.value


def use(found, measure, direction=None):
    return next(row for row in found.use if (row.measure, row.direction) == (measure, direction))


def test_the_result_holds_what_its_schema_asks_for(result):
    jsonschema.Draft202012Validator.check_schema(json_schema(DefencesResult))
    jsonschema.Draft202012Validator(json_schema(DefencesResult)).validate(plain(result))
    assert [row.key for row in result.rows] == [
        "published", "hardened", "without-noise", "label-anchored", "group-norm", "weight-noise",
        "dimension-cut", "early-stop", "k-same", "sign-bits", "vector-noise", "vector-noise-averaged",
        "rotation", "random-image-head", "features",
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
    searches = result.cohorts[cohort].searches
    assert [(one.direction, one.negatives, one.pool) for one in searches] == [
        ("image-to-report", "all", 50),
        ("image-to-report", "all", 5),
        ("image-to-report", "labels", 5),
        ("report-to-image", "all", 50),
    ]
    for name in CHOICES.attackers:
        attacker = load_attacker(name, 0)
        known = known_pairs(drawn, heads)
        images, texts = attacker.fit(known if attacker.needs_pairs else None).transform(
            *attacked_sides(tested, heads, "embeddings")
        )
        for place, search in enumerate(searches):
            hits = counted_one_by_one(images, texts, tested.pairs, search)
            mine = link(found, name, place)
            assert mine.recall.value == pytest.approx(np.mean(hits), rel=1e-9)
            assert (mine.chance, mine.queries) == (1 / search.pool, len(hits))
    for place in range(len(searches)):
        best = max(CHOICES.attackers, key=lambda name: link(found, name, place).recall.value)
        assert link(found, "strongest", place).by == best
    measured = benchmark(read_embeddings(desk / folder), CHOICES.usefulness).retrieve(heads)
    for direction in ("image-to-report", "report-to-image"):
        mine = use(found, "precision", direction)
        assert mine.measured.value == pytest.approx(np.nanmean(measured[direction][:, 0]))
        assert mine.queries == int((~np.isnan(measured[direction][:, 0])).sum())
    point = benchmark(read_embeddings(desk / folder), CHOICES.usefulness).frontier(heads)
    assert use(found, "auroc").measured.value == pytest.approx(point.macro_auroc)


def counted_one_by_one(images, texts, pairs, search):
    """Give every query's chance to be ranked first, from its cosines and from nothing of the package."""
    images, texts = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (images, texts))
    study, row = pairs["study_id"].to_list(), pairs["report_row"].to_list()
    patient = pairs["patient_id"].to_list()
    labels = [str(values) for values in pairs.select(LABELS).rows()]
    first = [place for place, one in enumerate(study) if study.index(one) == place]
    hits = []
    for place, one in enumerate(study):
        if search.direction == "image-to-report":
            mate = images[place] @ texts[row[place]]
            others = [at for at in first if study[at] != one]
            scores = {at: images[place] @ texts[row[at]] for at in others}
        else:
            mate = texts[row[place]] @ images[place]
            others = [at for at in range(len(study)) if study[at] != one]
            scores = {at: texts[row[place]] @ images[at] for at in others}
        if search.negatives == "labels":
            alike = [at for at in scores if labels[at] == labels[place] and patient[at] != patient[place]]
            scores = {at: scores[at] for at in alike}
        below = sum(score < mate for score in scores.values())
        if len(scores) >= search.pool - 1:
            hits.append(math.comb(below, search.pool - 1) / math.comb(len(scores), search.pool - 1))
    return hits


def test_a_change_is_that_of_the_same_attacker_on_the_published_heads(result):
    published = figures(result, "published")
    for key in ("hardened", "without-noise", "weight-noise"):
        found = figures(result, key)
        for place in range(len(result.cohorts[0].searches)):
            for attacker in (*CHOICES.attackers, "strongest"):
                before, after = (link(one, attacker, place) for one in (published, found))
                assert after.relative.value == pytest.approx(after.recall.value / before.recall.value - 1)
            strongest = link(found, "strongest", place)
            assert strongest.recall.value == link(found, strongest.by, place).recall.value
            assert strongest.recall.value == max(
                link(found, attacker, place).recall.value for attacker in CHOICES.attackers
            )
    assert all(row.relative is None for row in published.linkage)


def test_a_rotation_hides_mates_from_the_cosine_alone(result):
    published, found = figures(result, "published"), figures(result, "rotation")
    chance = found.linkage[0].chance
    assert recall(published, "cosine") > 10 * chance
    assert recall(found, "cosine") < 5 * chance
    for attacker in ("procrustes", "cca"):
        assert recall(found, attacker) == pytest.approx(recall(published, attacker), rel=0.05)
    assert use(found, "auroc").difference == Difference(value=0, low=0, high=0)
    for direction in ("image-to-report", "report-to-image"):
        row = use(found, "precision", direction)
        assert max(row.trainings) < row.baseline.value - 0.1


def test_a_random_image_head_passes_the_probe_and_finds_no_similar_case(result):
    published, found = figures(result, "published"), figures(result, "random-image-head")
    lost = use(published, "auroc").measured.value - use(found, "auroc").measured.value
    assert abs(lost) < 0.01
    for direction in ("image-to-report", "report-to-image"):
        row = use(found, "precision", direction)
        assert row.measured.value - row.chance < 0.5 * (row.baseline.value - row.chance)


def test_a_matched_control_is_as_useful_as_the_hardened_heads(result):
    for row in result.rows:
        if row.matched is None:
            continue
        found = row.matched
        sides = {}
        for name, key in (("target", "hardened"), ("reached", row.key)):
            rows = [use(figures(result, key), "precision", side) for side in DIRECTIONS]
            sides[name] = [one.measured.value for one in rows]
            stated = getattr(found, name)
            assert [stated.image_to_report, stated.report_to_image] == pytest.approx(sides[name])
        apart = np.subtract(sides["reached"], sides["target"])
        chosen = {"both": apart.min(), "image-to-report": apart[0], "report-to-image": apart[1]}
        assert found.held == (abs(chosen[found.measure]) <= CHOICES.tolerance)
    matched = [row.key for row in result.rows if row.matched]
    assert matched == [
        "weight-noise", "dimension-cut", "early-stop", "k-same", "sign-bits", "vector-noise",
    ]  # fmt: skip


def test_every_training_has_its_figure_and_the_first_is_shown(result):
    for key, seeds in {"published": 1, "hardened": 2, "without-noise": 2, "rotation": 2}.items():
        found = figures(result, key)
        for row in found.linkage:
            assert len(row.trainings) == seeds
            assert row.trainings[0] == pytest.approx(row.recall.value)
        for row in found.use:
            assert len(row.trainings) == seeds
            assert row.trainings[0] == pytest.approx(row.measured.value)


def test_an_interval_of_trainings_that_differ_holds_them_all(result):
    """It is made for one more training, so it holds those that it was made of."""
    for key in ("hardened", "without-noise"):
        found = figures(result, key)
        assert len(set(use(found, "precision", "image-to-report").trainings)) == 2
        for row in found.linkage:
            assert all(row.recall.low <= one <= row.recall.high for one in row.trainings)
        for row in found.use:
            assert all(row.measured.low <= one <= row.measured.high for one in row.trainings)
            apart = [one - row.baseline.value for one in row.trainings]
            assert all(row.difference.low <= one <= row.difference.high for one in apart)


def test_features_are_attacked_as_they_are_and_bring_no_retrieval(result):
    found = figures(result, "features")
    assert [row.attacker for row in found.linkage[:3]] == ["procrustes", "cca", "strongest"]
    assert [row.measure for row in found.use] == ["auroc"]


def test_the_table_says_what_each_row_is_and_what_epsilon_does_not_cover(result):
    table = defences_table(result)
    for words in (
        "differential privacy, proven",
        "Image to report, among 5 reports with the same labels",
        "Label precision of report to image",
        "The split train has fewer than 5,000 patients",
        "Carried over to planted",
        "GroupNorm swap, untrained: Does not apply: these heads have no batch normalisation.",
        "The same training without DP already gives",
        "covers the hardened heads themselves, and not this table",
    ):
        assert words in " ".join(table.split())
    stated, *lines = table.split("Note:")[0].splitlines()
    assert "differential privacy" in stated  # a sentence, which a terminal wraps
    assert max(map(len, lines)) < 200


def test_the_folder_is_written_whole_without_a_patient_in_it(desk, result, tmp_path):
    page = write_defences(result, tmp_path / "out")
    assert sorted(file.name for file in page.parent.iterdir()) == ["defences.json", "page.html"]
    assert read_record(tmp_path / "out/defences.json", DefencesResult, "a table", "make it again") == result
    for file in page.parent.iterdir():
        assert "patient-" not in file.read_text()
    write_defences(result, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter").touch()
    with pytest.raises(InputError, match="holds files that relinkage did not write"):
        write_defences(result, tmp_path / "mine")


@pytest.mark.slow
def test_the_mechanism_without_steps_has_no_early_stop(desk, tmp_path):
    once = msgspec.structs.replace(SETTINGS, mechanism="one-shot", dimension=8)
    heads = harden(read_embeddings(desk / "emb"), "train", once, tmp_path / "heads")
    rows = {row.key: row for row in defend(desk / "emb", heads=heads, settings=QUICK).rows}
    assert not rows["early-stop"].applies
    assert "has no steps" in rows["early-stop"].note
    assert rows["label-anchored"].applies


@pytest.mark.slow
def test_towers_need_a_baseline_to_be_named(desk, tmp_path):
    towers = read_embeddings(desk / "towers")
    heads = harden(towers, "train", SETTINGS, tmp_path / "heads")
    with pytest.raises(InputError, match="name them with against=HEADS"):
        defend(desk / "towers", heads=heads, settings=QUICK)
    published = read_heads(desk / "emb/heads.safetensors")
    result = defend(desk / "towers", heads=heads, settings=QUICK, against=published)
    jsonschema.Draft202012Validator(json_schema(DefencesResult)).validate(plain(result))


def test_what_trained_the_heads_is_no_test(desk, hardened):
    with pytest.raises(InputError, match="The split train trained the heads"):
        defend(desk / "emb", heads=hardened, settings=structs.replace(QUICK, split="train", auxiliary="test"))


def test_another_model_is_nothing_to_carry_over_to(desk, hardened, tmp_path):
    plant(tmp_path / "emb")
    manifest = json.loads((tmp_path / "emb/manifest.json").read_text())
    manifest["encoder"]["id"] = "another"
    (tmp_path / "emb/manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="embed the cohort that at names with the same model"):
        defend(desk / "emb", heads=hardened, settings=QUICK, at=[tmp_path / "emb"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"attackers": ("cca",)}, "start with cosine"),
        (
            {"attackers": ("cosine", "magic")},
            "attackers cosine,magic is not a valid attacker; give cosine, centre",
        ),
        ({"pool": (1,)}, "pool 1 is not a valid pool size; give whole numbers from 2 up"),
        ({"seeds": 0}, "seeds 0 is not a valid number of trainings"),
        (
            {"match": ("beauty",)},
            "match beauty is not a valid direction; give both, image-to-report or report-to-image",
        ),
        ({"tolerance": 0.0}, "tolerance 0 is not a valid tolerance; give a number above 0 and below 1"),
        ({"split": "train"}, "fit and split are both train"),
    ],
)
def test_a_wrong_choice_is_one_sentence(wrong, message):
    with pytest.raises(InputError, match=message):
        DefendSettings(**wrong)


def test_nothing_is_left_in_the_folder_of_a_failed_run(desk, hardened):
    before = sorted(path.name for path in Path(desk).iterdir())
    with pytest.raises(InputError):
        defend(desk / "nowhere", heads=hardened, settings=QUICK)
    assert sorted(path.name for path in Path(desk).iterdir()) == before


@pytest.mark.slow
def test_the_command_prints_the_table_and_says_where_the_page_is(desk, hardened, tmp_path):
    outcome = done(
        "defend", desk / "emb", "--heads", desk / "heads", "--seeds", "1", "--out", tmp_path / "table",
        "--attackers", "cosine,cca", "--replicates", "200",
    )  # fmt: skip
    assert "Same training without DP" in outcome.out
    assert f"The page is in {tmp_path / 'table/page.html'}" in outcome.err
    written = json.loads((tmp_path / "table/defences.json").read_text())
    assert written["settings"]["seeds"] == 1
    assert written["inputs"]["hardened"]["privacy"]["kind"] == "proven"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("emb", "--heads", "emb/heads.safetensors"),
            "was not hardened; name a folder that",
        ),
        (("emb", "--heads", "nowhere"), "nowhere does not exist"),
        (("emb", "--heads", "heads", "--out", "letter"), "is a file; name a folder to write to"),
        (("towers", "--heads", "heads"), "name them with --against HEADS"),
        (("emb", "--heads", "heads", "--against", "nothing"), "does not exist"),
        (("emb", "--heads", "heads", "--split", "train", "--auxiliary", "test"), "train trained the heads"),
        (("emb", "--heads", "heads", "--public", "other"), "was hardened without --public"),
        (
            ("emb", "--heads", "heads", "--at", "nowhere"),
            "nowhere does not exist; name a file",
        ),
    ],
)
def test_a_wrong_request_is_one_sentence_before_anything_is_trained(
    desk, hardened, arguments, message, monkeypatch
):
    monkeypatch.chdir(desk)
    (desk / "letter").touch()
    out = () if "--out" in arguments else ("--out", "new")
    assert message in refused(desk, "defend", *arguments, *out)
    assert not (desk / "new").exists()


def test_a_defence_of_ones_own_stands_in_the_table(desk, hardened):
    class Blind(Defence):
        """Nothing is released but a constant."""

        title = "One vector for all"

        def transform(self, images, patient):
            return np.ones_like(images)

    table = defend(desk / "emb", heads=hardened, settings=QUICK, defences=[Blind()])
    row = next(row for row in table.rows if row.key == "blind")
    assert (row.title, row.applies) == ("One vector for all", True)
    blind = figures(table, "blind")
    for found in blind.linkage:  # constant images tie for a report; reports are in one order for all images
        assert found.recall.value == pytest.approx(found.chance, abs=0.02)
    assert blind.use_held is False


def test_use_is_held_by_both_directions_and_never_by_a_probe(result):
    assert figures(result, "published").use_held is None
    assert figures(result, "features").use_held is None
    assert figures(result, "random-image-head").use_held is False
    assert figures(result, "rotation").use_held is False
    for key in ("hardened", "k-same", "vector-noise"):
        random = figures(result, "random-image-head")
        held = [
            row.difference.low >= -0.02
            and row.measured.value > use(random, row.measure, row.direction).measured.high
            for row in figures(result, key).use
            if row.measure != "auroc"
        ]
        assert len(held) == 2
        assert figures(result, key).use_held == all(held)


def test_averaging_releases_finds_more_than_one_release(result):
    one, ten = (figures(result, key) for key in ("vector-noise", "vector-noise-averaged"))
    assert recall(ten, "cosine") >= recall(one, "cosine")
