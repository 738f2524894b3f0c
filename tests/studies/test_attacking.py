"""The same audit with stronger scorers: who learns from pairs of other patients finds more."""

import re
import shlex
import string

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

import relinkage as rl
from calling import audits_of, done, refused
from embeddings.sketch_encoder import SketchEncoder
from relinkage.alignment import read_heads
from relinkage.cohorts import read_cohort
from relinkage.embeddings import embed, read_embeddings
from relinkage.encoders import save_heads
from relinkage.errors import InputError
from relinkage.linkage import AuditSettings
from relinkage.pages.audits import read_audit
from relinkage.studies import attacker_rows, draw_auxiliary

SLOW_FIXTURES = ("several",)

ROWS = 360
QUICK = ("--replicates", "200")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Images whose 16 tiles are as bright as the report has letters a to p; heads drawn at random."""
    root = tmp_path_factory.mktemp("letters")
    random = np.random.default_rng(1)
    counts = random.integers(0, 10, (ROWS, 16))
    for row, tiles in enumerate(counts.reshape(-1, 4, 4)):
        Image.fromarray(np.kron(tiles * 25, np.ones((8, 8))).astype(np.uint8)).save(root / f"{row}.png")
    letters = string.ascii_lowercase
    pl.DataFrame(
        {
            "pair_id": [f"pair-{row}" for row in range(ROWS)],
            "study_id": [f"study-{row}" for row in range(ROWS)],
            "patient_id": [f"patient-{row // 2}" for row in range(ROWS)],
            "split": [("train", "train", "test")[row // 2 % 3] for row in range(ROWS)],
            "image": [f"{row}.png" for row in range(ROWS)],
            "report": [" ".join(a * n for a, n in zip(letters, row, strict=False)) for row in counts],
            "Edema": [row % 2 for row in range(ROWS)],
            "sex": [None if row % 5 == 0 else "FM"[row // 2 % 2] for row in range(ROWS)],
        }
    ).write_csv(root / "cohort.csv")
    embed(read_cohort(root), SketchEncoder(heads=True), root / "emb")
    embed(read_cohort(root), SketchEncoder(heads=False), root / "towers")
    return root


@pytest.fixture(scope="module")
def heads(root):
    done("align", root / "towers", "--dimension", "16", "--lr", "0.01", "--out", root / "heads")
    return root / "heads"


def attacked(*arguments):
    return audits_of(done("attack", *arguments, *QUICK, "--json").out)


def full(audit):
    """Recall@1 over all candidates."""
    return next(row for row in audit.closed_set if row.full and row.k == 1)


def test_an_attack_on_arrays_that_lie_on_disk_is_that_on_the_arrays_themselves(tmp_path):
    random = np.random.default_rng(3)
    images = random.normal(size=(260, 6)).astype(np.float32)
    sides = {"images": images, "reports": (images + random.normal(size=images.shape)).astype(np.float32)}
    mapped = []
    for name, side in sides.items():
        np.save(tmp_path / f"{name}.npy", side)
        mapped.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    rows = []
    for one, two in (sides.values(), mapped):
        attack = rl.attack(one[60:], two[60:], auxiliary=(one[:60], two[:60]), attackers=["whiten", "cca"])
        rows.append([attack[name].result.closed_set for name in ("whiten", "cca")])
    assert rows[0] == rows[1]


def test_cosine_is_the_plain_audit(root):
    attack = attacked(root / "emb", "--attackers", "cosine")
    audit = audits_of(done("audit", root / "emb", "--split", "test", *QUICK, "--json").out)
    assert attack.closed_set == audit.closed_set
    assert attack.inputs == audit.inputs
    assert attack.attacker.auxiliary_pairs == 0
    assert audit.attacker is None


@pytest.mark.parametrize("choices", [(), ("--missing", "own"), ("--hard-negatives-of", "all")])
def test_hard_negatives_are_those_of_the_plain_audit(root, choices):
    choices = ("--hard-negatives", "sex", "--direction", "both", *choices)
    attack = attacked(root / "emb", "--attackers", "cosine", *choices)
    audit = audits_of(done("audit", root / "emb", "--split", "test", *QUICK, *choices, "--json").out)
    assert {row.negatives for row in attack.closed_set} == {"all", "sex"}
    assert attack.closed_set == audit.closed_set
    assert attack.notes[: len(audit.notes)] == audit.notes


def test_who_knows_pairs_links_features_that_share_no_space(root):
    audits = attacked(root / "towers", "--on", "features", "--attackers", "ridge,cca")
    assert {audit.attacker.name for audit in audits} == {"ridge", "cca"}
    for audit in audits:
        assert full(audit).low > 20 * full(audit).chance
        assert audit.inputs.heads is None


def test_a_rotation_of_one_head_hides_pairs_from_cosine_and_from_no_one_who_realigns(root, heads, tmp_path):
    pair = read_heads(heads).pair
    turn = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(0))).Q
    with torch.no_grad():
        pair.text.weight.copy_(turn @ pair.text.weight)
        pair.text.bias.copy_(turn @ pair.text.bias)
    turned = tmp_path / "turned.safetensors"
    save_heads(pair, turned)
    before = full(attacked(root / "towers", "--heads", heads, "--attackers", "cosine"))
    audits = attacked(root / "towers", "--heads", turned, "--attackers", "cosine,procrustes,cca")
    found = {audit.attacker.name: full(audit) for audit in audits}
    assert before.low > 20 * before.chance
    assert found["cosine"].low < 2 * found["cosine"].chance
    assert found["procrustes"].recall > 0.8 * before.recall
    assert found["cca"].recall > 0.8 * before.recall


def test_an_audit_says_who_attacked_and_with_what_knowledge(root, tmp_path):
    knows = ("--on", "features", "--attackers", "cca", "--auxiliary-pairs", "100")
    asks = ("--direction", "both", "--hard-negatives", "Edema", "--open-set", "0.1")
    printed = done("attack", root / "towers", *knows, *asks, *QUICK, "--json").out
    (tmp_path / "audit.json").write_text(printed)
    audit = read_audit(tmp_path)
    found = audit.attacker
    assert audit.name == "cca on features of sketch"
    assert (found.name, found.on, found.auxiliary_split) == ("cca", "features", "train")
    assert (found.auxiliary_pairs, found.auxiliary_patients) == (100, 50)
    assert found.settings["components"] <= 16
    assert "5 of 5 folds" in found.settings["chosen_by"]
    assert audit.notes[-1] == (
        "The attacker cca learned from 100 pairs of 50 other patients, of the split train."
    )
    assert {row.direction for row in audit.closed_set} == {"image-to-report", "report-to-image"}
    assert {row.negatives for row in audit.closed_set} == {"all", "Edema"}
    assert audit.open_set
    assert all(row.on_chance for row in audit.controls)


@pytest.fixture(scope="module")
def several(root):
    """Three attackers' runs, and what the command printed."""
    names = ("--attackers", "cosine,cca,csls")
    return root / "runs", done("attack", root / "emb", *names, *QUICK, "--linkage", "--out", root / "runs")


