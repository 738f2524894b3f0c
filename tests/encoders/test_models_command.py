"""`relinkage models`: what there is, what it needs, and what to copy to a machine without a network."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from calling import done, refused, relinkage
from relinkage.encoders import catalogue, hub, load_encoder, readiness
from relinkage.encoders.catalogue import CATALOGUE, CatalogueEntry, ModelFile, Repository
from relinkage.encoders.listing import ModelList
from relinkage.encoders.offline_plan import OfflinePlan
from relinkage.encoders.registry import FORMS, LOADERS
from relinkage.errors import InputError
from relinkage.records import json_schema, json_text, read_record

COMMIT = "0123456789abcdef0123456789abcdef01234567"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The sha256 of no bytes."""


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(cache, entry):
    """Put empty files of an entry into the cache, in the layout of the hub's client."""
    for repository in entry.repositories:
        stored = cache / f"models--{repository.id.replace('/', '--')}"
        snapshot = stored / "snapshots" / (repository.revision or COMMIT)
        snapshot.mkdir(parents=True)
        (stored / "refs").mkdir()
        (stored / "refs/main").write_text(COMMIT)
        for file in repository.files:
            (snapshot / file.name).touch()


def test_every_family_of_the_catalogue_has_a_loader():
    assert {entry.family for entry in CATALOGUE} <= set(LOADERS) == set(FORMS)
    for entry in CATALOGUE:
        assert entry.names[0].startswith(f"{entry.family}:")


def test_ids_and_names_are_of_one_model_each_and_hashes_are_sha256():
    names = [name for entry in CATALOGUE for name in (entry.id, *entry.names)]
    assert len(names) == len(set(names))
    for entry in CATALOGUE:
        for file in (file for repository in entry.repositories for file in repository.files):
            assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32


def test_every_extra_of_the_catalogue_is_one_of_the_package():
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    extras = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    asked = {entry.extra for entry in CATALOGUE}
    assert asked <= set(extras)
    assert asked <= set(readiness.PACKAGES)


def test_the_list_names_licence_input_and_what_to_install():
    lines = done("models").out.splitlines()
    assert lines[0].split() == ["Id", "Licence", "Pixels", "Tokens", "Install", "Ready", "here"]
    assert [line.split()[0] for line in lines[1 : 1 + len(CATALOGUE)]] == [entry.id for entry in CATALOGUE]
    row = next(line for line in lines if line.startswith("biomedclip"))
    assert all(part in row for part in ("MIT", "224", "256", "relinkage[models]", "files not in the cache"))


def test_as_json_every_fact_of_the_catalogue_is_there():
    rows = json.loads(done("models", "--json").out)["models"]
    assert [row["id"] for row in rows] == [entry.id for entry in CATALOGUE]
    row = next(row for row in rows if row["id"] == "medsiglip")
    assert (row["gated"], row["ready"], row["token_limit"]) == (True, False, 64)
    assert row["text_head"] == "1152 → 1152, bias"


def test_lists_and_plans_are_of_their_schemas(tmp_path):
    lines = {
        ("models", "--json"): ModelList,
        ("models", "--offline-plan", "biomedclip", "--json"): OfflinePlan,
        ("models", "--offline-plan", "medclip", "--folder", tmp_path, "--json"): OfflinePlan,
    }
    for line, kind in lines.items():
        told = relinkage(*line).out
        jsonschema.Draft202012Validator(json_schema(kind)).validate(json.loads(told))
        (tmp_path / "told.json").write_text(told)
        assert json_text(read_record(tmp_path / "told.json", kind, "a list", "list again")) == told.rstrip()


def test_a_model_is_ready_where_its_packages_and_its_files_are_here(cache, monkeypatch):
    put(cache, catalogue.CATALOGUE[0])
    here = json.loads(done("models", "--json").out)["models"][0]
    assert (here["ready"], here["to_do"]) == (True, "yes")
    monkeypatch.setitem(readiness.PACKAGES, "models", ("no_such_package",))
    here = json.loads(done("models", "--json").out)["models"][0]
    assert (here["ready"], here["to_do"]) == (False, "packages to install")


def test_the_offline_plan_names_repositories_files_folders_and_the_command_to_run():
    out = done("models", "--offline-plan", "biomedclip", "--folder", "/m/bio").out
    for part in (
        "hf download microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224 open_clip_config.json",
        "--revision d673b8835373c6fa116d6d8006b33d48734e305d --local-dir /m/bio/text",
        "vocab.txt → /m/bio/text/",
        "sha256 52cc993c",
        "export HF_HUB_OFFLINE=1",
        "relinkage embed COHORT --model open_clip:/m/bio --out EMB",
    ):
        assert part in out
    assert "accepted its terms" in done("models", "--offline-plan", "medsiglip").out


def test_a_plan_is_found_by_any_of_a_models_names():
    plans = [
        json.loads(done("models", "--offline-plan", name, "--json").out)
        for name in (CATALOGUE[0].id, *CATALOGUE[0].names, CATALOGUE[0].repositories[0].id)
    ]
    assert all(plan == plans[0] for plan in plans)


def test_a_folder_is_checked_file_by_file(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").touch()
    (folder / "pytorch_model.bin").write_text("something else")
    outcome = relinkage("models", "--offline-plan", "pubmedclip", "--folder", folder, "--json")
    found = {part["file"]: part["problem"] for part in json.loads(outcome.out)["findings"]}
    assert outcome.status == 1
    assert found["pytorch_model.bin"] == "another file"
    assert found["vocab.json"] == "missing"
    assert "config.json" not in found
    assert "vocab.json is missing" in outcome.err


def test_a_whole_folder_passes_also_with_weights_as_safetensors(tmp_path):
    entry = catalogue.find_entry("biomedclip")
    for repository in entry.repositories:
        (tmp_path / repository.folder).mkdir(exist_ok=True)
        for file in repository.files:
            name = "open_clip_model.safetensors" if file.sha256 else file.name
            (tmp_path / repository.folder / name).touch()
    outcome = done("models", "--offline-plan", "biomedclip", "--folder", tmp_path)
    assert f"{tmp_path} holds every file of biomedclip" in outcome.err


def test_mistakes_are_told_in_one_sentence(tmp_path):
    assert "nothing is not in the catalogue; give one of clip-vit-b-32" in refused(
        tmp_path, "models", "--offline-plan", "nothing"
    )
    assert "name it with --offline-plan" in refused(tmp_path, "models", "--folder", tmp_path)


def test_a_file_of_the_cache_that_is_not_the_published_one_is_refused(cache, monkeypatch):
    """The pinned revision is asked for where none is named, and its weights are hashed."""
    for sha256 in (EMPTY, "0" * 64):
        entry = CatalogueEntry(
            id="tiny",
            names=("clip:somebody/tiny",),
            family="clip",
            licence="MIT",
            input_size=8,
            token_limit=8,
            image_head="",
            text_head="",
            extra="models",
            repositories=(
                Repository(
                    "somebody/tiny",
                    COMMIT,
                    (ModelFile("config.json"), ModelFile("model.safetensors", sha256)),
                ),
            ),
        )
        monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))
        if not cache.exists():
            put(cache, entry)
        if sha256 == EMPTY:
            assert hub.from_hub("somebody/tiny", None, hub.TRANSFORMERS, download=False).name == COMMIT
        else:
            with pytest.raises(InputError, match="is not the file that somebody/tiny has at revision 0123"):
                load_encoder("tiny")
