"""`relinkage harden` and `relinkage privacy`: heads with a statement, its check, and what is refused."""

import json
import re
import string
from itertools import pairwise

import jsonschema
import msgspec
import numpy as np
import polars as pl
import pytest
from PIL import Image

from calling import done, refused, relinkage
from embeddings.sketch_encoder import SketchEncoder
from relinkage.cohorts import read_cohort
from relinkage.embeddings import embed
from relinkage.records import json_schema, plain
from relinkage.studies import PrivacyCheck

ROWS = 160
QUICK = ("--epsilon", "1", "--delta", "1e-4", "--population", "100", "--batch", "20", "--steps", "4")


def cohort(folder, seed, labels):
    """A cohort of 80 patients, 64 of them in the train split, images as bright as reports have letters."""
    folder.mkdir()
    random = np.random.default_rng(seed)
    counts = random.integers(0, 10, (ROWS, 16))
    for row, tiles in enumerate(counts.reshape(-1, 4, 4)):
        Image.fromarray(np.kron(tiles * 25, np.ones((8, 8))).astype(np.uint8)).save(folder / f"{row}.png")
    table = {
        "pair_id": [f"pair-{seed}-{row}" for row in range(ROWS)],
        "study_id": [f"study-{row}" for row in range(ROWS)],
        "patient_id": [f"Petra-{seed}-{row // 2}" for row in range(ROWS)],
        "image": [f"{row}.png" for row in range(ROWS)],
        "report": [
            " ".join(letter * count for letter, count in zip(string.ascii_lowercase, row, strict=False))
            for row in counts
        ],
    }
    findings = {"Edema": (counts[:, 0] > 4).astype(int), "Fracture": (counts[:, 1] > 6).astype(int)}
    pl.DataFrame({**table, **(findings if labels else {})}).write_csv(folder / "cohort.csv")
    return read_cohort(folder)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    root = tmp_path_factory.mktemp("hardening")
    embed(cohort(root / "private", 0, True), SketchEncoder(), root / "emb")
    embed(cohort(root / "open", 1, True), SketchEncoder(), root / "public")
    embed(cohort(root / "plain", 2, False), SketchEncoder(), root / "unlabelled")
    np.save(root / "anchors.npy", np.eye(2, 4, dtype=np.float32))
    done("harden", root / "emb", *QUICK, "--public", root / "public", "--out", root / "heads")
    return root


def forged(desk, tmp_path, **wrong):
    """The same heads with another statement."""
    manifest = json.loads((desk / "heads/manifest.json").read_text())
    manifest["privacy"].update(wrong)
    (tmp_path / "forged").mkdir()
    (tmp_path / "forged/manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "forged/heads.safetensors").write_bytes((desk / "heads/heads.safetensors").read_bytes())
    return tmp_path / "forged"


def test_harden_prints_what_was_spent_and_nothing_private_on_stdout(desk, tmp_path):
    outcome = done("harden", desk / "emb", *QUICK, "--public", desk / "public", "--out", tmp_path / "heads")
    assert outcome.out.startswith(
        f"{tmp_path / 'heads'}: (1, 0.0001)-differential privacy, proven; add or remove"
    )
    assert "Loss" in outcome.err
    assert "Petra" not in outcome.out + outcome.err
    printed = json.loads(done("harden", desk / "emb", *QUICK, "--json", "--out", tmp_path / "more").out)
    assert printed == json.loads((tmp_path / "more/manifest.json").read_text())


def test_privacy_prints_the_statement_and_both_accountants(desk):
    outcome = done("privacy", desk / "heads")
    assert outcome.out.endswith("No fault was found in what can be checked.\n")
    assert outcome.out.count("not checkable") == 4
    for told in ("by loss distributions", "by Rényi", "Poisson sampling of patients, q = 0.2, 4 steps"):
        assert told in outcome.out
    assert outcome.err == ""
    found = json.loads(done("privacy", desk / "heads", "--json").out)
    jsonschema.Draft202012Validator(json_schema(PrivacyCheck)).validate(found)
    assert plain(msgspec.convert(found, PrivacyCheck)) == found
    assert found["schema"] == "relinkage.privacy/1"
    assert found["recheck"]["epsilon"] == pytest.approx(found["statement"]["epsilon"], rel=0.01)
    assert found["recheck"]["renyi"] > found["statement"]["epsilon"]
    assert found["recheck"]["faults"] == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"epsilon": 0.5}, "The stated epsilon is 0.5, the accountant gives"),
        ({"noise_multiplier": 0.9}, "The stated epsilon is 0.9998, the accountant gives 3.4"),
        ({"mechanism": "nominal"}, "The field mechanism does not follow from the settings."),
    ],
)
def test_a_forged_statement_makes_the_check_fail(desk, tmp_path, wrong, fault):
    outcome = relinkage("privacy", forged(desk, tmp_path, **wrong))
    assert outcome.status == 1
    assert f"Fault: {fault}" in outcome.out
    assert "No fault" not in outcome.out