def test_several_attackers_have_a_run_each_and_a_table_with_the_strongest_first(several):
    folder, outcome = several
    assert sorted(path.name for path in folder.iterdir()) == ["cca", "cosine", "csls"]
    for run in folder.iterdir():
        assert {path.name for path in run.iterdir()} == {
            "audit.json", "card.md", "figures", "linkage.parquet", "page.html",
        }  # fmt: skip
    assert outcome.out.rstrip().endswith("Attackers that were not tried are not covered.")
    named = [line.split()[0] for line in outcome.out.splitlines()[1:] if " on sketch " in line]
    assert named[0] == "cca"
    recalls = [full(read_audit(folder / name)).recall for name in dict.fromkeys(named)]
    assert recalls == sorted(recalls, reverse=True)
    assert "The attacker csls saw the attacked vectors of both sides, unpaired." in outcome.err
    done("compare", folder / "cosine", folder / "cca")


def test_an_attacker_fitted_on_the_gallery_has_rows_for_all_of_it_alone(several):
    folder, outcome = several
    every, fitted = (read_audit(folder / name) for name in ("cca", "csls"))
    assert (every.attacker.pools, fitted.attacker.pools) == ("every", "full")
    assert {row.full for row in every.closed_set} == {False, True}
    for rows in (fitted.closed_set, fitted.curve, fitted.ranks):
        assert rows
        assert all(row.full for row in rows)
    assert fitted.settings.pool == ("full",)
    assert outcome.err.count("An attacker that is fitted on the attacked gallery") == 1
    assert all("attacked gallery" not in note for note in every.notes)
    assert any("stated for the full gallery only" in note for note in fitted.notes)


