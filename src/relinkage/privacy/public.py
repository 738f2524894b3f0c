"""What a private training may look at for nothing: heads, embeddings and anchors from elsewhere."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from relinkage.alignment.folder import Heads
from relinkage.embeddings import Embeddings
from relinkage.embeddings.overlap import shared_with
from relinkage.encoders.heads import HeadPair, HeadSpec, heads_bytes
from relinkage.encoders.seeding import seeded
from relinkage.encoders.trained.hardening import HardenSettings
from relinkage.encoders.trained.manifest import GIVEN, HARDENED_BEFORE
from relinkage.encoders.trained.statement import PrivacyStatement, StatedInputs
from relinkage.errors import InputError
from relinkage.files import fingerprint
from relinkage.privacy.anchors import Anchors, given_anchors, prototype_anchors, random_anchors


def _in_common(embeddings: Embeddings, other: Embeddings) -> list[str]:
    """Say what two embeddings have in common; reports are left out, as different patients have equal ones."""
    shared = shared_with(embeddings, other)
    counts = {
        "ids of patients": shared.patients,
        "ids of studies": shared.studies,
        "ids of pairs": shared.pairs,
        "images": shared.images,
    }
    return [what for what, count in counts.items() if count]


@dataclass(frozen=True, eq=False)
class Public:
    """What a private training may look at without spending anything.

    Attributes:
        start: the heads to start from; None for the encoder's own, or fresh ones where it has none.
        embeddings: public embeddings of the same encoder: anchors, label shares and negatives come from them.
        anchors: a vector per label of the cohort, shape (labels, d); None to make them.
    """

    start: Heads | None = None
    embeddings: Embeddings | None = None
    anchors: NDArray[np.float32] | None = None

    @property
    def spent(self) -> tuple[float, float]:
        """The ε and δ that the heads to start from have spent already; 0 where they were not hardened."""
        stated = self._stated
        if stated is None:
            return 0.0, 0.0
        return stated.epsilon + stated.earlier_epsilon, stated.delta + stated.earlier_delta

    @property
    def _stated(self) -> PrivacyStatement | None:
        """What the heads to start from state of their privacy."""
        if self.start is None or self.start.manifest is None:
            return None
        return self.start.manifest.privacy

    def inputs(self, start: HeadPair | None, *, anchored: bool) -> StatedInputs:
        """Name all of it by what it holds, for the statement.

        Args:
            start: the heads that the training starts from; None for fresh ones.
            anchored: whether the training looks at anchors.
        """
        other, anchors = self.embeddings, self.anchors if anchored else None
        return StatedInputs(
            start=None if start is None else fingerprint(heads_bytes(start)),
            public=None if other is None else other.manifest.cohort.fingerprint,
            anchors=None
            if anchors is None
            else fingerprint(np.ascontiguousarray(anchors, np.float32).tobytes()),
        )

    def check(self, embeddings: Embeddings, settings: HardenSettings) -> None:
        """Check that what is called public fits the private embeddings and does not come from them.

        Raises:
            InputError: another encoder, the private cohort itself or some of it, heads trained on it without
                privacy, or heads of which nothing is proven.
        """
        model, cohort = embeddings.manifest.encoder, embeddings.manifest.cohort.fingerprint
        other = self.embeddings
        if other is not None:
            theirs = other.manifest.encoder
            if (theirs.id, theirs.revision) != (model.id, model.revision):
                raise InputError(
                    f"{other.path} was embedded with {theirs.id} and {embeddings.path} with "
                    f"{model.id}, or with other revisions; embed the public cohort with the same model."
                )
            if other.manifest.cohort.fingerprint == cohort:
                raise InputError(
                    f"{other.path} holds the private cohort itself; name embeddings of a public cohort with "
                    "--public."
                )
            shared = _in_common(embeddings, other)
            if shared and settings.mechanism != "nominal":
                raise InputError(
                    f"{other.path} and {embeddings.path} share {' and '.join(shared)}, so {other.path} is "
                    "not public; leave what is shared out of one of them, and rename ids that only happen to "
                    "be equal."
                )
        if self.start is None:
            return
        stated, told = self._stated, self.start.manifest
        if stated is not None and stated.kind != "proven" and settings.mechanism != "nominal":
            raise InputError(
                "Nothing is proven of the heads to start from, so nothing could be stated of what comes of "
                "them; start from heads that never saw these patients, or with a proven epsilon."
            )
        if told is not None and told.cohort_fingerprint == cohort:
            raise InputError(
                "The heads to start from were trained without privacy on this very cohort, so nothing could "
                "be stated of what comes of them; start from heads that never saw it."
            )
        specs = self.start.pair.image_spec, self.start.pair.text_spec
        found = embeddings.image_features.shape[1], embeddings.text_features.shape[1]
        if (specs[0].features, specs[1].features) != found:
            raise InputError(
                f"The heads to start from take features of {specs[0].features} and {specs[1].features} "
                f"dimensions, {embeddings.path} has {found[0]} and {found[1]}; name heads of the same model."
            )

    def starting_heads(self, embeddings: Embeddings, settings: HardenSettings) -> tuple[HeadPair, str]:
        """Give the heads that training starts from, and where they come from, in a few words."""
        if self.start is not None:
            return self.start.pair, GIVEN if self._stated is None else HARDENED_BEFORE
        if embeddings.heads is not None:
            return embeddings.heads, "the model's own heads"
        hidden = settings.hidden if settings.head == "mlp" else 0
        specs = [
            HeadSpec(settings.head, width, settings.dimension, hidden=hidden)
            for width in (embeddings.image_features.shape[1], embeddings.text_features.shape[1])
        ]
        with seeded(settings.seed):
            return HeadPair(*specs).eval(), f"fresh heads from the seed {settings.seed}"

    def anchors_for(self, embeddings: Embeddings, start: HeadPair, seed: int) -> Anchors:
        """Give an anchor per label: as given, else from public embeddings, else at random.

        Raises:
            InputError: the cohort has no labels, or no anchors can be made for them.
        """
        if not embeddings.labels:
            raise InputError(
                f"{embeddings.path} has no labels to anchor to; add label columns to the cohort, or give "
                "--mechanism public-negatives."
            )
        width = start.image_spec.embedding
        if self.anchors is not None:
            return given_anchors(self.anchors, embeddings.labels, width, self.embeddings)
        if self.embeddings is not None:
            return prototype_anchors(self.embeddings, embeddings.labels, start)
        return random_anchors(embeddings.labels, width, seed)

    def bank(self, size: int, seed: int) -> tuple[Tensor, Tensor]:
        """Give features of public pairs as negatives: images (bank, features) and their reports.

        Raises:
            InputError: there are no public embeddings.
        """
        if self.embeddings is None:
            raise InputError(
                "The mechanism public-negatives needs public embeddings; name some with --public EMB."
            )
        rows = np.random.default_rng(seed).permutation(len(self.embeddings))[:size]
        report = self.embeddings.pairs["report_row"].to_numpy()[rows]
        images, texts = self.embeddings.image_features[rows], self.embeddings.text_features[report]
        return torch.from_numpy(images), torch.from_numpy(texts)
