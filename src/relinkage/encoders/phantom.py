"""The phantom encoders: three small real networks of rising specialisation, for use offline.

`phantom:general` saw a world of shapes and captions and no chest, as CLIP did; `phantom:label` was trained to
agree on the 14 CheXpert labels of phantom patients; `phantom:report` to tell each phantom report from all
others. They have what matters of larger encoders: two towers, linear heads into a shared space, a token
limit. They are not models of any patient: outside the phantom cohort their embeddings mean nothing.
`phantom_training` makes their weights.
"""

import re
import zlib
from collections.abc import Sequence
from importlib import resources
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image, Resampling
from safetensors.torch import load
from torch import Tensor, nn

from relinkage.encoders.card import EncoderCard, TextHandling
from relinkage.encoders.heads import HeadPair, HeadSpec
from relinkage.encoders.protocol import TextFeatures
from relinkage.errors import InputError
from relinkage.files import fingerprint
from relinkage.threads import torch_threads

Name = Literal["general", "label", "report"]

SIZE = 128
"""Width and height of the images the image tower sees, in pixels."""
FEATURES = 160
"""Width of the features of either tower."""
EMBEDDING = 128
"""Width of the shared space."""
TOKEN_LIMITS: dict[Name, int] = {"general": 77, "label": 128, "report": 128}
"""Tokens a text may have; `general` has CLIP's limit."""

_BUCKETS = 2048
_START = 1
_ROWS = 16
"""Images or texts that go through a tower at once: always as many, because matrix products of another shape
may add in another order."""
_WORD = re.compile(r"[a-z0-9]+|[^\sa-z0-9_]")

_PATIENTS = "phantom patients of the site `city`, drawn from a seed stream that no phantom cohort shares"
_SEEN: dict[Name, str] = {
    "general": "drawn shapes and their captions, no radiograph and no report",
    "label": f"{_PATIENTS}; their 14 labels",
    "report": f"{_PATIENTS}; their reports",
}


def tokenise(text: str, limit: int) -> tuple[list[int], bool]:
    """Turn a text into token numbers: a start token, then a bucket for every word and punctuation mark.

    Args:
        text: any text; case and white space do not matter.
        limit: tokens to keep, the start token among them.

    Returns:
        The tokens, each at least 1, and whether some were cut off.
    """
    words = _WORD.findall(text.lower())
    buckets = [zlib.crc32(word.encode()) % (_BUCKETS - 2) + 2 for word in words[: limit - 1]]
    return [_START, *buckets], len(words) > limit - 1


class ImageTower(nn.Module):
    """A small convolutional network; a coarse grid is kept to the end, because place matters."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = nn.Sequential(
            nn.Conv2d(1, 32, 7, stride=4, padding=3),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 96, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(96, 48, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
        )
        self.features = nn.Linear(48 * 16, FEATURES)

    def forward(self, pixels: Tensor) -> Tensor:
        """Turn images, uint8, shape (n, 1, 128, 128), into features, float32, shape (n, 160)."""
        grey = pixels.float()
        deviation, mean = torch.std_mean(grey, dim=(1, 2, 3), keepdim=True)
        grey = (grey - mean) / (deviation + 1)
        features: Tensor = self.features(self.grid(grey.contiguous(memory_format=torch.channels_last)))
        return features


class TextTower(nn.Module):
    """Embedded words, two convolutions over them, and the strongest and the mean response."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(_BUCKETS, 40, padding_idx=0)
        self.near = nn.Conv1d(40, 96, 3, padding=1)
        self.far = nn.Conv1d(96, 96, 3, padding=2, dilation=2)
        self.features = nn.Linear(2 * 96, FEATURES)

    def forward(self, tokens: Tensor) -> Tensor:
        """Turn tokens, int64, shape (n, length), 0 where a text has ended, into features (n, 160)."""
        there = (tokens > 0).unsqueeze(1)
        near = torch.relu(self.near(self.words(tokens).transpose(1, 2))) * there
        far = (near + torch.relu(self.far(near))) * there
        mean = far.sum(2) / there.sum(2)
        features: Tensor = self.features(torch.cat([far.amax(2), mean], dim=1))
        return features