def test_without_pairs_an_attacker_of_the_gallery_has_its_default_strength(root):
    split = ("--auxiliary", "nowhere")
    (fitted,) = [attacked(root / "emb", "--attackers", "csls", *split)]
    assert fitted.attacker.settings["chosen_by"] == "the default, as no pairs are known"
    assert fitted.attacker.auxiliary_pairs == 0


def test_reports_and_cards_tell_what_the_attacker_knew(several):
    folder, _ = several
    assert "csls on sketch" in (folder / "csls/page.html").read_text()
    told = (folder / "csls/card.md").read_text()
    assert "They score by csls, having learned from 240 pairs of 120 other patients." in told
    assert "so it is stated for the full gallery only." in told
    card = (folder / "cca/card.md").read_text()
    assert "They score by cca, having learned from 240 pairs of 120 other patients." in card
    assert "They compare by cosine, the simplest attacker" in (folder / "cosine/card.md").read_text()
    assert "Cosine is the simplest" in (folder / "cosine/card.md").read_text()
    assert "Cosine is the simplest" not in card


def test_the_cards_command_gives_the_same_figures_again(several, tmp_path, monkeypatch):
    folder, _ = several
    card = (folder / "cca/card.md").read_text()
    (command,) = [line for line in card.splitlines() if line.startswith("relinkage attack EMB")]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMB").symlink_to(folder.parent / "emb")
    again = audits_of(done(*shlex.split(command)[1:-2], "--json").out)  # without --out RUN
    once = read_audit(folder / "cca")
    assert again.closed_set == once.closed_set
    assert again.attacker == once.attacker


def test_the_same_seed_gives_the_same_audit(root):
    one, two, other = (
        attacked(root / "emb", "--attackers", "cca", "--auxiliary-pairs", "60", "--seed", seed)
        for seed in ("3", "3", "4")
    )
    assert one == two
    assert one.attacker.settings != other.attacker.settings


def test_heads_of_a_defence_are_attacked_where_they_are_named(root, heads):
    audit = attacked(root / "towers", "--heads", heads, "--attackers", "procrustes")
    assert audit.name == "procrustes on sketch + heads"
    assert audit.inputs.heads.manifest.train_split == "train"
    assert any("The split train trained the heads too" in note for note in audit.notes)


def test_a_larger_draw_holds_the_smaller_one_and_takes_patients_whole(root):
    folder = read_embeddings(root / "emb")
    audited = folder.split("test")
    small, large, other = (
        draw_auxiliary(folder, audited, "train", pairs, seed).pairs
        for pairs, seed in ((40, 0), (100, 0), (40, 1))
    )
    assert (len(small), len(large)) == (40, 100)
    assert set(small["pair_id"]) < set(large["pair_id"])
    assert set(small["pair_id"]) != set(other["pair_id"])
    assert small["patient_id"].value_counts()["count"].to_list() == [2] * 20
    assert not set(large["patient_id"]) & set(audited.pairs["patient_id"])


