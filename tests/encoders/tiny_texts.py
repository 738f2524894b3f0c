"""Text models of drawn weights with tokenizers of every kind, and what each gives for one text alone.

A builder saves a model in a folder, loads it as relinkage does, and gives the encoder beside a function from
one text to its features, which is transformers' own class on that text and nothing beside it.
"""

import json
import math

import tiny_models
import tiny_open_clip
import tiny_siglip
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    CLIPModel,
    DistilBertConfig,
    DistilBertModel,
    GemmaTokenizer,
    GPT2Config,
    GPT2Model,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    SiglipModel,
)

from relinkage.encoders import load_encoder

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "no",
    "effusion",
    "left",
    "right",
    "small",
    "pleural",
    "No",
    "Effusion",
    "LEFT",
]
POSITIONS = 16
SHAPE = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXTS = [
    "No Effusion",
    "no effusion",
    "small LEFT pleural effusion",
    "right",
    "no small left pleural effusion " * 6,
]
"""Two that differ in case alone, one of a word, one beyond every limit."""


def state(file, **changes):
    """Change what a JSON file states."""
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def save_tokenizer(folder, *, side="right", framed=True, lower=False, pad="[PAD]", added=(), limit=POSITIONS):
    """Save a tokenizer of whole words."""
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    if lower:
        words.normalizer = normalizers.Lowercase()
    if framed:
        words.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token=pad,
        unk_token="[UNK]",
        eos_token="[SEP]",
        padding_side=side,
        model_max_length=limit,
    )
    made.add_tokens(list(added))
    made.save_pretrained(folder)
    return len(made)


def save_model(folder, kind, words):
    """Save a text model of large drawn weights, so that what should not matter would show."""
    torch.manual_seed(3)
    if kind == "bert":
        config = BertConfig(vocab_size=words, max_position_embeddings=POSITIONS, **SHAPE)
        model = BertModel(config)
    elif kind == "roberta":  # its positions start after the number of padding
        model = RobertaModel(RobertaConfig(vocab_size=words, max_position_embeddings=POSITIONS + 1, **SHAPE,
                                           pad_token_id=0, bos_token_id=2, eos_token_id=3))  # fmt: skip
    elif kind == "distilbert":  # takes no token_type_ids, which the tokenizer gives
        model = DistilBertModel(
            DistilBertConfig(
                vocab_size=words,
                dim=16,
                hidden_dim=24,
                n_layers=2,
                n_heads=2,
                max_position_embeddings=POSITIONS,
            )
        )
    else:
        model = GPT2Model(GPT2Config(vocab_size=words, n_embd=16, n_layer=2, n_head=2, n_positions=POSITIONS,
                                     bos_token_id=3, eos_token_id=3))  # fmt: skip
    for weight in model.parameters():
        weight.data.mul_(8 if weight.ndim > 1 else 1)
    model.eval().save_pretrained(folder)


POOLS = {
    "cls": lambda rows: rows[0],
    "max": lambda rows: torch.stack([max(column) for column in rows.T]),
    "mean": lambda rows: sum(rows) / len(rows),
    "mean_sqrt_len_tokens": lambda rows: sum(rows) / math.sqrt(len(rows)),
    "weightedmean": lambda rows: sum(n * row for n, row in enumerate(rows, 1)) / sum(range(1, len(rows) + 1)),
    "lasttoken": lambda rows: rows[-1],
}
"""Each from the token vectors (tokens, width) of one text, written out."""
SWITCHES = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens", "lasttoken": "lasttoken"}
SWITCHES |= {"mean_sqrt_len_tokens": "mean_sqrt_len_tokens", "weightedmean": "weightedmean_tokens"}


def save_layout(folder, *modes, unit=False, limit=None, lower=False, further=()):
    """Save what sentence-transformers writes beside a text model."""
    (folder / "1_Pooling").mkdir()
    switches = {f"pooling_mode_{switch}": mode in modes for mode, switch in SWITCHES.items()}
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": 16} | switches))
    kinds = ["Transformer", "Pooling", *further, *["Normalize"] * unit]
    steps = [
        {
            "idx": n,
            "name": str(n),
            "path": f"{n}_{kind}" * (n > 0),
            "type": f"sentence_transformers.models.{kind}",
        }
        for n, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(steps))
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": limit, "do_lower_case": lower})
    )


