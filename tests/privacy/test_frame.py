"""Heads are trained in coordinates of a public scale, and come back to take features as they are."""

import copy

import numpy as np
import pytest
import torch

from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.privacy.frame import frame


def heads(kind="linear", bias=True, width=4):
    hidden = 6 if kind == "mlp" else 0
    torch.manual_seed(1)
    return HeadPair(
        HeadSpec(kind, 5, width, bias=bias, hidden=hidden), HeadSpec(kind, 3, width, bias=bias, hidden=hidden)
    ).eval()


def basis(rank=2, width=4):
    return torch.linalg.qr(torch.randn(width, rank, generator=torch.Generator().manual_seed(2))).Q


def features(seed=3):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(7, 5, generator=random), torch.randn(7, 3, generator=random)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_untrained_heads_come_back_as_they_were(kind, bias):
    start = heads(kind, bias)
    released = frame(start).release()
    for head, other, some in zip(
        (released.image, released.text), (start.image, start.text), features(), strict=True
    ):
        torch.testing.assert_close(head(some), other(some))


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_the_scale_comes_from_the_public_heads_alone(size):
    start = heads()
    with torch.no_grad():
        start.image.weight.mul_(size)
    inside = frame(start)
    assert inside.heads.image.weight.norm().item() == pytest.approx(2.0)  # the root of 4 outputs
    image, _ = features()
    torch.testing.assert_close(
        inside.heads.image(image * inside.scales[0]), start.image(image), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_inside_a_basis_outputs_are_coordinates_in_it(kind, bias):
    start, q = heads(kind, bias), basis()
    inside = frame(start, q)
    for head, other, some, scale in zip(
        (inside.heads.image, inside.heads.text),
        (start.image, start.text),
        features(),
        inside.scales,
        strict=True,
    ):
        torch.testing.assert_close(head(some * scale), other(some) @ q, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_dropped_outside_means_that_embeddings_stay_in_the_span(kind):
    q = basis()
    released = frame(heads(kind), q, keep=False).release()
    for embed, some in zip((released.embed_images, released.embed_texts), features(), strict=True):
        vectors = embed(some)
        torch.testing.assert_close(vectors @ q @ q.T, vectors)


def test_kept_outside_means_that_the_rest_of_an_image_embedding_is_that_of_the_start():
    start, q = heads(), basis()
    inside = frame(start, q, keep=True)
    with torch.no_grad():
        for parameter in inside.heads.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5)) * 10)
    released = inside.release()
    image, text = features()
    outside = torch.eye(4) - q @ q.T
    torch.testing.assert_close(
        released.image(image) @ outside, start.image(image) @ outside, rtol=1e-4, atol=1e-4
    )
    before, after = (q.T @ head.image.weight for head in (start, released))
    assert after.norm().item() == pytest.approx(before.norm().item(), rel=1e-4)
    assert (released.text(text) @ outside).abs().max().item() == pytest.approx(0, abs=1e-4)
    # Where images are asked for reports, the kept part plays no part: reports have none.
    dropped = copy.deepcopy(inside)
    object.__setattr__(dropped, "keep", False)
    orders = [
        np.argsort((one.embed_images(image) @ one.embed_texts(text).T).detach().numpy(), axis=1)
        for one in (released, dropped.release())
    ]
    np.testing.assert_array_equal(*orders)


def test_the_start_is_left_as_it_is():
    start = heads()
    before = copy.deepcopy(start.state_dict())
    inside = frame(start, basis(), keep=True)
    with torch.no_grad():
        for parameter in inside.heads.parameters():
            parameter.zero_().add_(1)
    inside.release()
    for name, tensor in start.state_dict().items():
        torch.testing.assert_close(tensor, before[name])