def test_a_split_with_fewer_pairs_than_asked_for_gives_all_and_says_so(root):
    audit = attacked(root / "emb", "--attackers", "ridge", "--auxiliary-pairs", "5000")
    assert audit.attacker.auxiliary_pairs == 240
    assert "There are 240 pairs of the split train, fewer than the 5,000 asked for." in audit.notes


def test_a_defence_gets_each_attackers_recall_at_once(root, heads):
    folder = read_embeddings(root / "towers")
    audited = folder.split("test")
    drawn = draw_auxiliary(folder, audited, "train", 1000, 0)
    settings = AuditSettings(pool=(50, "full"), k=(1,), replicates=200)
    pair = read_heads(heads).pair
    rows = attacker_rows(audited, drawn, pair, ("cosine", "cca"), settings)
    assert [(row.attacker, row.auxiliary_pairs, row.pool) for row in rows] == [
        ("cosine", 0, 50), ("cosine", 0, 120), ("cca", 240, 50), ("cca", 240, 120),
    ]  # fmt: skip
    whole = attacked(root / "towers", "--heads", heads, "--attackers", "cca", "--pool", "50,full", "--k", "1")
    assert [row.recall for row in rows[2:]] == [row.recall for row in whole.closed_set]
    assert [row.low for row in rows[2:]] == [row.low for row in whole.closed_set]


def test_features_need_no_heads_to_be_judged(root):
    folder = read_embeddings(root / "towers")
    audited = folder.split("test")
    drawn = draw_auxiliary(folder, audited, "train", 1000, 0)
    settings = AuditSettings(pool=("full",), k=(1,), replicates=200)
    (row,) = attacker_rows(audited, drawn, None, ("ridge",), settings, on="features")
    assert row.low > row.chance
    with pytest.raises(InputError, match="towers that share no space"):
        attacker_rows(audited, drawn, None, ("ridge",), settings)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("emb", "Missing option '--attackers'"),
        ("emb --attackers oracle", "--attackers oracle is not a valid attacker; give cosine, centre, whiten"),
        ("emb --attackers ,", "--attackers , is not a valid attacker; give cosine"),
        ("nowhere --attackers cca", "EMB nowhere does not exist"),
        (
            "emb --attackers cca --split test --auxiliary test",
            "shares 60 patients with the attacked pairs",
        ),
        ("emb --attackers cca --auxiliary dev", "no pair in the split dev (it has: test, train)"),
        ("emb --attackers cosine --split dev", "no pair in the split dev"),
        ("emb --attackers cca --auxiliary-pairs 0", "--auxiliary-pairs 0 is not a valid number of pairs"),
        ("emb --attackers cca --auxiliary-pairs 8", "There are 8 auxiliary pairs of 4 patients"),
        (
            "emb --attackers cca --on images",
            "--on images is not a valid kind of vectors; give embeddings or features",
        ),
        ("emb --attackers cca --on features --heads heads", "--heads goes with --on embeddings"),
        ("towers --attackers cca", "attack those with --on features, or name trained heads with --heads"),
        ("towers --attackers csls --on features", "csls compares vectors of one space, but images have 16"),
        ("emb --attackers cca --pool 500", "--pool 500 is larger than the 120 eligible candidates"),
        ("emb --attackers cca --out cohort.csv", "is a file; name a folder to write to"),
        ("emb --attackers cca,ridge --out cohort.csv", "is a file; name a folder to write to"),
        ("emb --attackers cca --out emb", "emb holds files that relinkage did not write"),
    ],
)
def test_requests_that_make_no_sense(root, heads, line, words, monkeypatch):
    monkeypatch.chdir(root)
    assert words in refused(root, "attack", *line.split())


# Every option of the audit is one of the attack.


