"""The benchmark as a whole: planted labels are found, and a turned side costs cross-modal use."""

import numpy as np
import pytest
from planted_labels import LABELS, PlantedEncoder, plant, result_of, rotation, turned

from relinkage.encoders import TextFeatures
from relinkage.errors import InputError
from relinkage.linkage.estimates import Difference
from relinkage.usefulness import Benchmark, Prompt, UtilitySettings

QUICK = UtilitySettings(k=5, replicates=200)


@pytest.fixture(scope="module")
def emb(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("utility") / "emb")


@pytest.fixture(scope="module")
def benchmark(emb):
    return Benchmark.prepare(emb, QUICK, PlantedEncoder())


def test_labels_with_too_few_patients_are_left_out_and_counted(benchmark):
    assert benchmark.labels == ["Edema", "Fracture", "No Finding"]
    rare = benchmark.uses[-1]
    assert (rare.label, rare.fit_positive, rare.test_positive, rare.kept) == ("Rare", 2, 1, False)


def test_probes_are_fitted_and_tested_on_different_patients(benchmark):
    fit, test = (set(part.pairs["patient_id"]) for part in (benchmark.fit, benchmark.test))
    assert not fit & test
    aside = set(benchmark.fit.pairs["patient_id"].to_numpy()[benchmark.aside])
    assert not aside & set(benchmark.fit.pairs["patient_id"].to_numpy()[~benchmark.aside])
    assert 10 < len(aside) < 25


def test_patients_on_both_sides_are_left_out_of_the_fit_with_a_note(tmp_path):
    made = Benchmark.prepare(plant(tmp_path / "emb", overlap=8), QUICK)
    assert not set(made.fit.pairs["patient_id"]) & set(made.test.pairs["patient_id"])
    assert "of patients who are tested too and were left out" in made.notes[0]


def test_prompts_that_the_text_tower_cut_are_counted_in_a_note(emb, benchmark):
    class Short(PlantedEncoder):
        def encode_texts(self, texts):
            made = super().encode_texts(texts)
            return TextFeatures(made.features, np.array([len(text) > 60 for text in texts]))

    said = [text for prompt in benchmark.said.values() for text in (*prompt.positive, *prompt.negative)]
    long = sum(len(text) > 60 for text in said)
    assert 0 < long < len(said)
    notes = Benchmark.prepare(emb, QUICK, Short()).notes
    assert f"{long} of {len(said)} prompts for zero-shot labels are longer" in notes[-1]
    assert not any("prompts" in note for note in benchmark.notes)


def test_what_was_planted_is_found_by_probe_retrieval_and_prompts(benchmark):
    result = result_of(benchmark, benchmark.measure(), None)
    for row in result.probe:
        assert row.measured.low > 0.7
    assert result.zero_shot[0].label == "macro"
    assert result.zero_shot[0].measured.low > 0.7
    for row in result.retrieval:
        assert row.measured.low > row.chance + 0.05
        assert row.patients > 60


def test_a_reports_row_is_its_studys_and_no_query_finds_its_own(benchmark):
    study = benchmark.test.pairs["study_id"].to_numpy()
    assert (study[benchmark.reports.row][benchmark.mate] == study).all()
    assert len(benchmark.reports) == len(np.unique(study))
    _, size = np.unique(study, return_counts=True)
    images = len(study) - benchmark.prospects["report-to-image"].eligible
    assert sorted(images) == sorted(size)
    assert (benchmark.prospects["image-to-report"].eligible == len(size) - 1).all()


