"""What a folder laid out for sentence-transformers says of pooling is followed, or refused."""

import json

import pytest
import tiny_models
import tiny_texts
from tiny_texts import tower

from relinkage.encoders import load_encoder
from relinkage.encoders.sentences import read_sentence_layout
from relinkage.errors import InputError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "text").mkdir()
    return tmp_path / "text"


def test_a_folder_without_such_files_says_nothing(folder):
    assert read_sentence_layout(folder) is None


def test_the_card_says_what_the_folder_states(tmp_path):
    encoder, _ = tower(tmp_path / "text", modes=["cls"], layout={"unit": True, "limit": 9})
    assert "text: first token, unit length (as the model's folder states)" in encoder.card.pooling
    assert encoder.card.token_limit == 9


def test_a_folder_of_pooling_alone_is_enough(folder):
    tiny_texts.save_layout(folder, "max")
    (folder / "modules.json").unlink()
    assert [mode.name for mode in read_sentence_layout(folder).modes] == ["max"]


@pytest.mark.parametrize(
    ("stated", "modes"),
    [
        ({}, ["mean"]),
        ({"pooling_mode": "cls"}, ["cls"]),
        ({"pooling_mode": ["mean", "max"]}, ["max", "mean"]),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, ["cls", "mean"]),
    ],
)
def test_ways_to_pool_are_read_as_the_library_reads_them(folder, stated, modes):
    tiny_texts.save_layout(folder, "mean")
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": 16} | stated))
    assert [mode.name for mode in read_sentence_layout(folder).modes] == modes


@pytest.mark.parametrize(
    "stated",
    [
        {"pooling_mode": "attention"},
        {"pooling_mode": 3},
        {"pooling_mode_mean_tokens": False},
        {"pooling_mode_mean_tokens": True, "pooling_mode_attention": True},
    ],
)
def test_a_way_to_pool_that_is_not_known_is_refused(folder, stated):
    tiny_texts.save_layout(folder, "mean")
    (folder / "1_Pooling/config.json").write_text(json.dumps(stated))
    with pytest.raises(InputError, match=r"1_Pooling/config\.json states a way to pool that relinkage does"):
        read_sentence_layout(folder)


def test_a_file_that_is_named_and_missing_is_refused(folder):
    tiny_texts.save_layout(folder, "cls")
    (folder / "1_Pooling/config.json").unlink()
    with pytest.raises(InputError, match=r"modules\.json says that 1_Pooling/config\.json states"):
        read_sentence_layout(folder)


@pytest.mark.parametrize("content", ["{}", "[1]", "no JSON", '[{"type": "a.Pooling", "path": "../other"}]'])
def test_a_damaged_list_of_steps_is_refused(folder, content):
    tiny_texts.save_layout(folder, "cls")
    (folder / "modules.json").write_text(content)
    with pytest.raises(InputError, match=r"modules\.json does not say what follows the text model"):
        read_sentence_layout(folder)


def test_further_steps_and_a_default_prompt_are_left_out_and_told(folder):
    tiny_texts.save_layout(folder, "cls", further=["Dense"])
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    steps, prompt = read_sentence_layout(folder).differs
    assert "steps Dense (modules.json) are left out" in steps
    assert "default prompt" in prompt


def test_the_revision_follows_the_way_to_pool(tmp_path):
    tower(tmp_path / "text", modes=["cls"])
    name = f"towers:{tmp_path / 'vit'}+{tmp_path / 'text'}"
    before = load_encoder(name).card
    tiny_texts.state(tmp_path / "text/1_Pooling/config.json", pooling_mode_lasttoken=True)
    assert load_encoder(name).card.revision != before.revision


def test_the_hub_is_asked_for_the_way_to_pool_too(monkeypatch, tmp_path):
    """Subfolders hold other formats and stay where they are, but for what `modules.json` names."""
    whole, cache = tmp_path / "hub", tmp_path / "cache"
    tower(whole, modes=["cls"])
    (whole / "onnx").mkdir()
    (whole / "onnx/model.safetensors").write_text("another format")
    cache.mkdir()

    def snapshot_download(_, *, revision, allow_patterns, ignore_patterns, local_files_only):
        from huggingface_hub.utils import filter_repo_objects

        files = [path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()]
        wanted = filter_repo_objects(files, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns)
        for name in [] if local_files_only else wanted:
            (cache / name).parent.mkdir(exist_ok=True)
            (cache / name).write_bytes((whole / name).read_bytes())
        return str(cache)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    tiny_models.save_vit(tmp_path / "vit", pooler=True)
    from relinkage.encoders.settings import EncoderOptions

    name = f"towers:{tmp_path / 'vit'}+somebody/text"
    card = load_encoder(name, options=EncoderOptions(download=True)).card
    assert "text: first token" in card.pooling
    assert not (cache / "onnx").exists()
