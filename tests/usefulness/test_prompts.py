"""Prompts are public constants; a file may bring others, label by label."""

import json

import pytest

from relinkage.cohorts import CHEXPERT_LABELS
from relinkage.errors import InputError
from relinkage.usefulness import Prompt, public_prompts, read_prompts
from relinkage.usefulness.prompts import FINDINGS, NORMAL


def test_every_chexpert_label_is_named_and_denied_in_sentences():
    prompts = public_prompts(CHEXPERT_LABELS)
    assert list(prompts) == list(CHEXPERT_LABELS)
    assert set(FINDINGS) == set(CHEXPERT_LABELS) - {"No Finding"}
    for prompt in prompts.values():
        assert prompt.positive
        assert prompt.negative
        assert not set(prompt.positive) & set(prompt.negative)
        assert all(text.endswith(".") for text in prompt.positive + prompt.negative)
    assert prompts["Edema"].negative == ("no edema.", *NORMAL)
    assert prompts["No Finding"].positive == NORMAL
    assert not set(prompts["No Finding"].negative) & set(FINDINGS["Support Devices"])


def test_other_labels_are_named_and_denied_by_their_names():
    assert public_prompts(["Drusen"]) == {"Drusen": Prompt(positive=("drusen.",), negative=("no drusen.",))}


def test_a_json_file_holds_one_prompt_or_several(tmp_path):
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps({"Edema": {"positive": "wet.", "negative": ["dry.", " not wet. "]}}))
    assert read_prompts(path) == {"Edema": Prompt(positive=("wet.",), negative=("dry.", "not wet."))}


def test_a_csv_file_may_have_several_rows_a_label_and_empty_cells(tmp_path):
    path = tmp_path / "prompts.csv"
    path.write_text('label,positive,negative\nEdema,wet.,dry.\nEdema,"wet, very.",\n')
    assert read_prompts(path) == {"Edema": Prompt(positive=("wet.", "wet, very."), negative=("dry.",))}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.json", '["Edema"]', "no JSON object"),
        ("p.json", '{"Edema": "wet."}', "holds no prompts as expected; give a JSON object such as"),
        ("p.json", '{"Edema": {"positive": [1], "negative": ["dry."]}}', "holds no prompts as expected"),
        ("p.json", '{"Edema": {"positive": [" "], "negative": ["dry."]}}', "no positive prompt for 'Edema'"),
        ("p.csv", "label,positive\nEdema,wet.\n", "lacks the column negative"),
        ("p.csv", "label,positive,negative\nEdema,wet.,\n", "no negative prompt for 'Edema'"),
        ("p.txt", "", "p.txt"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_prompts(tmp_path / name)
    assert "\n" not in str(caught.value)
