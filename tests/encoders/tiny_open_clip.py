"""Models in the layout of open_clip of a few thousand random weights, made of transformers' own towers.

The towers stand under open_clip's names; what transformers gives with them is what the models must give.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import tiny_models
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import BertModel, CLIPVisionConfig, CLIPVisionModel, ViTConfig, ViTModel

EMBEDDING, SIDE, TOKEN_LIMIT = 12, 32, 10
TEXT_REPOSITORY = "somebody/tiny-bert"
WIDTH, TEXT_WIDTH = 32, 16
HIDDEN = (TEXT_WIDTH + EMBEDDING) // 2


@dataclass
class Saved:
    """The towers and heads that a folder was made of."""

    vision: nn.Module
    text: BertModel
    image_head: Tensor
    text_head: tuple[Tensor, Tensor]

    def embed_images(self, pixels):
        return nn.functional.normalize(self.image_features(pixels) @ self.image_head.T, dim=-1)

    def image_features(self, pixels):
        output = self.vision(pixel_values=pixels)
        return (
            output.pooler_output if self.vision.config.model_type == "clip_vision_model" else output[0][:, 0]
        )

    def embed_texts(self, tokens):
        first, second = self.text_head
        hidden = nn.functional.gelu(self.text(**tokens).last_hidden_state[:, 0] @ first.T)
        return nn.functional.normalize(hidden @ second.T, dim=-1)


def save_open_clip(folder: Path, *, image: str = "timm", file: str = "open_clip_model.safetensors") -> Saved:
    """Save a model as BiomedCLIP is published, and its text tower's configuration and vocabulary with it."""
    text = tiny_models.save_bert(folder / "text")
    (folder / "text/model.safetensors").unlink()
    torch.manual_seed(6)
    vision, config, names = {"timm": _timm, "open_clip": _open_clip}[image]()
    for name, weight in vision.named_parameters():
        if "bias" in name:
            nn.init.normal_(weight, std=0.5)
    head, mlp = (
        torch.randn(EMBEDDING, WIDTH),
        (torch.randn(HIDDEN, TEXT_WIDTH), torch.randn(EMBEDDING, HIDDEN)),
    )
    weights = {
        **names(vision.state_dict()),
        **{
            f"text.transformer.{name}": tensor
            for name, tensor in text.state_dict().items()
            if "pooler" not in name
        },
        "text.proj.0.weight": mlp[0],
        "text.proj.2.weight": mlp[1],
        "logit_scale": torch.tensor(2.0),
        ("visual.head.proj.weight" if image == "timm" else "visual.proj"): head
        if image == "timm"
        else head.T,
    }
    weights = {name: tensor.clone().contiguous() for name, tensor in weights.items()}
    if file.endswith(".safetensors"):
        save_file(weights, folder / file)
    else:
        torch.save(weights, folder / file)
    stated = {
        "model_cfg": {
            "embed_dim": EMBEDDING,
            "vision_cfg": config,
            "text_cfg": {
                "hf_model_name": TEXT_REPOSITORY,
                "hf_tokenizer_name": TEXT_REPOSITORY,
                "hf_proj_type": "mlp",
                "hf_pooler_type": "cls_last_hidden_state_pooler",
                "context_length": TOKEN_LIMIT,
            },
        },
        "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(stated))
    return Saved(vision.eval(), text, head, mlp)


def _timm():
    """A vision transformer under timm's names, as BiomedCLIP's."""
    shape = {"hidden_size": WIDTH, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = ViTModel(
        ViTConfig(**shape, image_size=SIDE, patch_size=8, layer_norm_eps=1e-6), add_pooling_layer=False
    )
    sizes = {
        "img_size": SIDE,
        "patch_size": 8,
        "embed_dim": WIDTH,
        "depth": 2,
        "num_heads": 4,
        "mlp_ratio": 1.25,
    }
    config = {
        "timm_model_name": "vit_base_patch16_224",
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "linear",
        "timm_model_kwargs": sizes,
        "image_size": SIDE,
    }
    return model, config, _timm_names


def _open_clip():
    """open_clip's own vision transformer, with OpenAI's activation."""
    shape = {"hidden_size": WIDTH, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = CLIPVisionModel(CLIPVisionConfig(**shape, image_size=SIDE, patch_size=8, hidden_act="gelu"))
    config = {
        "layers": 2,
        "width": WIDTH,
        "head_width": 8,
        "patch_size": 8,
        "image_size": SIDE,
        "mlp_ratio": 1.25,
    }
    return model, config, _open_clip_names


def _timm_names(tensors):
    made = {}
    for name, tensor in tensors.items():
        new = name.replace("embeddings.patch_embeddings.projection", "patch_embed.proj")
        new = new.replace("embeddings.cls_token", "cls_token").replace(
            "embeddings.position_embeddings", "pos_embed"
        )
        new = re.sub(r"^layers\.", "blocks.", new)
        for old, short in _TIMM_PARTS.items():
            new = new.replace(old, short)
        made[f"visual.trunk.{new}"] = tensor
    return _with_joined(made, "attn.{}.", "attn.qkv.")


_TIMM_PARTS = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.q_proj": "attn.q",
    "attention.k_proj": "attn.k",
    "attention.v_proj": "attn.v",
    "attention.o_proj": "attn.proj",
    "layernorm.": "norm.",
}


def _open_clip_names(tensors):
    made = {}
    for name, tensor in tensors.items():
        new = name.removeprefix("vision_model.").replace("embeddings.class_embedding", "class_embedding")
        new = new.replace("embeddings.patch_embedding.", "conv1.")
        new = new.replace("embeddings.position_embedding.weight", "positional_embedding")
        new = new.replace("pre_layrnorm", "ln_pre").replace("post_layernorm", "ln_post")
        new = new.replace("encoder.layers.", "transformer.resblocks.").replace("layer_norm", "ln_")
        new = new.replace("self_attn.out_proj", "attn.out_proj").replace("mlp.fc1", "mlp.c_fc")
        new = new.replace("mlp.fc2", "mlp.c_proj")
        new = re.sub(r"self_attn\.([qkv])_proj", r"attn.\1", new)
        if "position_ids" not in new:
            made[f"visual.{new}"] = tensor
    return _with_joined(made, "attn.{}.", "attn.in_proj_")


def _with_joined(tensors, part, whole):
    """Join the three matrices of attention into one, as both layouts do."""
    made = {}
    for name, tensor in tensors.items():
        query = part.format("q")
        if query in name:
            parts = [tensors[name.replace(query, part.format(letter))] for letter in "qkv"]
            made[name.replace(query, whole)] = torch.cat(parts)
        elif not any(part.format(letter) in name for letter in "kv"):
            made[name] = tensor
    return made
