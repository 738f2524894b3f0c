"""Models of a few thousand random weights, saved as transformers saves real ones."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

TOKEN_LIMIT = 20
SIDE = 32


def save_clip(folder: Path) -> CLIPModel:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*alphabet, *(letter + "</w>" for letter in alphabet), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[])
    torch.manual_seed(0)
    model = CLIPModel(
        CLIPConfig(
            text_config={
                "vocab_size": len(words),
                "hidden_size": 24,
                "intermediate_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "max_position_embeddings": TOKEN_LIMIT,
                "bos_token_id": tokenizer.bos_token_id,
                "eos_token_id": tokenizer.eos_token_id,
                "pad_token_id": tokenizer.pad_token_id,
            },
            vision_config=_vision() | {"image_size": SIDE, "patch_size": 8},
            projection_dim=16,
        )
    ).eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    save_processor(folder)
    (folder / "README.md").write_text("---\ntags:\n- tiny\nlicense: mit\n---\n# A tiny CLIP\n")
    return model


def save_vit(folder: Path, *, pooler: bool) -> ViTModel:
    torch.manual_seed(1)
    config = ViTConfig(**_vision(), image_size=SIDE, patch_size=8)
    model = ViTModel(config) if pooler else ViTForImageClassification(config)
    model.save_pretrained(folder)
    save_processor(folder)
    return (model if pooler else model.vit).eval()


def save_resnet(folder: Path) -> ResNetModel:
    torch.manual_seed(2)
    model = ResNetModel(
        ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic")
    )
    model.save_pretrained(folder)
    save_processor(folder)
    return model.eval()


def save_bert(folder: Path) -> BertModel:
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "no",
        "effusion",
        "left",
        "right",
        "small",
        "large",
        "pleural",
    ]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    torch.manual_seed(3)
    model = BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=TOKEN_LIMIT,
        )
    ).eval()
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=12
    ).save_pretrained(folder)
    return model


def save_processor(folder: Path) -> None:
    CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder)


def _vision() -> dict[str, int]:
    return {"hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4}
