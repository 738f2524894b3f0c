"""Projection heads: shapes, unit vectors, and files that give back what was written."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import warm
from relinkage.encoders import HeadPair, HeadSpec, load_heads, save_heads
from relinkage.errors import InputError

LINEAR = HeadSpec("linear", features=6, embedding=4)
MLP = HeadSpec("mlp", features=5, embedding=4, bias=True, hidden=7, dropout=0.5)


def heads(seed=0):
    torch.manual_seed(seed)
    return HeadPair(LINEAR, MLP).eval()


def test_embeddings_are_unit_vectors_in_one_space():
    pair = heads()
    images, texts = pair.embed_images(torch.randn(3, 6)), pair.embed_texts(torch.randn(2, 5))
    assert images.shape == (3, 4)
    assert texts.shape == (2, 4)
    torch.testing.assert_close(images.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(texts.norm(dim=1), torch.ones(2))


def test_a_linear_head_is_its_matrix():
    pair, features = heads(), torch.randn(3, 6)
    projected = features @ pair.image.weight.T
    torch.testing.assert_close(pair.embed_images(features), projected / projected.norm(dim=1, keepdim=True))


def test_two_spaces_are_refused():
    with pytest.raises(ValueError, match="4 and 5 dimensions"):
        HeadPair(LINEAR, HeadSpec("linear", features=6, embedding=5))


def test_heads_come_back_from_their_file(tmp_path):
    written = heads()
    save_heads(written, tmp_path / "heads.safetensors")
    read = load_heads(tmp_path / "heads.safetensors")
    assert (read.image_spec, read.text_spec) == (LINEAR, MLP)
    assert not read.training
    images, texts = torch.randn(3, 6), torch.randn(2, 5)
    assert torch.equal(read.embed_images(images), written.embed_images(images))
    assert torch.equal(read.embed_texts(texts), written.embed_texts(texts))


@pytest.mark.slow
def test_equal_heads_give_equal_bytes_in_another_process(tmp_path):
    save_heads(heads(), tmp_path / "here.safetensors")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from test_heads import heads, save_heads\n"
        "save_heads(heads(), Path(sys.argv[2]))"
    )
    there = tmp_path / "there.safetensors"
    assert warm.run([sys.executable, "-c", code, Path(__file__).parent, there]).returncode == 0
    assert there.read_bytes() == (tmp_path / "here.safetensors").read_bytes()


def test_what_is_no_file_of_heads_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"absent\.safetensors does not exist"):
        load_heads(tmp_path / "absent.safetensors")
    (tmp_path / "text.safetensors").write_text("not tensors")
    with pytest.raises(InputError, match="cannot be read as projection heads"):
        load_heads(tmp_path / "text.safetensors")
    save_file({"x": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="cannot be read as projection heads"):
        load_heads(tmp_path / "other.safetensors")
