"""The manifest of heads: what is written is read, fits its schema, and tells nothing that is private."""

import json
import subprocess
import sys

import jsonschema
import msgspec
import pytest
from msgspec.structs import asdict, replace

from encoders.trained.sketched import ALIGNED, CONTROL, HARDENED, OWN
from relinkage.encoders.trained.aligning import AlignSettings, Weights
from relinkage.encoders.trained.hardening import HardenChoices, HardenSettings
from relinkage.encoders.trained.manifest import (
    HeadsManifest,
    holds_heads,
    read_manifest,
)
from relinkage.errors import InputError
from relinkage.options import command_line, fields_of
from relinkage.records import json_schema, json_text, plain, write_record


@pytest.mark.parametrize("manifest", [ALIGNED, HARDENED, CONTROL, OWN])
def test_what_is_written_is_read_and_fits_its_schema(manifest, tmp_path):
    write_record(tmp_path / "manifest.json", manifest)
    assert holds_heads(tmp_path)
    assert read_manifest(tmp_path) == manifest
    schema = json_schema(HeadsManifest)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(json_text(manifest)))


def test_the_schema_says_what_every_field_holds():
    for name, part in json_schema(HeadsManifest)["$defs"].items():
        for field, value in part["properties"].items():
            assert field == "origin" or value.get("description"), f"{name}.{field} is not described"


def test_a_manifest_never_tells_the_private_cohort_nor_the_seed_of_the_noise(tmp_path):
    with pytest.raises(ValueError, match="must not tell the private cohort"):
        replace(HARDENED, cohort_fingerprint="sha256:aa")
    told = json.dumps({**plain(HARDENED), "cohort_fingerprint": "sha256:aa"})
    (tmp_path / "manifest.json").write_text(told)
    with pytest.raises(
        InputError, match=r"manifest\.json is not a valid file: .*; copy the folder whole, or"
    ):
        read_manifest(tmp_path)
    assert {field.name for field in fields_of(HardenSettings)} - {
        field.name for field in fields_of(HardenChoices)
    } == {"seed_noise"}
    with pytest.raises(msgspec.ValidationError, match="unknown field `seed_noise`"):
        msgspec.convert({**plain(HARDENED.settings), "seed_noise": 7}, HardenChoices)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": None}, "the value of model is not what this release writes"),
        ({"settings": {"epsilon": 1}}, "the field delta of settings is missing"),
        ({"settings": {"epsilon": 1, "delta": 0.5}}, "its settings do not go together"),
        ({"origin": "elsewhere"}, "the value of origin is not what this release writes"),
        ({"losses": [1]}, "it holds an unknown field"),
        ({"privacy": "none"}, "the value of privacy is not what this release writes"),
    ],
)
def test_what_is_damaged_is_named_and_not_quoted(tmp_path, wrong, said):
    (tmp_path / "manifest.json").write_text(json.dumps({**plain(HARDENED), **wrong}))
    with pytest.raises(InputError) as error:
        read_manifest(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/manifest.json is not a valid file: {said}; copy the folder whole, or train again."
    )


def test_other_folders_hold_no_heads(tmp_path):
    for content in (
        None,
        b"",
        b"[]",
        b'{"schema": 1}',
        b'{"schema": "relinkage.embeddings/1"}',
        b"[" * 10**5,
    ):
        if content is not None:
            (tmp_path / "manifest.json").write_bytes(content)
        assert not holds_heads(tmp_path)
        with pytest.raises(
            InputError, match="holds no trained heads; name a folder that `relinkage align` wrote"
        ):
            read_manifest(tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        AlignSettings(objective="multi-task", weights=Weights(clip=0.5), head="linear", steps=7, lr=1e-3),
        HardenSettings(epsilon=0.34, delta=6e-6, mechanism="grouped", span=0, weights=Weights(bce=1), cap=2),
    ],
)
def test_the_options_of_a_training_say_how_to_repeat_it(settings):
    words, fields = list(command_line(settings)), {field.flag: field for field in fields_of(type(settings))}
    given = {
        fields[flag].name: fields[flag].parse(text)
        for flag, text in zip(words[::2], words[1::2], strict=True)
    }
    assert type(settings)(**given) == settings
    assert type(settings)(**asdict(settings)) == settings


def test_records_load_nothing_heavy():
    heavy = "print({'torch', 'numpy', 'polars'} & {*sys.modules})"
    code = f"import sys, relinkage.encoders.trained.manifest; {heavy}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