def test_a_forged_epsilon_reaches_no_audit(desk, tmp_path):
    """ε alone was edited, within what the settings ask for: only an accountant can tell."""
    ground = ("audit", desk / "emb", "--split", "test", "--replicates", "100", "--pool", "full")
    sound = json.loads(done(*ground, "--heads", desk / "heads", "--json").out)
    stated = sound["inputs"]["heads"]["manifest"]["privacy"]
    assert stated["kind"] == "proven"
    told = [note for note in sound["notes"] if "The statement of these heads speaks of the patients" in note]
    assert len(told) == 1
    assert sound["notes"][-1].endswith("run `relinkage attack EMB --attackers cca --on features`.")
    folder = forged(desk, tmp_path, epsilon=0.5)
    audit = json.loads(done(*ground, "--heads", folder, "--json").out)
    stated = audit["inputs"]["heads"]["manifest"]["privacy"]
    assert stated["kind"] == "refuted"
    assert "does not hold: The stated epsilon is 0.5" in stated["sentence"]
    assert "The statement of these heads does not hold" in audit["notes"][-2]
    done(*ground, "--heads", folder, "--out", tmp_path / "run")
    card = (tmp_path / "run/card.md").read_text()
    assert "(0.5, 0.0001)" not in card + (tmp_path / "run/page.html").read_text()
    assert "the statement of these heads does not hold" in card


def test_what_was_spent_on_embeddings_is_kept_beside_them_and_shown(desk, tmp_path):
    before = len(json.loads((desk / "emb/ledger.json").read_text())["entries"])
    said = done("harden", desk / "emb", *QUICK, "--public", desk / "public", "--out", tmp_path / "heads").err
    ledger = json.loads((desk / "emb/ledger.json").read_text())
    assert len(ledger["entries"]) == before + 1
    assert "spent on the split train in all, if all heads are released: (" in said
    shown = done("privacy", tmp_path / "heads", "--embeddings", desk / "emb").out
    assert "ledger           spent on the split train in all, if all heads are released: (" in shown


def test_nominal_is_called_nominal_everywhere_and_never_a_guarantee(desk, tmp_path):
    out = tmp_path / "heads"
    said = done("harden", desk / "emb", *QUICK, "--mechanism", "nominal", "--out", out).out
    checked = done("privacy", out)
    told = done("privacy", out, "--json").out
    assert said.startswith(f"{out}: nominal ε = ")
    for text in (said, checked.out, told, (out / "manifest.json").read_text()):
        assert "guarantee" not in text.lower()
        assert "privacy, proven" not in text
    assert checked.out.count("nominal ε") >= 3
    assert "ε" not in checked.out.replace("nominal ε", "")


