"""SigLIP models of a few thousand random weights, saved as transformers saves real ones."""

from pathlib import Path

import sentencepiece
import torch
from transformers import Siglip2Tokenizer, SiglipConfig, SiglipModel, SiglipTokenizer
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

TOKEN_LIMIT = 16
SIDE = 32


def save_siglip(folder: Path) -> SiglipModel:
    """Save one with the tokenizer of SigLIP, which is sentencepiece's; the published ones give no mask."""
    folder.mkdir(parents=True, exist_ok=True)
    words = folder / "words.txt"
    words.write_text("no acute effusion\nleft or right small large pleural\nthe heart is enlarged\n" * 20)
    sentencepiece.SentencePieceTrainer.train(
        input=str(words),
        model_prefix=str(folder / "spiece"),
        vocab_size=28,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    words.unlink()
    tokenizer = SiglipTokenizer(
        str(folder / "spiece.model"), model_max_length=TOKEN_LIMIT, model_input_names=["input_ids"]
    )
    return _save(folder, tokenizer, seed=4)


def save_siglip2(folder: Path) -> SiglipModel:
    """Save one with the tokenizer of SigLIP 2, which masks padding."""
    letters = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *"abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Siglip2Tokenizer(
        vocab={letter: number for number, letter in enumerate(letters)}, merges=[], padding_side="right"
    )
    return _save(folder, tokenizer, seed=5)


def _save(folder: Path, tokenizer, seed: int) -> SiglipModel:
    tower = {"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(seed)
    model = SiglipModel(
        SiglipConfig(
            text_config=tower
            | {
                "vocab_size": len(tokenizer),
                "max_position_embeddings": TOKEN_LIMIT,
                "hidden_size": 16,
                "projection_size": 24,
                "pad_token_id": 1,
                "bos_token_id": 2,
                "eos_token_id": 1,
            },
            vision_config=tower | {"image_size": SIDE, "patch_size": 8},
        )
    ).eval()
    for name, weight in model.named_parameters():
        if name.endswith("bias"):  # they are made as zeros, which would hide a bias that gets lost
            torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return model
