"""Memorisation from heads to a result: what is expected of heads that keep much, little and nothing."""

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from privacy.planted_pairs import planted
from relinkage.alignment import AlignSettings, align
from relinkage.alignment.folder import Heads
from relinkage.errors import InputError
from relinkage.pages.memorisation import findings, memorisation_table
from relinkage.pages.memorisation_page import render_memorisation
from relinkage.privacy import HardenSettings, MemorisationSettings, Public, harden
from relinkage.privacy.memorisation_result import MemorisationResult
from relinkage.records import read_record, write_record
from relinkage.studies import measure_memorisation, write_memorisation

ASKED = MemorisationSettings(coins=3, shadows=12, pool=(50,), replicates=300)
PLAIN = AlignSettings(steps=40, batch=64, dimension=8, lr=1e-2)
OVERFITTED = replace(PLAIN, steps=100, weight_decay=0.0, dimension=32)
PRIVATE = HardenSettings(
    epsilon=0.34, delta=1e-5, population=300, batch=64, steps=30, dimension=8, seed_noise=0
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """In matrices this small, threads wait for each other longer than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def emb():
    return planted(360, 1, images=30, texts=24, noise=0.5)


@pytest.fixture(scope="module")
def results(emb):
    trained = {
        "overfitted": align(emb, "train", OVERFITTED),
        "plain": align(emb, "train", PLAIN),
        "private": harden(emb, "train", PRIVATE),
        "untrained": align(emb, "train", replace(PLAIN, steps=1, lr=1e-9)),
    }
    return {name: measure_memorisation(emb, heads, ASKED) for name, heads in trained.items()}


def test_what_heads_keep_rises_from_private_to_overfitted(results):
    kept = [results[name].linkage[0].memorised for name in ("private", "plain", "overfitted")]
    assert kept[0].high < kept[1].low <= kept[1].high < kept[2].low
    told = [results[name].membership.auroc for name in ("private", "plain", "overfitted")]
    assert told[0].high < told[1].low <= told[1].high < told[2].low
    assert results["overfitted"].membership.lower_bound > 1


def test_untrained_heads_keep_nothing(results):
    row, membership = results["untrained"].linkage[0], results["untrained"].membership
    assert row.memorised.low <= 0 <= row.memorised.high
    assert membership.auroc.low <= 0.5 <= membership.auroc.high
    assert membership.lower_bound == 0


def test_private_heads_keep_their_bound_and_that_confirms_nothing(results):
    result = results["private"]
    assert not result.refuted
    row, epsilon = result.linkage[0], result.inputs.heads.manifest.privacy.epsilon
    assert row.bound == pytest.approx(np.exp(epsilon) * row.held_out.value + 1e-5)
    said = " ".join(findings(result))
    assert "confirms nothing" in said
    assert "void ε" in said  # the noise of these came from a seed
    assert "Nothing is stated" in " ".join(findings(results["plain"]))


def test_a_statement_that_is_not_true_is_refuted(emb):
    strong = replace(PRIVATE, epsilon=1000.0, mechanism="nominal", steps=100, lr=20.0, clip=5.0, dimension=24)
    heads = harden(emb, "train", strong)
    claims = replace(heads.manifest.privacy, epsilon=0.34)
    heads = Heads(heads.pair, replace(heads.manifest, privacy=claims))
    result = measure_memorisation(emb, heads, replace(ASKED, shadows=0))
    assert result.refuted
    assert any("refuted: Recall@1 of 50" in sentence for sentence in findings(result))


def test_membership_is_left_out_where_there_are_no_shadows(emb):
    result = measure_memorisation(emb, align(emb, "train", PLAIN), replace(ASKED, shadows=0, coins=1))
    assert result.membership is None
    assert result.linkage[0].deviation is None
    assert "Membership" not in memorisation_table(result)


def test_the_same_seed_gives_the_same_result_and_further_coins_keep_the_first(emb, results):
    heads = align(emb, "train", PLAIN)
    assert measure_memorisation(emb, heads, ASKED) == results["plain"]
    more = measure_memorisation(emb, heads, replace(ASKED, coins=4, shadows=0))
    assert more.linkage[0].by_coin[:3] == results["plain"].linkage[0].by_coin


def test_a_result_is_read_as_it_was_written(results, tmp_path):
    page = write_memorisation(results["plain"], tmp_path / "out")
    read = read_record(tmp_path / "out/memorisation.json", MemorisationResult, "it", "again")
    assert read == results["plain"]
    assert page.read_text() == render_memorisation(read)
    write_record(tmp_path / "again.json", read)


@pytest.mark.parametrize("name", ["plain", "private", "overfitted"])
def test_page_and_terminal_say_the_same(results, name):
    page, table = render_memorisation(results[name]), memorisation_table(results[name])
    for sentence in findings(results[name]):
        assert sentence.replace("\N{NO-BREAK SPACE}", " ") in table
        assert sentence.replace("'", "&#39;") in page
    assert "<script" not in page


def test_heads_that_say_nothing_of_their_training_are_refused(emb):
    own = Heads(align(emb, "train", PLAIN).pair, None, "bare")
    with pytest.raises(InputError, match="bare does not say how it was trained"):
        measure_memorisation(emb, own, ASKED)


def test_heads_of_another_cohort_are_refused(emb):
    with pytest.raises(InputError, match="was not trained on emb"):
        measure_memorisation(planted(360, 1, images=30, texts=24, seed=1), align(emb, "train", PLAIN), ASKED)


def test_what_a_training_did_not_look_at_is_refused(emb):
    heads = align(emb, "train", PLAIN)
    with pytest.raises(InputError, match="start goes with heads that `relinkage harden` trained"):
        measure_memorisation(emb, heads, ASKED, Public(heads))
    hardened = harden(emb, "train", PRIVATE)
    with pytest.raises(InputError, match="was hardened without start"):
        measure_memorisation(emb, hardened, ASKED, Public(heads))


def test_few_patients_are_refused():
    small = planted(24)
    with pytest.raises(InputError, match="16 patients"):
        measure_memorisation(small, align(small, "train", replace(PLAIN, steps=2)), ASKED)


def test_an_odd_number_of_shadows_is_refused():
    with pytest.raises(InputError, match="shadows 5 is not a valid number of trainings"):
        MemorisationSettings(shadows=5)
