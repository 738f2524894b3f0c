"""What leaves the house under a defence: vectors through heads, those of images changed before they go."""

from dataclasses import dataclass

from relinkage.defences.protocol import Defence, Vectors
from relinkage.embeddings import Embeddings
from relinkage.encoders.heads import HeadPair
from relinkage.errors import InputError
from relinkage.usefulness.parts import numbers


@dataclass(frozen=True, eq=False)
class Released:
    """Heads, and what is done to the image vectors that they give.

    Attributes:
        heads: an image head and a text head.
        defence: what changes image vectors before they are released; None for nothing.
    """

    heads: HeadPair
    defence: Defence | None = None

    def vectors(self, embeddings: Embeddings) -> tuple[Vectors, Vectors]:
        """Return what is released of some pairs.

        Args:
            embeddings: features that fit the heads.

        Returns:
            float32 vectors of the images, shape (pairs, d), and unit vectors of the distinct reports.

        Raises:
            InputError: the heads do not fit, or vectors are not finite.
        """
        images, reports = embeddings.project(self.heads)
        for side in (images, reports):
            # A sum is not finite where a value is not, and needs no array of answers.
            if not float(abs(side).sum()) < float("inf"):
                raise InputError("The heads give vectors that are not finite; train them again.")
        if self.defence is not None:
            images = self.defence.released(images, numbers(embeddings.pairs["patient_id"]))
        return images, reports
