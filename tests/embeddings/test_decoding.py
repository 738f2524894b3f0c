"""Decoding ahead: in threads, in order, while the encoder works; told by events, not by time."""

from pathlib import Path
from threading import Event, get_ident

import numpy as np
import torch
from PIL import Image

from relinkage.embeddings.decoding import AHEAD, decode_ahead

PATIENCE = 30
"""Seconds until a test gives up waiting; it waits for events, so it waits as long only where it fails."""


def shades(folder, count):
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        Image.fromarray(np.full((16, 16), number, np.uint8)).save(path)
    return paths


def shade(image):
    return int(np.asarray(image)[0, 0])


def test_the_next_batches_are_decoded_while_the_encoder_works(tmp_path):
    paths = shades(tmp_path, 12)
    decoded = {number: Event() for number in range(12)}
    threads = set()

    def preprocess(image):
        decoded[shade(image)].set()
        threads.add(get_ident())
        return torch.tensor(shade(image))

    batches = [paths[start : start + 3] for start in range(0, 12, 3)]
    first = next(running := decode_ahead(batches, tmp_path, preprocess, workers=2))
    # The encoder has the first batch and takes its time: it asks for nothing until the next are there.
    for number in range(3, 3 * (1 + AHEAD)):
        assert decoded[number].wait(PATIENCE), f"image {number} waits for the encoder"
    assert not decoded[11].is_set(), "decoded further ahead than was said"
    assert torch.equal(torch.stack([image.pixels for image in first]), torch.arange(3))
    assert get_ident() not in threads
    assert [int(image.pixels) for batch in running for image in batch] == list(range(3, 12))


def test_two_images_are_decoded_at_a_time(tmp_path):
    paths = shades(tmp_path, 2)
    begun = [Event(), Event()]

    def preprocess(image):
        begun[shade(image)].set()
        assert begun[1 - shade(image)].wait(PATIENCE)  # the other image, in the other thread
        return torch.tensor(shade(image))

    (batch,) = decode_ahead([paths], tmp_path, preprocess, workers=2)
    assert [int(image.pixels) for image in batch] == [0, 1]


def test_what_cannot_be_used_comes_as_its_reason_in_its_place(tmp_path):
    paths = shades(tmp_path, 2)
    (tmp_path / "words.png").write_text("no pixels here")
    asked = [paths[0], tmp_path / "words.png", tmp_path / "absent.png", tmp_path / "s.tar::a.png", paths[1]]
    (batch,) = decode_ahead([asked], tmp_path, lambda image: torch.tensor(shade(image)), workers=2)
    found = [image.pixels for image in batch]
    assert found[1:4] == ["the file is not a PNG, JPEG or DICOM image", *["the image is missing"] * 2]
    assert [int(found[0]), int(found[4])] == [0, 1]
    assert len({image.digest for image in batch}) == 4  # a digest each, and one for what is missing


def test_an_encoder_that_stops_leaves_no_thread_at_work(tmp_path):
    batches = [[path] for path in shades(tmp_path, 12)]
    seen = []
    running = decode_ahead(batches, tmp_path, lambda image: seen.append(shade(image)), workers=1)
    next(running)
    running.close()
    count = len(seen)
    assert count <= 1 + AHEAD + 1
    assert not list(running)
    assert len(seen) == count


def test_no_batches_are_no_work():
    assert not list(decode_ahead([], Path(), lambda image: torch.zeros(0), workers=0))
