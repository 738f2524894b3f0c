"""Damaged folders of heads: every command that reads one takes it, or refuses it in one sentence."""

import json
import re
import shutil
import time

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from calling import relinkage
from encoders import tiny_models
from fuzzing.mutating import chance, damaged, odd_text, outcomes
from relinkage.alignment import AlignSettings, align, read_heads
from relinkage.embeddings import read_embeddings
from relinkage.encoders import HeadPair, HeadSpec, load_heads, save_heads
from relinkage.encoders.trained.manifest import HEADS, MANIFEST, OwnHeads
from relinkage.errors import InputError
from relinkage.privacy import HardenSettings, Recheck, harden
from relinkage.records import plain, write_record
from relinkage.studies.exporting import privacy_sentence
from relinkage.studies.held_out import not_held_out
from usefulness.planted_labels import plant

SEED = 2026
SECRET = "Petra-7"
RECHECKED = Recheck(epsilon=1.0, renyi=None, faults=())
KINDS = ("aligned", "hardened", "own")
DEEP = "[" * 100_000 + "]" * 100_000
VALUES = (
    None, True, False, 0, -1, 1, 7, 0.5, -0.5, 1e-300, 1e300, 10**9, -(10**9), 2**63, 10**40, "", "none",
    SECRET, "proven", "2", [], {}, [[]], {"a": 1}, [1, 2, 3], float("nan"), float("inf"),
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Lay out embeddings, a model, and heads of every kind."""
    folder = tmp_path_factory.mktemp("heads")
    made = plant(folder / "emb")
    emb = read_embeddings(folder / "emb") if made is None else made
    align(emb, "train", AlignSettings(steps=4, dimension=4, validation=0.2), folder / "aligned")
    settings = HardenSettings(epsilon=1, delta=1e-4, population=200, batch=20, steps=3)
    harden(emb, "train", settings, folder / "hardened")
    shutil.copytree(folder / "aligned", folder / "own")
    write_record(folder / "own" / MANIFEST, OwnHeads(model="sketch", model_revision="1"))
    tiny_models.save_clip(folder / "model")
    shutil.copytree(folder / "hardened", folder / "fits")
    torch.manual_seed(0)
    save_heads(
        HeadPair(HeadSpec("linear", 32, 16), HeadSpec("linear", 24, 16)).eval(), folder / "fits" / HEADS
    )
    return folder


def places(value, path=()):
    """Give the path of everything in a JSON document, the document itself left out."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from places(part, (*path, key))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def changed(random, told):
    """Change a manifest somewhere: another value, nothing, another field's value, a field too many."""
    document = json.loads(told)
    for _ in range(int(random.integers(1, 3))):
        paths = list(places(document))
        *above, key = paths[int(random.integers(0, len(paths)))]
        holder = at(document, above)
        match int(random.integers(0, 5)):
            case 0:
                del holder[key]
            case 1:
                holder[key] = json.loads(json.dumps(at(document, paths[int(random.integers(0, len(paths)))])))
            case 2 if isinstance(holder, dict):
                holder[odd_text(random)] = 1
            case 3:
                holder[key] = odd_text(random)
            case _:
                holder[key] = VALUES[int(random.integers(0, len(VALUES)))]
    return json.dumps(document)


def written(random, told):
    """Damage a manifest in its fields, in its bytes, or altogether."""
    kind = random.random()
    if kind < 0.7:
        return changed(random, told).encode()
    if kind < 0.95:
        return damaged(random, told.encode())
    return (b"", b"[]", b"null", DEEP.encode(), told.replace("0", DEEP, 1).encode(), told.encode("utf-16"))[
        int(random.integers(0, 6))
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_manifests(desk, tmp_path, kind):
    folder = shutil.copytree(desk / kind, tmp_path / "heads")
    told = (folder / MANIFEST).read_text()
    emb, said = read_embeddings(desk / "emb"), []

    def door(case):
        (folder / MANIFEST).write_bytes(written(chance(SEED, case), told))
        try:
            read = read_heads(folder)
        except InputError as error:
            said.append(str(error))
            raise
        assert read.manifest is not None
        privacy_sentence(read)
        not_held_out(read, emb, None)
        json.dumps(plain(read.manifest), allow_nan=False)

    let_in = outcomes(250, door, InputError)
    assert len(let_in) < 125  # some changes are no damage, such as another name of the model
    assert not [sentence for sentence in said if SECRET in sentence or "\n" in sentence]


def test_weights(desk, tmp_path):
    whole = (desk / "hardened" / HEADS).read_bytes()
    with safe_open(desk / "hardened" / HEADS, "pt") as file:
        told = file.metadata()["heads"]
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    path = tmp_path / HEADS

    def door(case):
        random = chance(SEED + 1, case)
        kind = random.random()
        if kind < 0.4:
            path.write_bytes(damaged(random, whole))
        elif kind < 0.8:
            path.write_bytes(save(tensors, {"heads": changed(random, told)}))
        elif kind < 0.9:
            path.write_bytes(save(tensors, {"heads": (DEEP, "", "[]", "null")[case % 4]}))
        else:
            name = sorted(tensors)[case % len(tensors)]
            other = tensors[name]
            odd = (other.to(torch.complex64), other.to(torch.int8), other[:1], other.double() * float("nan"))
            path.write_bytes(save({**tensors, name: odd[case % 4].contiguous()}, {"heads": told}))
        load_heads(path)

    assert len(outcomes(300, door, InputError)) < 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("audit emb --heads HEADS --replicates 100 --pool full", "hardened"),
        ("utility emb --heads HEADS --replicates 100", "aligned"),
        ("harden emb --epsilon 1 --delta 1e-4 --population 200 --batch 20 --steps 2 --start HEADS --out new",
         "hardened"),
        ("privacy HEADS", "hardened"),
        ("export HEADS --model model --out new", "fits"),
        ("heads HEADS --out new", "own"),
    ],
)  # fmt: skip
def test_commands(desk, tmp_path, monkeypatch, line, kind):
    """A check that fails is an answer too; an error that should not happen (70) is none."""
    monkeypatch.chdir(desk)
    folder = shutil.copytree(desk / kind, tmp_path / "heads")
    told, whole = (folder / MANIFEST).read_text(), (folder / HEADS).read_bytes()
    command = [str(folder) if word == "HEADS" else word for word in line.split()]
    monkeypatch.setattr("relinkage.studies.checking.recheck", lambda statement, choices: RECHECKED)
    monkeypatch.setattr("relinkage.studies.judging_use.benchmark", nothing_to_measure)
    for case in range(24):
        random = chance(SEED + 2, case)
        shutil.rmtree(desk / "new", ignore_errors=True)
        (folder / MANIFEST).write_bytes(written(random, told) if case % 4 else told.encode())
        (folder / HEADS).write_bytes(whole if case % 4 else damaged(random, whole))
        if case == 8:
            (folder / HEADS).unlink()
        outcome = relinkage(*command)
        assert outcome.status in (0, 2), (case, outcome)
        if outcome.status == 2:
            assert re.fullmatch(r"relinkage: \S[^\n]*\.\n", outcome.err.split("steps]\n")[-1]), outcome.err
            assert SECRET not in outcome.err