EFFECTS = [
    ("--pool 10,50", lambda made, _: {row.pool for row in made.closed_set} == {10, 50}),
    ("--k 1,7", lambda made, _: {row.k for row in made.closed_set} == {1, 7}),
    ("--direction report-to-image", lambda made, _: made.closed_set[0].direction == "report-to-image"),
    ("--distractors other-patients", lambda made, usual: full(made).pool == full(usual).pool - 1),
    ("--several-reports each", lambda made, _: made.settings.several_reports == "each"),
    ("--hard-negatives Edema", lambda made, _: [row.columns for row in made.strata] == [("Edema",)]),
    ("--ladder", lambda made, _: [row.negatives for row in made.strata][:1] == ["labels"]),
    ("--ladder --uncertain absent", lambda made, _: [row.uncertain for row in made.strata][:1] == ["absent"]),
    ("--open-set 0.2", lambda made, _: {row.fpir for row in made.open_set} == {0.2}),
    ("--temperature 0.5", lambda made, usual: made.entropy[0].entropy > usual.entropy[0].entropy),
    ("--patient-level", lambda made, _: {row.target for row in made.targets} == {"text", "patient"}),
    ("--risk-pool 20", lambda made, _: {row.pool for row in made.risk} == {20}),
    ("--hard-negatives Edema --missing exclude", lambda made, _: made.settings.missing == "exclude"),
    (
        "--hard-negatives-of all --hard-negatives sex",
        lambda made, _: made.settings.hard_negatives_of == "all",
    ),
    (
        "--varies patients-and-gallery",
        lambda made, _: {row.varies for row in made.closed_set} != {"patients"},
    ),
    ("--negligible-lift 3", lambda made, _: made.settings.negligible_lift == 3),
    ("--interval 0.5", lambda made, usual: full(made).high < full(usual).high),
    ("--replicates 150", lambda made, _: made.settings.replicates == 150),
    ("--seed 5", lambda made, usual: made.controls != usual.controls),
    ("--engine cpu", lambda made, _: made.settings.engine == "cpu"),
    ("--name other", lambda made, _: made.name == "procrustes on other"),
    ("--out run --linkage --pseudonymise", lambda made, _: made.pseudonymised),
    ("--out run --linkage --pseudonym-key emb/pairs.parquet", lambda made, _: made.pseudonymised),
]


@pytest.mark.parametrize(("options", "effect"), EFFECTS)
def test_every_option_of_an_audit_takes_effect(root, usual, options, effect, monkeypatch):
    monkeypatch.chdir(root)
    made = audits_of(done("attack", "emb", "--attackers", "procrustes", *options.split(), "--json").out)
    assert effect(made, usual)
    assert not effect(usual, usual)


@pytest.fixture(scope="module")
def usual(root):
    return audits_of(done("attack", root / "emb", "--attackers", "procrustes", "--json").out)


def test_the_attack_takes_every_option_of_the_audit():
    texts = (done(name, "--help").out for name in ("audit", "attack"))
    options = [set(re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE)) - {"--help"} for text in texts]
    assert options[0] <= options[1]
    tried = {part for line, _ in EFFECTS for part in line.split() if part.startswith("--")}
    assert options[0] & options[1] == tried | {
        "--heads",
        "--split",
        "--json",
        "--images",
        "--reports",
        "--pairs",
        "--split-by",
        "--train-share",
    }


def test_all_pairs_of_arrays_are_attacked_where_their_table_has_a_split(tmp_path):
    random = np.random.default_rng(0)
    for side in ("images", "reports"):
        np.save(tmp_path / f"{side}.npy", random.normal(size=(60, 8)))
    rows = "\n".join(f"{row},p{row},{('train', 'test')[row % 2]}" for row in range(60))
    (tmp_path / "pairs.csv").write_text(f"pair_id,patient_id,split\n{rows}\n")
    ends = {"images": "npy", "reports": "npy", "pairs": "csv"}
    arrays = [f"--{name}={tmp_path / name}.{end}" for name, end in ends.items()]
    outcome = done("attack", *arrays, "--split", "all", "--attackers", "cosine", "--pool", "full", "--json")
    assert audits_of(outcome.out).closed_set[0].queries == 60
