"""An encoder small enough to read: mean brightness of 16 tiles, and how often each letter stands in a text.

It keeps the texts that it was given. It can be told to stop with an error after some batches, or to take its
time, so that a run can be broken.
"""

import string
import time

import numpy as np
import torch

from relinkage.encoders import EncoderCard, HeadPair, HeadSpec, TextFeatures

LIMIT = 12
REPORTS = [
    "Small left pleural effusion with adjacent atelectasis and no pneumothorax on either side of it.",
    "No acute cardiopulmonary abnormality.",
    "no acute  cardiopulmonary ABNORMALITY.",
    "Right lower lobe consolidation.",
    "Cardiomegaly without oedema.",
]


class SketchEncoder:
    def __init__(self, *, heads=True, revision="1", limit=LIMIT, batches=None, pause=0.0):
        torch.manual_seed(0)
        self.heads = HeadPair(HeadSpec("linear", 16, 4), HeadSpec("linear", 26, 4)).eval() if heads else None
        self.card = EncoderCard(
            id="sketch",
            revision=revision,
            licence="none",
            preprocessing="tiles",
            image_features=16,
            text_features=26,
            embedding=4 if heads else None,
            token_limit=limit,
        )
        self.fitted_on = None
        self.image_batches, self.texts = [], []
        self._batches, self._pause = batches, pause

    def fit(self, texts):
        self.fitted_on = list(texts)

    def preprocess(self, image):
        return torch.from_numpy(np.asarray(image.convert("L").resize((32, 32)), np.float32) / 255)

    def encode_images(self, pixels):
        self._work()
        self.image_batches.append(len(pixels))
        return pixels.reshape(-1, 4, 8, 4, 8).mean((2, 4)).flatten(1).numpy()

    def encode_texts(self, texts):
        self._work()
        self.texts += texts
        counts = [[text.lower().count(letter) for letter in string.ascii_lowercase] for text in texts]
        truncated = [len(text.split()) > self.card.token_limit for text in texts]
        return TextFeatures(np.array(counts, np.float32) + 0.01, np.array(truncated))

    def _work(self):
        time.sleep(self._pause)
        if self._batches is not None:
            self._batches -= 1
            if self._batches < 0:
                raise RuntimeError("the power went")
