"""Heads put back into their model: it loads elsewhere, embeds as the heads do, and says what was done."""

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, CLIPModel

import relinkage
from calling import done, refused
from encoders import published, tiny_models
from relinkage.encoders import HeadPair, HeadSpec, load_encoder, save_heads
from relinkage.encoders.trained.aligning import AlignSettings
from relinkage.encoders.trained.hardening import HardenChoices
from relinkage.encoders.trained.manifest import AlignedHeads, HardenedHeads, OwnHeads
from relinkage.encoders.trained.statement import StatedInputs, derived
from relinkage.files import fingerprint, write_json
from relinkage.privacy import PrivacyStatement
from relinkage.records import json_schema, json_text, plain, read_record
from relinkage.studies.exporting import BEGIN, Export
from tiers import quick

REPORTS = ["effusion", "no finding", "left"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-clip"
    tiny_models.save_clip(folder)
    return folder


@pytest.fixture
def model(clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(clip, tmp_path / "model")


ALIGNED = AlignedHeads(
    model="clip:model", model_revision="model", settings=AlignSettings(steps=3), train_split="train",
    cohort_fingerprint="sha256:aa", pairs=412, patients=96, steps=3, first_loss=1.5, last_loss=1.25,
    kept_steps=3, validation=(),
)  # fmt: skip


def lay_heads(folder="heads", dimension=16, image=None, manifest=ALIGNED):
    """Heads that might have been trained, in a folder with a manifest."""
    torch.manual_seed(7)
    pair = HeadPair(image or HeadSpec("linear", 32, dimension), HeadSpec("linear", 24, dimension)).eval()
    save_heads(pair, Path(folder) / "heads.safetensors")
    told = plain(manifest)
    if told["privacy"] is not None:
        told["privacy"]["heads"] = fingerprint((Path(folder) / "heads.safetensors").read_bytes())
    write_json(Path(folder) / "manifest.json", told)
    return pair.requires_grad_(False)


def check_embeddings(folder, pair):
    """Ask transformers for embeddings; they have to be those of the heads on the towers' features."""
    encoder = load_encoder(f"clip:{folder}")
    shades = np.random.default_rng(1).integers(0, 256, (3, 3, 32, 32)).astype(np.float32) / 255
    pixels = torch.from_numpy(shades)
    tokens = AutoTokenizer.from_pretrained(folder)(REPORTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        output = CLIPModel.from_pretrained(folder).eval()(pixel_values=pixels, **tokens)
        images = pair.embed_images(torch.from_numpy(encoder.encode_images(pixels)))
        texts = pair.embed_texts(torch.from_numpy(encoder.encode_texts(REPORTS).features))
    torch.testing.assert_close(output.image_embeds, images, atol=1e-5, rtol=0)
    torch.testing.assert_close(output.text_embeds, texts, atol=1e-5, rtol=0)


def test_the_written_model_embeds_as_the_heads_do(model):
    pair = lay_heads()
    told = done("export", "heads", "--model", "model", "--out", "out").out
    assert told == (
        "out: model for transformers, 16 dimensions\nThe heads were trained without differential privacy.\n"
    )
    check_embeddings("out", pair)
    assert {path.name for path in Path("out").iterdir()} == {path.name for path in model.iterdir()} | {
        "relinkage-export.json"
    }


def test_the_towers_and_the_other_files_are_the_models_own(model):
    lay_heads()
    done("export", "heads", "--model", "model", "--out", "out")
    before, after = load_file("model/model.safetensors"), load_file("out/model.safetensors")
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert changed == {"visual_projection.weight", "text_projection.weight"}
    for name in ("config.json", "preprocessor_config.json"):
        assert json.loads(Path("out", name).read_text()) == json.loads((model / name).read_text())
    assert Path("out/tokenizer.json").read_bytes() == (model / "tokenizer.json").read_bytes()


def test_heads_of_another_width_change_the_configuration(model):
    pair = lay_heads(dimension=5)
    done("export", "heads", "--model", "model", "--out", "out")
    config = json.loads(Path("out/config.json").read_text())
    assert [part["projection_dim"] for part in (config, config["text_config"], config["vision_config"])] == [
        5
    ] * 3
    check_embeddings("out", pair)


@pytest.mark.parametrize("form", quick(1, ["shards", "pickle"]))
def test_every_form_of_weights_is_rewritten(model, form):
    weights = load_file("model/model.safetensors")
    if form == "pickle":
        torch.save(weights, "model/pytorch_model.bin")
    else:
        CLIPModel.from_pretrained("model").save_pretrained("model", max_shard_size="20KB")
        assert len(list(model.glob("model-*.safetensors"))) > 1
    (model / "model.safetensors").unlink(missing_ok=True)
    pair = lay_heads(dimension=5)
    done("export", "heads", "--model", "model", "--out", "out")
    check_embeddings("out", pair)


def test_a_folder_in_both_layouts_is_rewritten_in_both_and_old_weights_stay_behind(model):
    own = {"visual.proj": torch.randn(32, 16), "text_projection": torch.randn(24, 16)}
    published.save_open_clip(model, own, embedding=16, file="open_clip_pytorch_model.bin")
    (model / "tf_model.h5").write_text("the old heads")
    torch.save(load_file("model/model.safetensors"), "model/pytorch_model.bin")
    pair = lay_heads()
    outcome = done("export", "heads", "--model", "model", "--out", "out", "--json")
    made = json.loads(outcome.out)
    assert made["layouts"] == ["transformers", "open_clip"]
    assert made["left_out"] == ["pytorch_model.bin", "tf_model.h5"]
    assert "Left out, as they hold the earlier heads: pytorch_model.bin, tf_model.h5" in outcome.err
    check_embeddings("out", pair)
    written = load_file("out/open_clip_model.safetensors")
    torch.testing.assert_close(written["visual.proj"], pair.image.weight.T)
    torch.testing.assert_close(written["text_projection"], pair.text.weight.T)
    assert not list(Path("out").glob("*.bin"))


CHOICES = HardenChoices(epsilon=3, delta=1e-5, mechanism="nominal", population=100, batch=10, steps=5)
STATEMENT = PrivacyStatement(
    **derived(CHOICES, "operating system"), epsilon=3.0, noise_multiplier=0.8911, noise="operating system",
    accountant="privacy loss distributions, dp-accounting 0.4",
    inputs=StatedInputs(start="sha256:" + 64 * "a"),
)  # fmt: skip


HARDENED = HardenedHeads(
    model="clip:model", model_revision="model", train_split="train", start="given", steps=5,
    privacy=STATEMENT, settings=CHOICES,
)  # fmt: skip


def test_the_privacy_statement_goes_along_in_its_own_words(model):
    """The sentence is made anew from the statement's data, so a forged one does not pass."""
    lay_heads(manifest={**plain(HARDENED), "privacy": {**plain(STATEMENT), "sentence": "forged: proven"}})
    done("export", "heads", "--model", "model", "--out", "out")
    card, made = Path("out/README.md").read_text(), json.loads(Path("out/relinkage-export.json").read_text())
    assert card.startswith((model / "README.md").read_text())
    assert "Nominal ε = 3 at δ = 1e-05 (nominal); no differential privacy is proven." in card
    assert "forged" not in card
    assert made["privacy"] in card
    assert made["heads"]["manifest"]["privacy"]["epsilon"] == 3.0


def test_what_was_counted_on_private_pairs_does_not_go_along(model):
    lay_heads()
    done("export", "heads", "--model", "model", "--out", "out")
    manifest = json.loads(Path("out/relinkage-export.json").read_text())["heads"]["manifest"]
    assert manifest == {
        "origin": "align",
        "schema": "relinkage.heads/1",
        "version": relinkage.__version__,
        "model": "clip:model",
        "model_revision": "model",
        "norm": None,
        "settings": plain(AlignSettings(steps=3)),
        "privacy": None,
    }


def test_of_a_control_without_noise_the_cohort_is_not_told(model):
    lay_heads(manifest=replace(HARDENED, privacy=None, cohort_fingerprint="sha256:aa"))
    made = json.loads(done("export", "heads", "--model", "model", "--out", "out", "--json").out)
    assert made["heads"]["manifest"]["cohort_fingerprint"] is None
    assert made["privacy"] == "The heads were trained without differential privacy."


def test_what_is_written_is_read_and_fits_its_schema(model):
    for manifest in (ALIGNED, HARDENED, OwnHeads(model="clip:model", model_revision="model")):
        lay_heads(manifest=manifest)
        done("export", "heads", "--model", "model", "--out", "out")
        told = Path("out/relinkage-export.json").read_text()
        jsonschema.Draft202012Validator(json_schema(Export)).validate(json.loads(told))
        read = read_record(Path("out/relinkage-export.json"), Export, "an export", "export again")
        assert json_text(read) + "\n" == told


def test_of_bare_heads_nothing_is_claimed(model):
    lay_heads()
    shutil.move("heads/heads.safetensors", "bare.safetensors")
    (model / "README.md").unlink()
    done("export", "bare.safetensors", "--model", "model", "--out", "out")
    card = Path("out/README.md").read_text()
    assert card.startswith(BEGIN)
    assert "Nothing is known of how the heads were trained" in card


def test_an_export_can_be_exported_again(model):
    lay_heads()
    done("export", "heads", "--model", "model", "--out", "out")
    pair = lay_heads("narrow", dimension=4, manifest=replace(ALIGNED, model_revision="out"))
    done("export", "narrow", "--model", "out", "--out", "again")
    check_embeddings("again", pair)
    assert Path("again/README.md").read_text().count(BEGIN) == 1
    done("export", "heads", "--model", "model", "--out", "again")


def test_heads_of_another_revision_are_refused_unless_vouched_for(model):
    pair = lay_heads(manifest=replace(ALIGNED, model="clip:other", model_revision="sha256:other"))
    sentence = refused(model.parent, "export", "heads", "--model", "model", "--out", "out")
    assert "features of clip:other at another revision than model" in sentence
    done("export", "heads", "--model", "model", "--out", "out", "--any-revision")
    check_embeddings("out", pair)
    lay_heads(manifest=replace(ALIGNED, model_revision=load_encoder("clip:model").card.revision))
    done("export", "heads", "--model", "model", "--out", "out")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("export heads --model model --out model/out", "lies in the model's own folder"),
        ("export heads --model model --out model", "lies in the model's own folder"),
        ("export heads --model absent --out out", "--model absent does not exist; name a file or folder"),
        ("export heads --model heads --out out", "heads holds no CLIP model of transformers"),
        ("export absent --model model --out out", "absent does not exist"),
        ("export biased --model model --out out", "image head has a bias and the model's has none"),
        ("export mlp --model model --out out", "image head is of the kind mlp"),
        ("export wide --model model --out out", "image head takes 33 features and the model gives 32"),
        ("export heads --model model --out drawer", "drawer holds files that relinkage did not write"),
        ("export garbled --model model --out out", "the field mechanism of privacy is missing; copy the"),
        ("export heads --model model", "Missing option '--out'"),
        ("heads absent --out out", "EMB|HEADS|MODEL absent does not exist; name a file or folder that does"),
        ("heads model --norm group --out out", "no BatchNorm to swap"),
        ("heads heads/heads.safetensors --out out", "does not say what trained its heads; name the folder"),
        ("heads drawer --out out", "drawer holds no CLIP model of transformers"),
    ],
)  # fmt: skip
def test_wrong_requests_are_refused_in_a_sentence_and_leave_nothing(model, line, says):
    lay_heads()
    lay_heads("biased", image=HeadSpec("linear", 32, 16, bias=True))
    lay_heads("mlp", image=HeadSpec("mlp", 32, 16, hidden=20))
    lay_heads("wide", image=HeadSpec("linear", 33, 16))
    lay_heads("garbled", manifest={**plain(HARDENED), "privacy": {"epsilon": 1}})
    Path("drawer").mkdir()
    Path("drawer/letter").touch()
    assert says in refused(model.parent, *line.split())


def test_a_models_own_heads_go_out_and_come_back(model):
    done("heads", "model", "--out", "own")
    manifest = json.loads(Path("own/manifest.json").read_text())
    assert manifest["origin"] == "model"
    assert "sha256:" in manifest["model_revision"]
    told = done("export", "own", "--model", "model", "--out", "out").out
    assert "the model's own heads, not trained with differential privacy" in told
    before, after = load_file("model/model.safetensors"), load_file("out/model.safetensors")
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_half_precision_weights_keep_the_heads_whole(model):
    weights = {
        name: t.half() if t.is_floating_point() else t
        for name, t in load_file("model/model.safetensors").items()
    }
    save_file(weights, "model/model.safetensors", {"format": "pt"})
    pair = lay_heads()
    done("export", "heads", "--model", "model", "--out", "out")
    assert torch.equal(load_file("out/model.safetensors")["visual_projection.weight"], pair.image.weight)