def nothing_to_measure(*_, **__):
    """Stand for a measurement, which takes its time, once heads were read."""
    raise InputError("The heads were read.")


@pytest.mark.slow
def test_forged_statements_are_answered_soon(desk, tmp_path):
    """Numbers that would keep an accountant busy for hours: refused, or found to claim too much."""
    folder = shutil.copytree(desk / "hardened", tmp_path / "heads")
    manifest = read_heads(folder).manifest
    for wrong, status in (
        ({"steps": 10**30}, 2),
        ({"steps": 10**6, "noise_multiplier": 1e-3, "rate": 1.0}, 1),
        ({"steps": 10**6, "noise_multiplier": 0.01}, 1),
        ({"noise_multiplier": -1.0}, 2),
        ({"noise_multiplier": 1e-300}, 2),
        ({"rate": 1.5}, 2),
        ({"steps": 0}, 2),
        ({"unit": "pair", "pairs_a_patient": 10**6}, 2),
        ({"delta": 1e-300}, 1),
        ({"temperature": 1e-4, "mechanism": "logit", "population": 10**9}, 1),
    ):
        told = {**plain(manifest), "privacy": {**plain(manifest.privacy), **wrong}}
        (folder / MANIFEST).write_text(json.dumps(told))
        began = time.monotonic()
        outcome = relinkage("privacy", folder)
        assert outcome.status == status, (wrong, outcome)
        assert time.monotonic() - began < 60, wrong
        assert relinkage("privacy", folder, "--json").status == status