def test_a_seed_of_the_noise_voids_the_statement(desk, tmp_path):
    out = tmp_path / "heads"
    assert ": void: " in done("harden", desk / "emb", *QUICK, "--seed-noise", "7", "--out", out).out
    outcome = relinkage("privacy", out)
    assert outcome.status == 1
    assert "Fault: The noise came from a seed" in outcome.out


def test_canaries_stand_beside_the_stated_epsilon(desk):
    given = ("--embeddings", desk / "emb", "--public", desk / "public")
    for _ in range(3):  # coins are the system's, and one audit in twenty of a true statement may be lucky
        outcome = relinkage("privacy", desk / "heads", "--canaries", "100", *given)
        if outcome.status == 0:
            break
    said = r"ε is at least [\d.]+ with 95% confidence; stated is ε = (1|0\.99\d*) "  # guesses may be lucky
    assert re.search(said, outcome.out)
    assert "of 10 guesses about 100 canaries were right" in outcome.out
    assert "right guesses would have refuted it, which the best of attacks has in four of five" in outcome.out
    assert outcome.out.endswith("No evidence against the statement was found.\n")
    assert "No fault" not in outcome.out
    asked = ("--canaries", "40", "--guesses", "20", "--positive-control", "--json")
    found = json.loads(relinkage("privacy", desk / "heads", *asked, *given).out)
    jsonschema.Draft202012Validator(json_schema(PrivacyCheck)).validate(found)
    assert plain(msgspec.convert(found, PrivacyCheck)) == found
    found, baseline = found["canaries"], found["positive_control"]
    assert (baseline["canaries"], baseline["stated"]) == (40, found["stated"])
    assert (found["canaries"], found["guesses"], found["confidence"]) == (40, 20, 0.95)
    assert found["lower_bound"] >= 0


@pytest.mark.slow
def test_canaries_are_trained_on_with_the_noise_that_is_stated(desk, tmp_path):
    """Next to no noise, everybody at every step, and an ε as if it were much: both checks find it."""
    heads = forged(desk, tmp_path, noise_multiplier=0.02, epsilon=0.05, divisor=64.0, population=64)
    given = ("--embeddings", desk / "emb", "--public", desk / "public")
    outcome = relinkage("privacy", heads, "--canaries", "60", "--guesses", "60", *given)
    assert outcome.status == 1
    assert "Fault: Guessing about canaries shows an epsilon of" in outcome.out


@pytest.mark.slow
def test_an_audit_of_hardened_heads_carries_their_statement(desk, tmp_path):
    run = tmp_path / "run"
    done("audit", desk / "emb", "--heads", desk / "heads", "--split", "test", "--out", run)
    audit = json.loads((run / "audit.json").read_text())
    stated = audit["inputs"]["heads"]["manifest"]["privacy"]
    assert (stated["kind"], stated["delta"], stated["mechanism"]) == ("proven", 1e-4, "label-anchored")
    assert 0.97 < stated["epsilon"] <= 1
    assert "hardened, label-anchored" in (run / "page.html").read_text()
    assert not [note for note in audit["notes"] if "held out" in note]
    both = json.loads(done("audit", desk / "emb", "--heads", desk / "heads", "--json").out)
    assert [note for note in both["notes"] if "held out" in note] == [
        "Hardened heads do not tell which cohort trained them: where it is this one, 120 of the 160 pairs "
        "that are looked at are not held out from the heads."
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--epsilon", "0"), "--epsilon 0 is not a valid epsilon; give a number above 0."),
        (("--epsilon", "-1"), "--epsilon -1 is not a valid epsilon; give a number above 0."),
        (("--delta", "0.01"), "--delta 0.01 is too large; give one below 1 / 100, the stated"),
        (("--batch", "101"), "--batch 101 is larger than the stated population of 100; give a smaller"),
        (("--mechanism", "magic"), "--mechanism magic is not a valid mechanism; give label-anchored,"),
        (("--train", "blue"), "has no pair in the split blue"),
        (("--mechanism", "public-negatives"), "needs public embeddings; name some with --public EMB."),
        (("--cap", "0"), "--cap 0 is not a valid number of pairs; give a whole number from 1 to 1000."),
        (("--unit", "hospital"), "--unit hospital is not a valid unit; give patient or pair."),
        (("--span", "-1"), "--span -1 is not a valid number of directions"),
        (("--weights", "mse=1"), "--weights mse=1 is not a valid objective; give weights by name, such as"),
        (("--weights", "bce=1"), "--weights goes with --mechanism grouped, batch-clip, nominal"),
    ],
)
def test_requests_that_cannot_be_are_refused_in_one_sentence(desk, arguments, sentence, monkeypatch):
    monkeypatch.chdir(desk)
    told = refused(desk, "harden", desk / "emb", *QUICK, "--out", desk / "more", *arguments)
    assert sentence in told


