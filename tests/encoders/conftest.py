import socket

import numpy as np
import pytest
from PIL import Image

from real_data import real


@pytest.fixture(scope="session")
def mobilenet_folder():
    return real("encoders/mobilenet_v2")


@pytest.fixture
def no_network(monkeypatch):
    """Let a test fail that asks the network for anything."""

    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def radiograph():
    """A gray image, wider than high, of nothing in particular."""
    shades = np.random.default_rng(0).integers(0, 256, (45, 60), dtype=np.uint8)
    return Image.fromarray(shades)


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory):
    import tiny_models

    folder = tmp_path_factory.mktemp("models") / "tiny-clip"
    tiny_models.save_clip(folder)
    return folder
