"""Train the phantom encoders and write their weights: `python -m relinkage.encoders.phantom_training`.

Each encoder is trained in one process with one thread and one seed, so the same machine and version of torch
give the same bytes again. The patients come from the `training` stream of the phantom cohort's generator.
"""

import argparse
import itertools
import math
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from relinkage.cohorts import CHEXPERT_LABELS
from relinkage.cohorts.phantom import CITY, draw_patient
from relinkage.encoders.phantom import EMBEDDING, SIZE, TOKEN_LIMITS, Name, PhantomNetwork, tokenise
from relinkage.encoders.phantom_shapes import draw_shapes
from relinkage.encoders.seeding import private_generator, seeded
from relinkage.files import whole_file
from relinkage.progress import say
from relinkage.threads import torch_threads

WEIGHTS = Path(__file__).parent / "weights"
"""Where the weights that come with the package lie."""

_WARM_UP = 0.1
_HOTTEST = 50.0


@dataclass(frozen=True)
class Plan:
    """How one phantom encoder is trained.

    Attributes:
        pairs: image-text pairs to draw.
        epochs: passes over them.
        batch: pairs a step.
        rate: the highest learning rate.
        seed: seed of the pairs, the first weights and the order.
    """

    pairs: int
    epochs: int
    batch: int
    rate: float = 2e-3
    seed: int = 0


PLANS: dict[Name, Plan] = {
    "report": Plan(pairs=20_000, epochs=3, batch=256),
    "label": Plan(pairs=16_000, epochs=2, batch=128),
    "general": Plan(pairs=10_000, epochs=4, batch=128),
}
"""The plans of the shipped weights, the longest first."""


@dataclass(frozen=True)
class Pairs:
    """What an encoder is trained on.

    Attributes:
        images: uint8, shape (pairs, 1, 128, 128).
        tokens: int64, shape (pairs, token limit), 0 where a text has ended.
        texts: int64, shape (pairs,): equal where texts are equal.
        studies: int64, shape (pairs,): equal where images are of one study.
        labels: float32, shape (pairs, 14): 1 present, ½ uncertain, 0 absent or not mentioned.
    """

    images: Tensor
    tokens: Tensor
    texts: Tensor
    studies: Tensor
    labels: Tensor


def draw_pairs(name: Name, plan: Plan) -> Pairs:
    """Draw the pairs of a plan: shapes and captions for `general`, phantom studies for the others."""
    images = torch.empty(plan.pairs, 1, SIZE, SIZE, dtype=torch.uint8)
    texts: list[str] = []
    studies: list[int] = []
    labels: list[list[float]] = []
    source = _shapes(plan.seed) if name == "general" else _radiographs(plan.seed)
    for row, (pixels, text, study, values) in enumerate(itertools.islice(source, plan.pairs)):
        images[row, 0] = torch.from_numpy(pixels)
        texts.append(text)
        studies.append(study)
        labels.append(values)
    limit = TOKEN_LIMITS[name]
    tokens = torch.zeros(plan.pairs, limit, dtype=torch.int64)
    for row, text in enumerate(texts):
        numbers, _ = tokenise(text, limit)
        tokens[row, : len(numbers)] = torch.tensor(numbers)
    kinds = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return Pairs(
        images,
        tokens,
        torch.tensor([kinds[text] for text in texts]),
        torch.tensor(studies),
        torch.tensor(labels),
    )


def train(name: Name, plan: Plan) -> PhantomNetwork:
    """Train one phantom encoder from nothing.

    `general` and `report` learn with InfoNCE (van den Oord et al. 2018) in both directions; another image of
    the same study, or the same text, is never a negative. `label` learns to put images and reports where a
    fixed anchor of their labels is.
    """
    pairs = draw_pairs(name, plan)
    with seeded(plan.seed):
        network = PhantomNetwork()
        targets = _label_anchors(pairs.labels) if name == "label" else None
        random = private_generator()
    with torch_threads(1):
        return _descend(name, plan, pairs, network, targets, random)