def test_files_that_do_not_fit_are_refused_in_one_sentence(desk, tmp_path):
    def told(emb, *arguments):
        return refused(desk, "harden", desk / emb, *QUICK, "--out", desk / "more", *arguments)

    np.save(tmp_path / "short.npy", np.ones((1, 4), np.float32))
    assert "has no labels to anchor to; add label columns" in told("unlabelled")
    assert "holds the private cohort itself" in told("emb", "--public", desk / "emb")
    assert "have the shape (1, 4)" in told("emb", "--anchors", tmp_path / "short.npy")
    assert "does not exist" in told("emb", "--start", desk / "nowhere")
    done("align", desk / "emb", "--dimension", "4", "--steps", "5", "--out", tmp_path / "trained")
    assert "trained without privacy on this very cohort" in told("emb", "--start", tmp_path / "trained")


def test_checks_that_cannot_be_are_refused_in_one_sentence(desk, tmp_path):
    emb = ("--embeddings", desk / "emb")
    done("align", desk / "emb", "--dimension", "4", "--steps", "5", "--out", tmp_path / "trained")
    for sentence, *arguments in (
        ("states no privacy; name a folder that `relinkage harden` wrote", tmp_path / "trained"),
        ("--canaries train again; name what", desk / "heads", "--canaries", "10"),
        ("was hardened with --public, so the training", desk / "heads", "--canaries", "10", *emb),
        (
            "8 guesses about 4 canaries cannot be",
            *(desk / "heads", "--canaries", "4", "--guesses", "8", *emb, "--public", desk / "public"),
        ),
    ):
        assert sentence in refused(desk, "privacy", *arguments)


def test_given_anchors_and_start_are_told_and_asked_for_again(desk, tmp_path):
    out = tmp_path / "heads"
    start = tmp_path / "start"
    done("harden", desk / "public", *QUICK, "--out", start)
    made = ("--anchors", desk / "anchors.npy", "--start", start)
    manifest = json.loads(done("harden", desk / "emb", *QUICK, *made, "--json", "--out", out).out)
    assert (manifest["start"], manifest["anchors"]["source"]) == ("given, hardened before", "given")
    assert manifest["privacy"]["earlier_epsilon"] == manifest["privacy"]["epsilon"]
    emb = ("--embeddings", desk / "emb")
    told = refused(desk, "privacy", out, "--canaries", "10", *emb, "--start", start)
    assert "was hardened with --anchors" in told
    np.save(tmp_path / "other.npy", np.load(desk / "anchors.npy")[::-1])
    done("harden", desk / "public", *QUICK, "--out", tmp_path / "again")
    for option, other in (("--anchors", tmp_path / "other.npy"), ("--start", tmp_path / "again")):
        given = [other if before == option else each for before, each in pairwise(("", *made))]
        told = refused(desk, "privacy", out, "--canaries", "10", *emb, *given)
        assert f"{option} holds other numbers than {out} was hardened with; name the same" in told
    assert relinkage("privacy", out, "--canaries", "10", "--guesses", "2", *emb, *made).status == 0
