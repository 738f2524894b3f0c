"""A text's features depend on nothing but itself, whatever tokenizer a model brings."""

import functools
import json

import numpy as np
import pytest
import state_dict_models
import tiny_texts
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_texts import TEXTS, clip, open_clip, siglip, tower
from transformers import BertTokenizerFast

from relinkage.encoders import load_encoder, pooling, sentences
from relinkage.encoders.state_dicts.bert import BertTower
from relinkage.errors import InputError
from tiers import quick

ADDED = ("cardiomegaly", "pneumothorax")
BUILDERS = {
    "BERT padded left": (tower, {"side": "left"}),
    "GPT-2 padded left, without a padding token": (
        tower,
        {"kind": "gpt", "side": "left", "framed": False, "pad": None},
    ),
    "GPT-2 pooled at its last token": (
        tower,
        {"kind": "gpt", "modes": ["lasttoken"], "side": "left", "framed": False, "pad": None},
    ),
    "RoBERTa padded left": (tower, {"kind": "roberta", "side": "left"}),
    "RoBERTa padded right, whose limit follows from its positions": (
        tower,
        {"kind": "roberta", "limit": 1000},
    ),
    "DistilBERT, whose tokenizer gives more than it takes": (tower, {"kind": "distilbert"}),
    "BERT without case": (tower, {"lower": True}),
    "BERT with added words": (tower, {"added": ADDED, "side": "left"}),
    "BERT pooled at its first token, padded left": (tower, {"modes": ["cls"], "side": "left"}),
    "BERT pooled six ways at once, unit length": (
        tower,
        {"modes": list(tiny_texts.POOLS), "side": "left", "layout": {"unit": True, "limit": 9}},
    ),
    "BERT in lower case before its tokenizer": (tower, {"modes": ["mean"], "layout": {"lower": True}}),
    "CLIP": (clip, {}),
    "CLIP padded left": (clip, {"side": "left"}),
    "CLIP with added words": (clip, {"added": ADDED}),
    "early CLIP": (clip, {"end": 2}),
    "early CLIP with added words": (clip, {"end": 2, "added": ADDED}),
    "early CLIP whose padding is numbered above its end": (clip, {"end": 2, "pad": "<|pad|>"}),
    "SigLIP 2 padded right": (siglip, {}),
    "SigLIP 2 with Gemma's tokenizer": (siglip, {"own_class": False}),
    "BiomedCLIP's kind": (open_clip, {}),
    "BiomedCLIP's kind padded left": (open_clip, {"side": "left"}),
    "BiomedCLIP's kind averaged, padded left": (open_clip, {"side": "left", "pooler": "mean_pooler"}),
    "BiomedCLIP's kind with another padding than the model's": (open_clip, {"pad": "[SEP]"}),
}


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Give a function that makes a model of `BUILDERS` once."""

    @functools.cache
    def made(name):
        builder, choices = BUILDERS[name]
        return builder(tmp_path_factory.mktemp("models") / "text", **choices)

    return made


@pytest.mark.parametrize("name", quick(99, BUILDERS))
def test_features_are_those_of_the_text_alone_in_transformers_own_class(build, name):
    encoder, alone = build(name)
    texts = [*TEXTS, "left cardiomegaly effusion", "pneumothorax"]
    with torch.inference_mode():
        expected = torch.stack([alone(text) for text in texts]).numpy()
    together = encoder.encode_texts(texts).features
    single = np.concatenate([encoder.encode_texts([text]).features for text in texts])
    beside_longer = encoder.encode_texts([TEXTS[3], TEXTS[4]]).features
    scale = np.abs(expected).max()
    np.testing.assert_allclose(together / scale, expected / scale, atol=1e-5)
    np.testing.assert_allclose(single / scale, expected / scale, atol=1e-5)
    np.testing.assert_allclose(beside_longer / scale, expected[3:5] / scale, atol=1e-5)


def test_the_card_says_what_happens_to_texts(build):
    left = build("BERT padded left")[0].card.text
    assert (left.case, left.padding, left.cut) == ("kept", "right, masked", "end")
    assert left.differs[0].startswith("Texts are padded on the right, though the tokenizer pads on the left")
    assert build("BERT without case")[0].card.text.case == "folded"
    assert build("BERT in lower case before its tokenizer")[0].card.text.case == "folded"
    assert build("CLIP")[0].card.text == build("early CLIP")[0].card.text
    assert build("CLIP")[0].card.text.case == "folded"
    assert build("CLIP")[0].card.text.differs == ()


def test_the_card_says_where_lower_case_is_put_in_that_the_tokenizer_lacks(build):
    assert build("SigLIP 2 padded right")[0].card.text.differs == ()
    gemma = build("SigLIP 2 with Gemma's tokenizer")[0].card.text
    assert (gemma.case, gemma.padding) == ("folded", "left, to the limit, masked")
    assert "put in lower case, as SigLIP was trained" in gemma.differs[0]


def test_the_card_says_where_words_are_numbered_above_the_end_of_text(build):
    assert "end-of-text token" in build("CLIP with added words")[0].card.pooling
    assert build("CLIP with added words")[0].card.text.differs == ()
    early = build("early CLIP with added words")[0].card
    assert "token of the highest number" in early.pooling
    assert "2 words numbered above the end of text" in early.text.differs[0]


def test_a_pad_side_beyond_the_text_is_followed_where_the_model_was_trained_so(build):
    assert build("BiomedCLIP's kind")[0].card.text.padding == "right, masked"
    assert build("BiomedCLIP's kind padded left")[0].card.text.padding.startswith("left, to the limit")


def test_a_tokenizer_of_more_words_than_the_model_is_refused(tmp_path):
    tower(tmp_path / "text")
    tiny_texts.save_tokenizer(tmp_path / "text", added=ADDED)
    with pytest.raises(InputError, match=r"tokenizer has 15 words and the model 13; copy"):
        load_encoder(f"towers:{tmp_path / 'vit'}+{tmp_path / 'text'}")


def test_a_tokenizer_that_does_not_end_a_text_as_the_model_expects_is_refused(tmp_path):
    clip(tmp_path)
    file = tmp_path / "tokenizer.json"
    stated = json.loads(file.read_text())
    stated["post_processor"] = None
    file.write_text(json.dumps(stated))
    tiny_texts.state(tmp_path / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    with pytest.raises(InputError, match="does not end a text with its token"):
        load_encoder(f"clip:{tmp_path}")


def test_texts_are_cut_at_the_end_that_the_tokenizer_cuts(tmp_path):
    tower(tmp_path / "text", limit=5)
    tiny_texts.state(tmp_path / "text/tokenizer_config.json", truncation_side="left")
    encoder = load_encoder(f"towers:{tmp_path / 'vit'}+{tmp_path / 'text'}")
    assert encoder.card.text.cut == "start"
    last, all_of_it = encoder.encode_texts(["small left right", "no effusion small left right"]).features
    np.testing.assert_allclose(last, all_of_it, atol=1e-5)


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=7), min_size=1, max_size=5))
def test_pooling_is_that_of_each_text_without_its_padding(rows):
    random = np.random.default_rng(sum(map(sum, rows)))
    vectors = torch.from_numpy(random.normal(size=(len(rows), 7, 3)))
    mask = torch.tensor([[int(place < len(row)) for place in range(7)] for row in rows])
    modes = {mode.name: mode.pool for mode in sentences._MODES}
    assert modes.keys() == tiny_texts.POOLS.keys()
    for name, pool in modes.items():
        expected = [tiny_texts.POOLS[name](vectors[n, : len(row)]) for n, row in enumerate(rows)]
        torch.testing.assert_close(pool(vectors, mask), torch.stack(expected))


@pytest.mark.parametrize(
    ("side", "lower"), [("left", True), ("left", False), ("right", True)], ids=["left", "cased", "right"]
)
@pytest.mark.parametrize("pool", [pooling.first_token, pooling.last_token, pooling.mean_token])
def test_a_bert_of_a_state_dict_gives_what_it_gives_for_the_text_alone(tmp_path, side, lower, pool):
    """BioViL, CXR-CLIP and MedCLIP have their text features from it, the last from three layers."""
    bert = state_dict_models.tiny_bert()
    state_dict_models.save_text_settings(tmp_path, bert.config)
    vocabulary = (tmp_path / "vocab.txt").read_text().replace("\nright\n", "\nNo\n")
    (tmp_path / "vocab.txt").write_text(vocabulary)
    settings = {"padding_side": side, "do_lower_case": lower}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    texts = ["No effusion.", "left", "no left pleural effusion. left pleural effusion no no"]
    tensors = state_dict_models.bert_tensors(bert, "")
    for averaged in ((-1,), (1, 2, -1)):
        built = BertTower(tmp_path, tensors, tmp_path, pool, torch.device("cpu"), averaged=averaged)
        tokenizer = BertTokenizerFast.from_pretrained(tmp_path)
        expected = []
        for text in texts:
            with torch.inference_mode():
                states = bert(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states
            rows = sum(states[layer][0] for layer in averaged) / len(averaged)
            taken = {"first_token": rows[0], "last_token": rows[-1], "mean_token": rows.mean(0)}
            expected.append(taken[pool.__name__])
        np.testing.assert_allclose(built.encode(texts).features, torch.stack(expected), atol=1e-5)
        assert built.handling.case == ("folded" if lower else "kept")
