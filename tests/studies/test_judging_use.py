"""`relinkage utility`, as a person calls it: figures, file, table, schema, and requests that are wrong."""

import json

import jsonschema
import msgspec
import numpy as np
import polars as pl
import pytest
import torch

from calling import done, refused
from encoders.trained.sketched import ALIGNED
from relinkage.embeddings import embed
from relinkage.encoders import HeadPair, HeadSpec, load_encoder, save_heads
from relinkage.errors import InputError
from relinkage.pages.utility import utility_table
from relinkage.records import json_schema, plain, read_record, write_record
from relinkage.usefulness import UtilityResult
from usefulness.planted_labels import plant, rotation, turned

SLOW_FIXTURES = ("phantom",)

QUICK = ("--k", "5", "--replicates", "200")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Lay out planted embeddings, with and without heads, and heads that turn reports about."""
    folder = tmp_path_factory.mktemp("utility")
    plant(folder / "emb")
    plant(folder / "towers", heads=False)
    save_heads(turned(rotation()), folder / "turned.safetensors")
    save_heads(turned(np.eye(12)), folder / "same.safetensors")
    (folder / "letter").write_text("a file where a folder was meant")
    (folder / "wrong.json").write_text('{"Edema": 3}')
    (folder / "unknown.json").write_text('{"Drusen": {"positive": "drusen.", "negative": "none."}}')
    return folder


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """Embed a small phantom cohort."""
    from relinkage.cohorts.phantom import phantom_cohort

    folder = tmp_path_factory.mktemp("phantom")
    cohort = phantom_cohort(folder / "cohort", pairs=700, seed=1)
    embed(cohort, load_encoder("phantom:report"), folder / "emb")
    return folder / "emb"


@pytest.fixture(scope="module")
def own(phantom):
    """Measure the phantom encoder through its own heads."""
    return measured(phantom)


def measured(*arguments):
    """Measure, check against the published schema, and give the result."""
    result = json.loads(done("utility", *arguments, *QUICK, "--json").out)
    jsonschema.Draft202012Validator.check_schema(json_schema(UtilityResult))
    jsonschema.Draft202012Validator(json_schema(UtilityResult)).validate(result)
    return result


def test_a_phantom_encoder_is_measured_by_probe_retrieval_and_its_own_text_tower(own):
    kept = {label["label"] for label in own["labels"] if label["kept"]}
    assert {"Pleural Effusion", "Support Devices", "No Finding"} <= kept
    probe = {row["label"]: row["measured"] for row in own["probe"] if row["on"] == "embeddings"}
    assert set(probe) == kept | {"macro"}
    assert probe["Pleural Effusion"]["low"] > 0.9
    asked = {row["label"]: row["measured"] for row in own["zero_shot"]}
    assert asked["Pleural Effusion"]["low"] > 0.9
    assert set(own["prompts"]) == kept
    for row in own["retrieval"]:
        assert row["measured"]["low"] > row["chance"], row
    assert own["inputs"]["baseline"] is None
    assert own["notes"] == []


def test_untrained_heads_are_worse_than_the_models_own_and_the_differences_say_so(phantom, tmp_path):
    spec = HeadSpec("linear", 160, 4)
    fingerprint = json.loads((phantom / "manifest.json").read_text())["cohort"]["fingerprint"]
    manifest = msgspec.structs.replace(ALIGNED, train_split="train", cohort_fingerprint=fingerprint)
    torch.manual_seed(0)
    save_heads(HeadPair(spec, spec), tmp_path / "heads/heads.safetensors")
    write_record(tmp_path / "heads/manifest.json", manifest)
    result = measured(phantom, "--heads", tmp_path / "heads")
    assert result["inputs"]["measured"]["manifest"] == plain(manifest)
    assert result["inputs"]["baseline"]["name"] == "the model's own heads"
    assert any("The split train trained the heads of --heads" in note for note in result["notes"])
    for row in (result["probe"][0], result["retrieval"][0]):
        apart = row["measured"]["value"] - row["baseline"]["value"]
        assert row["difference"]["value"] == pytest.approx(apart)
        assert row["difference"]["high"] < 0


def test_the_result_is_written_whole_and_is_what_is_printed(desk, tmp_path):
    outcome = done("utility", desk / "emb", *QUICK, "--out", tmp_path / "out", "--json")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["utility.json"]
    assert json.loads((tmp_path / "out/utility.json").read_text()) == json.loads(outcome.out)
    assert f"The result is in {tmp_path / 'out/utility.json'}" in outcome.err
    assert "Zero-shot labels are left out: the encoder planted cannot be loaded here" in outcome.err
    assert "patient-" not in outcome.out
    first = (tmp_path / "out/utility.json").read_bytes()
    done("utility", desk / "emb", *QUICK, "--out", tmp_path / "out")
    assert (tmp_path / "out/utility.json").read_bytes() == first


def test_the_table_names_every_figure_and_fits_a_terminal(desk):
    out = done("utility", desk / "emb", "--heads", desk / "turned.safetensors", *QUICK).out
    for words in (
        "planted: turned.safetensors against the model's own heads",
        "Linear probe on embeddings, macro AUROC of 3 labels",
        "Linear probe on features, macro AUROC of 3 labels",
        "Image → report: precision@5, a label in common",
        "Report → image: mAP",
        "AUROC of the probe on embeddings (positive images)",
        "Left out, fewer than 10 positive or negative patients: Rare.",
        "Modality gap",
    ):
        assert words in out
    line = next(line for line in out.splitlines() if line.startswith("Linear probe on embeddings"))
    assert "+0.00" in line
    assert max(map(len, out.splitlines())) <= 120


def test_the_sentence_at_the_top_states_use_in_both_directions(desk):
    alone = " ".join(done("utility", desk / "emb", *QUICK).out.split())
    turned = " ".join(
        done("utility", desk / "emb", "--heads", desk / "turned.safetensors", *QUICK).out.split()
    )
    rows = [
        row
        for row in measured(desk / "emb", "--heads", desk / "turned.safetensors")["retrieval"]
        if row["measure"] == "precision"
    ]
    for row, said in zip(rows, ("from image to report", "from report to image"), strict=True):
        value, before = (f"{100 * row[side]['value']:.2f} %" for side in ("measured", "baseline"))
        assert f"{value} {said}, where the baseline has {before} (" in turned
        assert f"{before} {said} (interval" in alone
    assert "Label precision@5 is " in alone
    assert "heads trained again may differ by more" in turned
    assert "trained again" not in alone
    towers = done("utility", desk / "towers", *QUICK).out
    assert "probes of features alone say nothing of that" in " ".join(towers.split())


def test_a_named_baseline_takes_the_place_of_the_models_own(desk):
    arguments = ("--heads", desk / "turned.safetensors", "--against", desk / "same.safetensors")
    result = measured(desk / "emb", *arguments)
    assert result["inputs"]["baseline"]["name"] == "same.safetensors"
    assert result["retrieval"][0]["difference"]["high"] < 0
    back = measured(
        desk / "emb", "--heads", desk / "same.safetensors", "--against", desk / "turned.safetensors"
    )
    assert back["retrieval"][0]["difference"]["low"] > 0
    assert len([note for note in back["notes"] if "is not known" in note]) == 2


def test_towers_without_heads_are_probed_on_their_features(desk):
    outcome = done("utility", desk / "towers", *QUICK)
    assert "The model has no heads, so only its features are probed; name heads with --heads." in outcome.err
    assert "AUROC of the probe on features" in outcome.out
    result = measured(desk / "towers", "--heads", desk / "same.safetensors")
    assert result["retrieval"][0]["baseline"] is None
    assert any("name a baseline with --against" in note for note in result["notes"])


def test_prompts_from_a_file_are_asked(phantom, own, tmp_path):
    path = tmp_path / "prompts.csv"
    path.write_text("label,positive,negative\nEdema,Severe pulmonary edema.,The lungs are clear.\n")
    result = measured(phantom, "--prompts", path)
    expected = {"positive": ["Severe pulmonary edema."], "negative": ["The lungs are clear."]}
    assert result["prompts"].get("Edema", expected) == expected
    assert own["zero_shot"][0] != result["zero_shot"][0]


def test_another_encoder_than_made_the_features_is_not_asked(phantom, desk):
    message = refused(desk, "utility", phantom, "--model", "phantom:label", *QUICK)
    assert "--model phantom:label is not the model that made" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "nowhere does not exist; name a file or folder that does"),
        (("emb", "--against", "same.safetensors"), "--against names a baseline for trained heads"),
        (("emb", "--heads", "nothing"), "does not exist"),
        (("emb", "--split", "validate"), "no pair in the split validate (it has: test, train)"),
        (("emb", "--split", "train"), "--fit and --split are both train"),
        (("emb", "--k", "0"), "--k 0 is not a valid number of cases; give a whole number from 1 up"),
        (("emb", "--k", "100000"), "more than the"),
        (("emb", "--prompts", "wrong.json"), "holds no prompts as expected"),
        (("emb", "--prompts", "unknown.json"), "name 'Drusen', which is not a label"),
        (("emb", "--replicates", "3"), "--replicates 3 is not a valid number of replicates"),
        (("emb", "--model", "elephant"), "elephant is not an encoder"),
        (("emb", "--out", "letter"), "letter is a file"),
        (("emb", "--out", "emb"), "holds files that relinkage did not write"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_leaves_everything_as_it_was(desk, arguments, message):
    files = {"nowhere", "emb", "same.safetensors", "nothing", "wrong.json", "unknown.json", "letter"}
    given = [desk / word if word in files else word for word in arguments]
    assert message in refused(desk, "utility", *given)


def test_a_cohort_without_labels_is_refused(desk, tmp_path):
    plant(tmp_path / "emb", patients=20)
    manifest = json.loads((tmp_path / "emb/manifest.json").read_text())
    (tmp_path / "emb/manifest.json").write_text(json.dumps({**manifest, "labels": []}))
    pairs = pl.read_parquet(tmp_path / "emb/pairs.parquet")
    pairs.select(pl.exclude(manifest["labels"])).write_parquet(tmp_path / "emb/pairs.parquet")
    assert "has no label columns" in refused(tmp_path, "utility", tmp_path / "emb")


def test_what_is_written_is_read_back_as_it_was_and_what_no_result_can_hold_is_refused(desk, tmp_path):
    result, file = measured(desk / "emb"), tmp_path / "utility.json"
    read = ("a utility measurement", "measure again")
    file.write_text(json.dumps(result))
    record = read_record(file, UtilityResult, *read)
    assert plain(record) == result
    write_record(file, record)
    assert read_record(file, UtilityResult, *read) == record
    validator = jsonschema.Draft202012Validator(json_schema(UtilityResult))
    for path, value in (
        (("schema",), "relinkage.utility/2"),
        (("probe",), []),
        (("probe", 0, "measured", "value"), 1.2),
        (("probe", 0, "on"), "reports"),
        (("retrieval", 0, "measure"), "recall"),
        (("retrieval", 0, "baseline"), 0.5),
        (("tested", "patients"), 0),
        (("settings", "interval"), 95),
    ):
        broken = json.loads(json.dumps(result))
        *parents, last = path
        place = broken
        for key in parents:
            place = place[key]
        place[last] = value
        assert not validator.is_valid(broken), path
        file.write_text(json.dumps(broken))
        with pytest.raises(InputError, match="measure again"):
            read_record(file, UtilityResult, *read)


def test_names_from_files_stay_on_their_lines(desk):
    result = measured(desk / "emb")
    result["labels"][0] |= {"label": "Two\nlines\x1b[31m", "kept": False}
    assert "Two lines [31m" in utility_table(msgspec.convert(result, UtilityResult))
