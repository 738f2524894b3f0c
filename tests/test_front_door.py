"""The front door as a notebook uses it: arrays of any kind in, data frames and pages out."""

import json

import numpy as np
import polars as pl
import pytest
import torch

import relinkage as rl
from calling import done
from relinkage.linkage import Links, measure
from relinkage.linkage.settings import AuditSettings

PAIRS, WIDTH = 400, 12
QUICK = {"pool": [50, "full"], "k": [1, 5], "replicates": 100}


@pytest.fixture(scope="module")
def arrays():
    random = np.random.default_rng(0)
    images = random.normal(size=(PAIRS, WIDTH)).astype(np.float32)
    reports = (images + random.normal(size=images.shape)).astype(np.float32)
    return images, reports


@pytest.fixture(scope="module")
def pairs():
    patient = np.arange(PAIRS) // 2
    edema = np.random.default_rng(1).integers(0, 2, PAIRS)
    return rl.Pairs(
        patient=patient, labels={"Edema": edema}, split=np.where(patient % 2 == 0, "train", "test")
    )


def test_importing_it_loads_nothing_heavy(ask):
    loaded = ask("import relinkage; assert 'audit' in dir(relinkage)")
    heavy = {"numpy", "torch", "polars", "numba", "msgspec", "matplotlib"}
    assert not heavy & {name.partition(".")[0] for name in loaded}


@pytest.mark.parametrize(
    "held",
    [
        lambda array, folder: array,
        lambda array, folder: array.tolist(),
        lambda array, folder: torch.from_numpy(array),
        lambda array, folder: torch.nn.Parameter(torch.from_numpy(array)),
        lambda array, folder: array.astype(np.float64),
        lambda array, folder: _saved(array, folder),
        lambda array, folder: np.load(_saved(array, folder), mmap_mode="r"),
    ],
    ids=["numpy", "lists", "tensor", "parameter", "double", "path", "memory map"],
)
def test_an_audit_takes_arrays_of_any_kind(arrays, pairs, held, tmp_path):
    audit = rl.audit(*(held(array, tmp_path) for array in arrays), pairs, **QUICK)
    links = Links.from_pairs(pairs.table, PAIRS, PAIRS, "pairs")
    counted = measure(*arrays, links, AuditSettings(**QUICK)).tables[0].standings["all"]
    assert audit.queries["above"].to_list() == counted.above.tolist()
    assert audit.recall(k=1).value == pytest.approx((counted.above == 0).mean())


def _saved(array, folder):
    path = folder / f"{array.sum()}.npy"
    np.save(path, array)
    return path


def test_an_audit_takes_half_precision(arrays, pairs):
    for kind in (torch.float16, torch.bfloat16):
        rounded = [torch.from_numpy(array).to(kind) for array in arrays]
        audit = rl.audit(*rounded, pairs, **QUICK)
        again = rl.audit(*(part.float() for part in rounded), pairs, **QUICK)
        assert audit.queries["above"].equals(again.queries["above"])


def test_an_audit_gives_every_figure_as_a_frame(arrays, pairs, tmp_path):
    audit = rl.audit(*arrays, pairs, open_set=[0.1], hard_negatives="labels", **QUICK)
    closed = audit.to_frame()
    assert set(closed["negatives"]) == {"all", "labels"}
    row = closed.row(
        by_predicate=(pl.col("pool") == 50) & (pl.col("k") == 5) & (pl.col("negatives") == "all"), named=True
    )
    estimate = audit.recall(k=5, pool=50)
    assert (estimate.value, estimate.low, estimate.chance) == (row["recall"], row["low"], row["chance"])
    assert estimate.queries == PAIRS
    assert len(audit.queries) == PAIRS
    for figures in (audit.open_set, audit.ranks, audit.risk, audit.controls):
        assert len(figures)
    with pytest.raises(rl.InputError, match=r"no row of k 3 in pools of 50"):
        audit.recall(k=3, pool=50)


def test_an_audit_that_was_saved_is_loaded_as_it_was(arrays, pairs, tmp_path):
    audit = rl.audit(*arrays, pairs, name="base", **QUICK)
    audit.save(tmp_path / "run", linkage=True)
    loaded = rl.Audit.load(tmp_path / "run")
    assert loaded.result == audit.result
    assert loaded.queries.equals(audit.queries)
    audit.save(tmp_path / "run")  # the default, which replaces it and has no row of a patient
    assert not list((tmp_path / "run").glob("*.parquet"))
    loaded = rl.Audit.load(tmp_path / "run")
    assert loaded.result == audit.result
    with pytest.raises(rl.InputError, match="has no row per query; audit again with linkage"):
        _ = loaded.queries
    page = loaded.page(tmp_path / "base.html").read_text()
    assert audit.headline.replace("\N{NO-BREAK SPACE}", "&nbsp;") in page or audit.headline in page
    assert "base" in loaded.card(tmp_path / "card.md")
    assert (tmp_path / "card.md").is_file()


def test_an_audit_shows_headline_table_controls_and_notes(arrays):
    audit = rl.audit(*arrays, name="<b>base</b>", **QUICK)
    for shown in (repr(audit), audit._repr_html_()):
        assert "Recall" in shown
        assert "Patients are not known" in shown
    html = audit._repr_html_()
    assert "<b>base" not in html
    assert "scrambled mates" in html


