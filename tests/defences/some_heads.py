"""Heads of every kind, of random weights, and features for them."""

import torch

from relinkage.encoders import HeadPair, HeadSpec

KINDS = {
    "linear": (HeadSpec("linear", 9, 6), HeadSpec("linear", 7, 6, bias=True)),
    "mlp": (HeadSpec("mlp", 9, 6, bias=True, hidden=5), HeadSpec("mlp", 7, 6, hidden=5)),
    "grid": (
        HeadSpec("grid", 9, 6, bias=True, hidden=8, norm="frozen"),
        HeadSpec("bert-mlp", 7, 6, bias=True, hidden=5),
    ),
}


def some_heads(kind="linear", seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return HeadPair(*KINDS[kind]).eval().requires_grad_(False)


def some_features(kind="linear", rows=40, seed=1):
    random = torch.Generator().manual_seed(seed)
    images = (rows, 4, 9) if kind == "grid" else (rows, 9)
    return torch.randn(images, generator=random), torch.randn(rows, 7, generator=random)