class PhantomNetwork(nn.Module):
    """Both towers and the heads of a phantom encoder, as one set of weights."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.text = ImageTower(), TextTower()
        spec = HeadSpec("linear", FEATURES, EMBEDDING)
        self.heads = HeadPair(spec, spec)


class PhantomEncoder:
    """A phantom encoder with trained weights; it implements the `Encoder` protocol.

    An image or a text gives the same features whatever stands beside it in a batch.

    Args:
        name: general, label or report.
        weights: the content of a safetensors file that `phantom_training` wrote.
    """

    def __init__(self, name: Name, weights: bytes) -> None:
        self._network = PhantomNetwork()
        self._network.load_state_dict({key: tensor.float() for key, tensor in load(weights).items()})
        self._network.eval().requires_grad_(False)
        self._limit = TOKEN_LIMITS[name]
        self._card = EncoderCard(
            id=f"phantom:{name}",
            revision=fingerprint(weights),
            licence="Apache-2.0",
            preprocessing=f"grey, stretched to {SIZE} × {SIZE} pixels, standardised image by image",
            image_features=FEATURES,
            text_features=FEATURES,
            embedding=EMBEDDING,
            token_limit=self._limit,
            seen=_SEEN[name],
            pooling="image: a linear map of a 4 × 4 grid; text: a linear map of maximum and mean over tokens",
            text=TextHandling(case="folded", padding="right, to the limit, masked", cut="end"),
        )

    @property
    def card(self) -> EncoderCard:
        """What the encoder is."""
        return self._card

    @property
    def heads(self) -> HeadPair:
        """The encoder's own linear heads into the shared space."""
        return self._network.heads

    def fit(self, texts: Sequence[str]) -> None:
        """Do nothing: the encoder is frozen."""

    def preprocess(self, image: Image) -> torch.Tensor:
        """Turn an image of any size and mode into uint8, shape (1, 128, 128)."""
        grey = image.convert("L").resize((SIZE, SIZE), Resampling.BILINEAR)
        return torch.from_numpy(np.array(grey)).unsqueeze(0)

    def encode_images(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """Encode preprocessed images, uint8, shape (n, 1, 128, 128): float32, shape (n, 160)."""
        return _in_rows(self._network.image, pixels)

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports: features float32, shape (n, 160), and which reports were cut off."""
        tokens = torch.zeros(len(texts), self._limit, dtype=torch.int64)
        truncated = np.zeros(len(texts), dtype=np.bool_)
        for row, text in enumerate(texts):
            numbers, truncated[row] = tokenise(text, self._limit)
            tokens[row, : len(numbers)] = torch.tensor(numbers)
        return TextFeatures(_in_rows(self._network.text, tokens), truncated)


def load_phantom_encoder(name: str) -> PhantomEncoder:
    """Load a phantom encoder with the weights that come with the package.

    Args:
        name: general, label or report.

    Raises:
        InputError: there is no phantom encoder of that name.
    """
    for known in TOKEN_LIMITS:
        if name == known:
            weights = resources.files("relinkage.encoders") / "weights" / f"phantom-{known}.safetensors"
            return PhantomEncoder(known, weights.read_bytes())
    raise InputError(f"phantom:{name} does not exist; give phantom: and one of {', '.join(TOKEN_LIMITS)}.")


def _in_rows(tower: nn.Module, inputs: Tensor) -> NDArray[np.float32]:
    features = np.empty((len(inputs), FEATURES), dtype=np.float32)
    # In layers this small, threads wait for each other longer than they work.
    with torch.inference_mode(), torch_threads(1):
        for start in range(0, len(inputs), _ROWS):
            rows = inputs[start : start + _ROWS]
            filled = torch.cat([rows, rows[:1].expand(_ROWS - len(rows), *rows.shape[1:])])
            features[start : start + _ROWS] = tower(filled)[: len(rows)].numpy()
    return features
