"""Tiny models under the names that their publishers use, and what they give, worked out tensor by tensor.

The image networks are run by plain functions over the state dict, so that nothing of the code under test is
needed to say what is right. The text towers are transformers' own models with a head written out by hand.
"""

import json
from pathlib import Path

import torch
from published import BertHead, biovil_image_head
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM, BertModel, SwinConfig, SwinModel

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "no", "effusion", "left", "right", "pleural", "."]
POSITIONS = 20
CHANNELS = 3
BIOVIL, BIOVIL_T = "biovil_image_resnet50_proj_size_128.pt", "biovil_t_image_model_proj_size_128.pt"
BLOCKS, WIDTHS, STEM = (2, 1, 1, 1), (2, 3, 4, 5), 4


def resnet_tensors(prefix="", blocks=BLOCKS, widths=WIDTHS, stem=STEM):
    """Random weights of a bottleneck ResNet, by torchvision's names."""
    random = torch.Generator().manual_seed(5)
    tensors = {}

    def convolution(name, out, channels, kernel):
        scale = (channels * kernel**2) ** -0.5
        tensors[f"{name}.weight"] = torch.randn(out, channels, kernel, kernel, generator=random) * scale

    def norm(name, channels):
        tensors[f"{name}.weight"] = 1 + 0.3 * torch.randn(channels, generator=random)
        tensors[f"{name}.bias"] = 0.3 * torch.randn(channels, generator=random)
        tensors[f"{name}.running_mean"] = 0.3 * torch.randn(channels, generator=random)
        tensors[f"{name}.running_var"] = 0.5 + torch.rand(channels, generator=random)
        tensors[f"{name}.num_batches_tracked"] = torch.tensor(7)

    convolution("conv1", stem, 3, 7)
    norm("bn1", stem)
    channels = stem
    for stage, (count, width) in enumerate(zip(blocks, widths, strict=True), start=1):
        for block in range(count):
            name = f"layer{stage}.{block}"
            for number, (out, given, kernel) in enumerate(
                ((width, channels, 1), (width, width, 3), (4 * width, width, 1)), start=1
            ):
                convolution(f"{name}.conv{number}", out, given, kernel)
                norm(f"{name}.bn{number}", out)
            if block == 0:
                convolution(f"{name}.downsample.0", 4 * width, channels, 1)
                norm(f"{name}.downsample.1", 4 * width)
            channels = 4 * width
    return {prefix + name: value for name, value in tensors.items()}


def resnet_grid(tensors, pixels, prefix=""):
    """The last feature maps of a ResNet, by its state dict alone."""
    held = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    def norm(grid, name):
        mean, variance, scale, shift = (
            held[f"{name}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (grid - mean) / (variance + 1e-5).sqrt() * scale + shift

    def convolve(grid, name, stride=1, padding=0):
        return functional.conv2d(grid, held[f"{name}.weight"], stride=stride, padding=padding)

    grid = norm(convolve(pixels, "conv1", 2, 3), "bn1").clamp(min=0)
    grid = functional.max_pool2d(grid, 3, 2, 1)
    for stage in (1, 2, 3, 4):
        block = 0
        while f"layer{stage}.{block}.conv1.weight" in held:
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            out = norm(convolve(grid, f"{name}.conv1"), f"{name}.bn1").clamp(min=0)
            out = norm(convolve(out, f"{name}.conv2", stride, 1), f"{name}.bn2").clamp(min=0)
            out = norm(convolve(out, f"{name}.conv3"), f"{name}.bn3")
            if f"{name}.downsample.0.weight" in held:
                grid = norm(convolve(grid, f"{name}.downsample.0", stride), f"{name}.downsample.1")
            grid = (out + grid).clamp(min=0)
            block += 1
    return grid


def bert_config(layers=3):
    return BertConfig(
        vocab_size=len(WORDS),
        hidden_size=12,
        intermediate_size=20,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=POSITIONS,
    )


def save_text_settings(folder: Path, config, **more):
    """Save what a BERT repository has beside its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "config.json").write_text(json.dumps(config.to_dict() | more))


def tiny_bert(seed=1):
    torch.manual_seed(seed)
    return BertModel(bert_config()).eval()


def bert_tensors(model, prefix):
    """A BERT's weights with the buffer that transformers wrote before its release 4.31."""
    tensors = {prefix + name: value for name, value in model.state_dict().items()}
    return tensors | {f"{prefix}embeddings.position_ids": torch.arange(POSITIONS)[None]}


def token_ids(text):
    """The numbers of a text of known words, as BERT frames it."""
    words = text.lower().replace(".", " .").split()
    numbers = [WORDS.index(word) if word in WORDS else WORDS.index("[UNK]") for word in words]
    return torch.tensor([[WORDS.index("[CLS]"), *numbers, WORDS.index("[SEP]")]])


@torch.inference_mode()
def hidden_states(model, text):
    """Hidden states of embeddings and layers for one text: (tokens, width) each."""
    return [states[0] for states in model(input_ids=token_ids(text), output_hidden_states=True).hidden_states]


def tiny_swin():
    torch.manual_seed(2)
    config = SwinConfig(image_size=224, embed_dim=4, depths=[2, 1], num_heads=[1, 2], window_size=7)
    return SwinModel(config).eval()


def swin_tensors(model, prefix, folder):
    """A Swin's weights as transformers writes them: by the names that every release reads."""
    from safetensors.torch import load_file

    model.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    return {prefix + name: value for name, value in tensors.items()} | {
        f"{prefix}encoder.layers.0.blocks.0.attention.self.relative_position_index": torch.zeros(49, 49)
    }


def masked_language_model():
    torch.manual_seed(3)
    return BertForMaskedLM(bert_config()).eval()


def save_biovil(folder, *, several_images):
    """Save a tiny BioViL-T, or BioViL, and give what it is made of: image tensors, BERT, text head."""
    torch.manual_seed(4)
    image = resnet_tensors("encoder.encoder.")
    image |= {"encoder.encoder.fc.weight": torch.randn(9, 20), "encoder.encoder.fc.bias": torch.randn(9)}
    if several_images:
        image |= {
            "encoder.backbone_to_vit.weight": torch.randn(CHANNELS, 20, 1, 1),
            "encoder.missing_previous_emb": torch.randn(1, CHANNELS, 1, 1),
            "encoder.vit_pooler.type_embed": torch.randn(2, 1, CHANNELS),
            "encoder.vit_pooler.blocks.0.attn.proj_q.weight": torch.randn(CHANNELS, CHANNELS),
        }
    projector = biovil_image_head(features=2 * CHANNELS if several_images else 20)
    image |= {f"projector.model.{name}": value for name, value in projector.state_dict().items()}
    model, head = masked_language_model(), BertHead(features=12)
    words = model.state_dict() | {f"cls_projection_head.{k}": v for k, v in head.state_dict().items()}
    own = {"model_type": "cxr-bert", "auto_map": {"AutoModel": "modeling_cxrbert.CXRBertModel"}}
    save_text_settings(folder, bert_config(), projection_size=8, **own)
    for code in ("modeling_cxrbert.py", "configuration_cxrbert.py"):
        (folder / code).write_text("raise SystemExit('code of the model was run')")
    tokenizer = {
        "tokenizer_class": "CXRBertTokenizer",
        "auto_map": {"AutoTokenizer": ["configuration_cxrbert.CXRBertTokenizer", None]},
        "do_lower_case": True,
        "model_max_length": 512,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    torch.save(image, folder / (BIOVIL_T if several_images else BIOVIL))
    torch.save(words, folder / "pytorch_model.bin")
    return image, model.bert, head.eval()