def _descend(
    name: Name,
    plan: Plan,
    pairs: Pairs,
    network: PhantomNetwork,
    targets: Tensor | None,
    random: torch.Generator,
) -> PhantomNetwork:
    temperature = nn.Parameter(torch.tensor(math.log(10.0)))
    steps = plan.epochs * (plan.pairs // plan.batch)
    optimiser = torch.optim.AdamW([*network.parameters(), temperature], lr=plan.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.rate, total_steps=steps, pct_start=_WARM_UP
    )
    for step, rows in enumerate(_batches(plan, random)):
        tokens = pairs.tokens[rows]
        tokens = tokens[:, : int((tokens > 0).sum(1).max())]
        images = network.heads.embed_images(network.image(pairs.images[rows]))
        texts = network.heads.embed_texts(network.text(tokens))
        if targets is not None:
            loss = _anchor_loss(images, texts, targets[rows])
        else:
            scale = temperature.exp().clamp(max=_HOTTEST)
            loss = _info_nce(images, texts, scale, pairs.texts[rows], pairs.studies[rows])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % 50 == 0:
            say(f"phantom:{name} step {step + 1} of {steps}, loss {loss.item():.3f}")
    return network.eval()


def write_weights(network: PhantomNetwork, path: Path) -> None:
    """Write the weights in half precision as a safetensors file; equal weights give equal bytes."""
    tensors = {key: tensor.half().contiguous() for key, tensor in network.state_dict().items()}
    with whole_file(path) as temporary:
        save_file(tensors, temporary)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the encoders, two at a time, and write a file for each."""
    parser = argparse.ArgumentParser(
        prog="python -m relinkage.encoders.phantom_training", description=__doc__
    )
    parser.add_argument("--only", choices=tuple(PLANS), help="train one encoder and leave the others")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the folder to write the weights to")
    options = parser.parse_args(arguments)
    names = [cast(Name, options.only)] if options.only else list(PLANS)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        for path in processes.map(_train_and_write, names, itertools.repeat(options.out)):
            say(f"wrote {path}")


def _train_and_write(name: Name, out: Path) -> Path:
    path = out / f"phantom-{name}.safetensors"
    write_weights(train(name, PLANS[name]), path)
    return path


_Pair = tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], str, int, list[float]]


def _radiographs(seed: int) -> Iterator[_Pair]:
    studies = itertools.count()
    for number in itertools.count():
        for study in draw_patient(number, seed=seed, site=CITY, stream="training").studies:
            index = next(studies)
            said = [study.report.labels.get(label, 0) for label in CHEXPERT_LABELS]
            values = [0.5 if value < 0 else float(value) for value in said]
            for image in study.images:
                yield image, study.report.text, index, values


def _shapes(seed: int) -> Iterator[_Pair]:
    rng = np.random.default_rng(seed)
    for index in itertools.count():
        image, caption = draw_shapes(rng)
        yield image, caption, index, []


def _batches(plan: Plan, random: torch.Generator) -> Iterator[Tensor]:
    for _ in range(plan.epochs):
        order = torch.randperm(plan.pairs, generator=random)
        for step in range(plan.pairs // plan.batch):
            yield order[step * plan.batch : (step + 1) * plan.batch]


def _info_nce(images: Tensor, texts: Tensor, scale: Tensor, kinds: Tensor, studies: Tensor) -> Tensor:
    mates = (kinds[:, None] == kinds) | (studies[:, None] == studies)
    mates.fill_diagonal_(False)
    scores = (scale * images @ texts.T).masked_fill(mates, -torch.inf)
    target = torch.arange(len(scores))
    cross_entropy = nn.functional.cross_entropy
    return (cross_entropy(scores, target) + cross_entropy(scores.T, target)) / 2


def _label_anchors(labels: Tensor) -> Tensor:
    """Give every pair a unit vector that depends on its labels alone, rare labels weighing more."""
    rate = labels.mean(0)
    standard = (labels - rate) / (rate * (1 - rate)).clamp(min=1e-4).sqrt()
    anchors, _ = torch.linalg.qr(torch.randn(EMBEDDING, len(rate)))
    return nn.functional.normalize(standard @ anchors.T, dim=1)


def _anchor_loss(images: Tensor, texts: Tensor, targets: Tensor) -> Tensor:
    return 2 - (images * targets).sum(1).mean() - (texts * targets).sum(1).mean()


if __name__ == "__main__":
    main()