def test_retrieval_of_an_image_equals_a_sort_of_the_folders_own_tables(benchmark):
    pairs, found = benchmark.test.pairs, benchmark.measure().retrieval["image-to-report"]
    sets = [{label for label in LABELS if row[label] == 1} for row in pairs.iter_rows(named=True)]
    study = pairs["study_id"].to_list()
    reports = [study.index(name) for name in dict.fromkeys(study)]
    texts = benchmark.test.text_embeddings[pairs["report_row"].to_numpy()].astype(float)
    for image in range(0, len(pairs), 17):
        others = [row for row in reports if study[row] != study[image]]
        others.sort(key=lambda row: -texts[row] @ benchmark.test.image_embeddings[image].astype(float))
        worth = [len(sets[image] & sets[row]) / max(len(sets[image] | sets[row]), 1) for row in others]
        if not any(worth):
            assert np.isnan(found[image]).all()
            continue
        hits, discount = np.array(worth) > 0, 1 / np.log2(np.arange(2, 7))
        ndcg = (worth[:5] @ discount) / (sorted(worth, reverse=True)[:5] @ discount)
        average = (np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean()
        same = np.mean([sets[row] == sets[image] for row in others[:5]])
        assert found[image] == pytest.approx([hits[:5].mean(), same, ndcg, average])


def test_a_patients_other_studies_can_be_excluded(emb):
    made = Benchmark.prepare(emb, UtilitySettings(k=5, exclude="patient"))
    patient = made.test.pairs["patient_id"].to_numpy()
    of_patient = [len({*made.test.pairs["study_id"].to_numpy()[patient == name]}) for name in patient]
    eligible = made.prospects["image-to-report"].eligible
    assert eligible.tolist() == [len(made.reports) - studies for studies in of_patient]


def test_turning_the_reports_leaves_every_probe_as_it_was_and_ruins_cross_modal_use(benchmark):
    """Why a probe alone is no measure of use: a random rotation of one side passes it unseen."""
    result = result_of(benchmark, benchmark.measure(turned(rotation())), benchmark.measure())
    for row in result.probe:
        if row.on == "embeddings":
            assert row.difference == Difference(value=0, low=0, high=0)
    macro = result.zero_shot[0]
    assert macro.label == "macro"
    assert macro.difference.high < -0.1
    for row in result.retrieval:
        if row.measure == "precision":
            assert row.difference.high < -0.1
    assert result.geometry.measured.alignment > result.geometry.baseline.alignment + 0.3


def test_the_quick_point_equals_the_full_measurement(benchmark):
    for heads in (None, turned(rotation())):
        result, point = result_of(benchmark, benchmark.measure(heads), None), benchmark.frontier(heads)
        assert point.macro_auroc == pytest.approx(result.probe[0].measured.value)
        found = [row for row in result.retrieval if row.measure == "precision"]
        assert [row.direction for row in found] == ["image-to-report", "report-to-image"]
        for value, row in zip((point.image_to_report, point.report_to_image), found, strict=True):
            assert value == pytest.approx(row.measured.value)
        assert point.zero_shot == pytest.approx(result.zero_shot[0].measured.value)


def test_heads_that_change_nothing_equal_the_models_own(benchmark):
    one, other = benchmark.frontier(None), benchmark.frontier(turned(np.eye(12)))
    assert one.macro_auroc == pytest.approx(other.macro_auroc, abs=1e-6)
    assert one.image_to_report == pytest.approx(other.image_to_report, abs=1e-6)
    assert one.report_to_image == pytest.approx(other.report_to_image, abs=1e-6)


def test_without_a_text_tower_there_are_no_zero_shot_figures(emb):
    made = Benchmark.prepare(emb, QUICK)
    assert made.frontier().zero_shot is None
    result = result_of(made, made.measure(), None)
    assert result.zero_shot == ()
    assert result.prompts == {}


def test_prompts_can_be_replaced_label_by_label(emb, benchmark):
    swapped = Prompt(positive=benchmark.said["Edema"].negative, negative=benchmark.said["Edema"].positive)
    made = Benchmark.prepare(emb, QUICK, PlantedEncoder(), {"Edema": swapped})
    before, after = (
        {row.label: row.measured.value for row in result_of(b, b.measure(), None).zero_shot}
        for b in (benchmark, made)
    )
    assert after["Edema"] == pytest.approx(1 - before["Edema"])
    assert after["Fracture"] == before["Fracture"]
    with pytest.raises(InputError, match="'Oedema', which is not a label"):
        Benchmark.prepare(emb, QUICK, PlantedEncoder(), {"Oedema": swapped})


def test_towers_without_heads_have_features_to_probe_only(tmp_path):
    made = Benchmark.prepare(plant(tmp_path / "emb", heads=False), QUICK, PlantedEncoder())
    with pytest.raises(InputError, match="share no space; train heads first"):
        made.measure()
    result = result_of(made, None, None)
    assert {row.on for row in result.probe} == {"features"}
    assert result.retrieval == ()
    assert result.geometry is None
    assert made.measure(turned(np.eye(12))).zero_shot_scores is not None


def test_uncertain_labels_count_as_asked(emb):
    counts = {}
    for uncertain in ("left-out", "positive", "negative"):
        made = Benchmark.prepare(emb, UtilitySettings(k=5, uncertain=uncertain))
        counts[uncertain] = [(made.test_truth == value).sum() for value in (1, 0, -1)]
    assert counts["left-out"][2] > 0
    assert counts["positive"][2] == counts["negative"][2] == 0
    assert counts["positive"][0] == counts["left-out"][0] + counts["left-out"][2]
    assert counts["negative"][1] == counts["left-out"][1] + counts["left-out"][2]


def test_large_fits_and_mean_average_precision_are_drawn_from_the_seed(emb):
    settings = UtilitySettings(k=5, fit_pairs=100, map_queries=30, replicates=200, seed=3)
    made = Benchmark.prepare(emb, settings)
    assert len(made.fit) <= 100
    assert len(set(made.fit.pairs["patient_id"]) & set(emb.split("train").pairs["patient_id"])) > 20
    rows = [row for row in result_of(made, made.measure(), None).retrieval if row.measure == "map"]
    assert [row.queries for row in rows] == [30, 30]
    again = Benchmark.prepare(emb, settings)
    assert again.fit.pairs.equals(made.fit.pairs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": "validate"}, "no pair in the split validate"),
        ({"k": 5000}, "k 5000 is more than the"),
        ({"k": 0}, "k 0 is not a valid number of cases; give a whole number from 1 up."),
        ({"fit": "test"}, "fit and split are both test"),
        ({"least_patients": 300}, "no label with 300 positive and as many negative patients"),
        ({"uncertain": "maybe"}, "uncertain maybe is not a valid choice; give left-out"),
        ({"exclude": "nobody"}, "exclude nobody is not a valid choice; give study or patient"),
        (
            {"interval": 1.5},
            "interval 1.5 is not a valid confidence level; give a number above 0",
        ),
        ({"replicates": 5}, "replicates 5 is not a valid number of replicates"),
        ({"choosing": 0.0}, "choosing 0 is not a valid share; give a number above 0 and below 1."),
    ],
)
def test_a_wrong_request_is_one_sentence(emb, change, message):
    with pytest.raises(InputError, match=message) as caught:
        Benchmark.prepare(emb, UtilitySettings(**change))
    assert "\n" not in str(caught.value)


def test_heads_that_give_no_numbers_are_refused(benchmark):
    with pytest.raises(InputError, match="not finite"):
        benchmark.frontier(turned(np.full((12, 12), np.nan)))