def tower(folder, kind="bert", modes=(), *, layout=None, **tokenizer):
    """A text tower; `modes` and `layout` are what its folder states of pooling."""
    folder.mkdir()
    save_model(folder, kind, save_tokenizer(folder, **tokenizer))
    layout = layout or {}
    if modes:
        save_layout(folder, *modes, **layout)
    tiny_models.save_vit(folder.parent / "vit", pooler=True)
    words, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    limit = min(layout.get("limit") or POSITIONS, words.model_max_length)

    def alone(text):
        inputs = words(
            text.lower() if layout.get("lower") else text,
            truncation=True,
            max_length=limit,
            return_tensors="pt",
        )
        if kind == "distilbert":
            inputs.pop("token_type_ids", None)
        rows = model(**inputs).last_hidden_state[0]
        pooled = torch.cat([POOLS[mode](rows) for mode in modes or ["mean"]])
        return pooled / pooled.norm() if layout.get("unit") else pooled

    return load_encoder(f"towers:{folder.parent / 'vit'}+{folder}"), alone


def clip(folder, *, added=(), end=None, side="right", pad=None):
    """A CLIP whose tokens are letters; `added` words are numbered above the end of text."""
    tiny_models.save_clip(folder)
    words = AutoTokenizer.from_pretrained(folder)
    words.add_tokens(list(added))
    if pad:
        words.add_special_tokens({"pad_token": pad})
    words.save_pretrained(folder)
    state(folder / "tokenizer_config.json", padding_side=side)
    model = CLIPModel.from_pretrained(folder).eval()
    model.text_model.resize_token_embeddings(len(words))
    for weight in model.text_model.parameters():
        weight.data.mul_(4)
    model.config.text_config.vocab_size = len(words)
    if end is not None:
        model.config.text_config.eos_token_id = end
    model.save_pretrained(folder)
    model, words = CLIPModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)

    def alone(text):
        inputs = words(text, truncation=True, max_length=tiny_models.TOKEN_LIMIT, return_tensors="pt")
        return model.text_model(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]
        ).pooler_output[0]

    return load_encoder(f"clip:{folder}"), alone


def siglip(folder, *, own_class=True):
    """A SigLIP 2, with transformers' tokenizer for it, or with Gemma's, which keeps case and pads left."""
    tiny_siglip.save_siglip2(folder)
    if not own_class:
        letters = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *"abcdefghijklmnopqrstuvwxyzNELFT"]
        GemmaTokenizer(
            vocab={letter: number for number, letter in enumerate(letters)}, merges=[]
        ).save_pretrained(folder)
        model = SiglipModel.from_pretrained(folder)
        model.text_model.resize_token_embeddings(len(letters))
        model.config.text_config.vocab_size = len(letters)
        model.save_pretrained(folder)
    model, words = SiglipModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)

    def alone(text):
        inputs = words(
            text.lower(),
            padding="max_length",
            truncation=True,
            max_length=tiny_siglip.TOKEN_LIMIT,
            return_tensors="pt",
        )
        pooled = {}
        handle = model.text_model.head.register_forward_hook(lambda _, given, __: pooled.update(one=given[0]))
        model.text_model(**inputs)
        handle.remove()
        return pooled["one"][0]

    return load_encoder(f"siglip:{folder}"), alone


def open_clip(folder, *, side="right", pooler="cls_last_hidden_state_pooler", pad="[PAD]"):
    """BiomedCLIP's kind: open_clip pads to the limit on the tokenizer's side and masks padding."""
    saved = tiny_open_clip.save_open_clip(folder, image="open_clip")
    settings = folder / "open_clip_config.json"
    stated = json.loads(settings.read_text())
    stated["model_cfg"]["text_cfg"]["hf_pooler_type"] = pooler
    settings.write_text(json.dumps(stated))
    words = AutoTokenizer.from_pretrained(folder / "text")
    words.pad_token = pad
    words.save_pretrained(folder / "text")
    state(folder / "text/tokenizer_config.json", padding_side=side)
    words = AutoTokenizer.from_pretrained(folder / "text")

    def alone(text):
        numbers = words(
            text,
            padding="max_length",
            truncation=True,
            max_length=tiny_open_clip.TOKEN_LIMIT,
            return_tensors="pt",
        )["input_ids"]
        mask = (numbers != saved.text.config.pad_token_id).long()
        rows = saved.text(input_ids=numbers, attention_mask=mask).last_hidden_state[0]
        return rows[mask[0] == 1].mean(0) if pooler == "mean_pooler" else rows[0]

    return load_encoder(f"open_clip:{folder}"), alone