def test_attackers_know_pairs_that_are_given_or_those_of_a_split(arrays, pairs):
    images, reports = arrays
    split = rl.attack(images, reports, pairs, attackers=["cosine", "ridge"], **QUICK)
    assert list(split) == ["cosine", "ridge"]
    assert split["ridge"].result.attacker.auxiliary_split == "train"
    half = slice(None, PAIRS // 2), slice(PAIRS // 2, None)
    tables = [rl.Pairs(patient=np.arange(PAIRS)[part]) for part in half]
    known = (images[half[0]], reports[half[0]], tables[0])
    given = rl.attack(images[half[1]], reports[half[1]], tables[1], auxiliary=known, attackers="cca", **QUICK)
    assert given["cca"].result.attacker.auxiliary_pairs == PAIRS // 2
    assert any("200 other patients, that were given" in note for note in given["cca"].notes)
    with pytest.raises(rl.InputError, match="of 200 patients that are attacked"):
        rl.attack(images[half[1]], reports[half[1]], tables[1], auxiliary=(*known[:2], tables[1]), **QUICK)


def test_all_attackers_are_those_that_can_work_here(arrays):
    attack = rl.attack(*arrays, attackers="all", **QUICK)
    assert list(attack) == ["cosine", "centre", "whiten", "csls", "sinkhorn", "sinkhorn-dustbin"]
    assert attack.notes == (
        "Left out, as they know no pairs: csls-bank, inverted-softmax, procrustes, ridge, cca, heads, "
        "relative, seeds, ensemble.",
    )
    with pytest.raises(KeyError, match="those that did: cosine, centre, whiten"):
        attack["cca"]


def test_an_attackers_mistake_is_one_sentence(arrays):
    class Short(rl.Attacker):
        def transform(self, images, reports):
            return images[:3], reports

    with pytest.raises(rl.InputError, match="The attacker short made images of shape"):
        rl.attack(*arrays, attackers=Short(), **QUICK)


def test_heads_are_written_only_when_asked(arrays, pairs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    heads = rl.align(*arrays, pairs, steps=5, batch=64, dimension=4)
    assert list(tmp_path.iterdir()) == []
    assert heads.statement is None
    before = rl.audit(*arrays, pairs, heads=heads, split="test", **QUICK)
    heads.save("HEADS")
    after = rl.audit(*arrays, pairs, heads="HEADS", split="test", **QUICK)
    assert before.to_frame().equals(after.to_frame())
    with pytest.raises(rl.InputError, match="epsilonn is not a valid choice; did you mean epsilon"):
        rl.harden(*arrays, pairs, epsilonn=1)


def test_metrics_are_those_of_the_audit(arrays, pairs):
    audit = rl.audit(*arrays, pairs, direction="both", **QUICK)
    metrics = rl.metrics(*arrays, pairs, k=[1, 5], pool=[50, "full"])
    assert metrics["recall@1 of 50"] == pytest.approx(audit.recall(k=1, pool=50).value)
    back = audit.recall(k=5, direction="report-to-image")
    assert metrics["report-to-image recall@5"] == pytest.approx(back.value)
    assert metrics["chance@1 of 50"] == 1 / 50


def test_errors_name_what_was_given(arrays, pairs):
    assert issubclass(rl.InputError, ValueError)
    images, reports = arrays
    with pytest.raises(rl.InputError, match=r"^reports has shape \(400,\)"):
        rl.audit(images, reports[:, 0])
    with pytest.raises(rl.InputError, match=r"^pairs has 400 rows for 399 images"):
        rl.audit(images[:-1], reports, pairs)
    with pytest.raises(
        rl.InputError, match=r"^images holds NaN or infinity in 1 of 400 rows, the first is row 7"
    ):
        rl.audit(np.where(np.arange(PAIRS)[:, None] == 7, np.nan, images), reports)
    with pytest.raises(rl.InputError, match="did you mean pool"):
        rl.audit(images, reports, pools=[10])


COMMANDS = {
    "audit": [],
    "attack": ["--attackers", "cosine,ridge", "--replicates", "100"],
    "align": ["--steps", "5", "--out", "heads"],
    "harden": [
        "--epsilon", "8", "--delta", "1e-5", "--population", "300", "--batch", "64", "--steps", "2",
        "--out", "heads",
    ],
    "utility": ["--replicates", "100", "--least-patients", "5"],
    "retrieve": ["--query", "0"],
    "map": [
        "--sample", "40", "--perplexity", "5", "--neighbours", "5", "--steps", "5", "--early", "5",
        "--out", "map",
    ],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_arrays(arrays, pairs, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, array in zip(("images", "reports"), arrays, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    pairs.table.write_parquet(tmp_path / "pairs.parquet")
    given = ["--images", "images.npy", "--reports", "reports.npy", "--pairs", "pairs.parquet"]
    outcome = done(command, *given, *COMMANDS[command], "--json")
    assert json.loads(outcome.out)


def test_a_command_that_needs_a_split_draws_one_by_a_column(arrays, pairs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, array in zip(("images", "reports"), arrays, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    pairs.table.drop("split").write_parquet(tmp_path / "pairs.parquet")
    given = ["--images", "images.npy", "--reports", "reports.npy", "--pairs", "pairs.parquet"]
    tested = json.loads(done("audit", *given, "--split-by", "patient_id", "--split", "test", "--json").out)
    assert 0 < tested["queries"] < PAIRS
    made = done("align", *given, "--split-by", "patient_id", "--steps", "2", "--out", "heads", "--json")
    assert 200 < json.loads(made.out)["pairs"] < 400
