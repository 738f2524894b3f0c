"""What a person writes after `--model`, and what they are told when nothing goes by that name."""

import builtins

import pytest
import torch

from relinkage.encoders import EncoderOptions, load_encoder
from relinkage.errors import InputError

pytestmark = pytest.mark.usefixtures("no_network")


def test_a_bare_folder_is_recognised_by_its_configuration(clip_folder):
    assert load_encoder(str(clip_folder)).card == load_encoder(f"clip:{clip_folder}").card


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet50", "not an encoder that relinkage knows; give phantom:"),
        ("", "not an encoder that relinkage knows"),
        ("phantom:genius", "give phantom: and one of general, label, report"),
        ("clip:", "neither a folder nor a hub id"),
        ("clip:no such folder", "neither a folder nor a hub id"),
        ("towers:somewhere", "does not name two towers; give towers:IMAGE[+]TEXT"),
        ("towers:+tfidf", "does not name two towers"),
    ],
)
def test_an_unknown_name_is_answered_with_those_that_exist(name, message):
    with pytest.raises(InputError, match=message):
        load_encoder(name)


def test_an_image_tower_alone_is_told_what_it_lacks(mobilenet_folder):
    with pytest.raises(InputError, match=r"add a text tower, as in towers:.*\+tfidf"):
        load_encoder(str(mobilenet_folder))


def test_another_kind_of_model_is_no_clip(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InputError, match="type bert, not clip"):
        load_encoder(str(tmp_path))


def test_a_hub_id_outside_the_cache_asks_the_network_only_where_that_was_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"nobody/nothing is neither .*only with download; copy the model's"):
        load_encoder("clip:nobody/nothing")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="and HF_HUB_OFFLINE is set"):
        load_encoder("nobody/nothing", options=EncoderOptions(download=True))


def test_a_model_of_the_catalogue_is_answered_with_what_to_copy(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for name in ("pubmedclip", "clip:flaviagiammarino/pubmed-clip-vit-base-patch32"):
        with pytest.raises(
            InputError, match=r"at revision 26c0c67f.*`relinkage models --offline-plan pubmedclip`"
        ):
            load_encoder(name)


def test_a_hub_that_cannot_be_reached_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))

    def unreachable(*_, local_files_only, **__):
        raise FileNotFoundError if local_files_only else ConnectionError

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(InputError, match=r"the hub did not give it \(ConnectionError\)"):
        load_encoder("nobody/nothing", options=EncoderOptions(download=True))


def test_a_model_in_the_hubs_cache_is_loaded_from_there(monkeypatch, tmp_path, clip_folder):
    """The cache's layout is the hub client's: refs name a commit, snapshots hold its files."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    stored = tmp_path / "models--somebody--tiny"
    (stored / "refs").mkdir(parents=True)
    (stored / "refs/main").write_text(commit)
    (stored / "snapshots").mkdir()
    (stored / "snapshots" / commit).symlink_to(clip_folder)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for name in ("clip:somebody/tiny", f"somebody/tiny@{commit}"):
        card = load_encoder(name).card
        assert (card.id, card.revision) == ("clip:somebody/tiny", commit)


@pytest.mark.parametrize(
    ("package", "name", "extra"),
    [("transformers", "clip:somebody/tiny", "models"), ("sklearn", "towers:NET+tfidf", "tfidf")],
)
def test_a_missing_extra_is_named(monkeypatch, package, name, extra, mobilenet_folder):
    real = builtins.__import__

    def without(module, *args, **kwargs):
        if module.split(".")[0] == package:
            raise ImportError(module)
        return real(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=rf"pip install 'relinkage\[{extra}\]'"):
        load_encoder(name.replace("NET", str(mobilenet_folder)))


def test_choices_are_checked():
    with pytest.raises(InputError, match=r"image_size 8 is not .*; give a whole number from 32 to 2048"):
        EncoderOptions(image_size=8)
    with pytest.raises(InputError, match=r"square round is not .*; give pad or stretch"):
        EncoderOptions(square="round")
    with pytest.raises(InputError, match=r"device tpu is not .*; give auto, cpu or cuda"):
        EncoderOptions(device="tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_device_that_is_not_there_is_refused(clip_folder):
    with pytest.raises(InputError, match="no CUDA device"):
        load_encoder(f"clip:{clip_folder}", options=EncoderOptions(device="cuda"))
    assert load_encoder(str(clip_folder)).card.device == "cpu"


def test_the_options_reach_the_towers(mobilenet_folder):
    options = EncoderOptions(image_size=64, square="stretch", text_dimension=2)
    encoder = load_encoder(f"towers:{mobilenet_folder}+tfidf", options=options)
    encoder.fit(["no effusion", "small effusion", "large effusion", "cardiomegaly"])
    assert encoder.card.text_features == 2
    assert "stretched to a square, bicubic to 64×64" in encoder.card.preprocessing
