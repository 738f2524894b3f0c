"""Checkpoints with the names that publishers use, of a few random weights."""

import json

import torch
from safetensors.torch import save_file
from torch import nn


def biovil_image_head(features=12, hidden=8):
    """Build BioViL's projector as its paper describes it, with a BatchNorm that has seen data."""
    head = nn.Sequential(
        nn.Conv2d(features, hidden, 1, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(),
        nn.Conv2d(hidden, hidden, 1),
    )
    norm = head[1]
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
        tensor.normal_()
    norm.running_var.uniform_(0.1, 3)
    return head.eval()


class BertHead(nn.Module):
    """CXR-BERT's projection head, step by step."""

    def __init__(self, features=10, hidden=8):
        super().__init__()
        self.dense_to_hidden = nn.Linear(features, hidden)
        self.LayerNorm = nn.LayerNorm(hidden, eps=1e-12)
        self.dense_to_output = nn.Linear(hidden, hidden)
        self.LayerNorm.weight.data.normal_()
        self.LayerNorm.bias.data.normal_()

    def forward(self, cls):
        hidden = self.dense_to_hidden(cls)
        hidden = 0.5 * hidden * (1 + torch.erf(hidden / 2**0.5))
        return self.dense_to_output(self.LayerNorm(hidden))


def save_biovil(folder, image, text, *, image_prefix="", text_prefix="", text_file="pytorch_model.bin"):
    """Save both heads among other weights, as hi-ml-multimodal and CXR-BERT do."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"{image_prefix}projector.model.{name}": value for name, value in image.state_dict().items()}
    weights[f"{image_prefix}encoder.encoder.conv1.weight"] = torch.randn(4, 3, 7, 7)
    torch.save(weights, folder / "biovil_t_image_model_proj_size_128.pt")
    words = {
        f"{text_prefix}cls_projection_head.{name}": value.contiguous()
        for name, value in text.state_dict().items()
    } | {"bert.embeddings.word_embeddings.weight": torch.randn(20, 10)}
    if text_file.endswith(".safetensors"):
        save_file(words, folder / text_file)
    else:
        torch.save(words, folder / text_file)
    (folder / "config.json").write_text('{"model_type": "cxr-bert"}')


def save_open_clip(folder, heads, *, embedding=6, file="open_clip_model.safetensors", **config):
    """Save an open_clip folder whose projection tensors are `heads`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        **heads,
        "logit_scale": torch.tensor(2.0),
        "visual.ln_post.weight": torch.ones(12),
        "token_embedding.weight": torch.randn(9, 10),
    }
    if file.endswith(".safetensors"):
        save_file(weights, folder / file)
    else:
        torch.save(weights, folder / file)
    model = {"embed_dim": embedding, "vision_cfg": {"width": 12}, "text_cfg": {"width": 10}, **config}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, "preprocess_cfg": {}}))
