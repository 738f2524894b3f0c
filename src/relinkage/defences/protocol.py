"""What a defence of vectors is: image vectors are changed before they leave the house."""

import numpy as np
from numpy.typing import NDArray

from relinkage.errors import InputError

Vectors = NDArray[np.float32]
Ints = NDArray[np.int64]


class Defence:
    """A way to change image vectors before they are released: derive from it for one of your own.

    Reports stay as they are: whoever holds the text embeds it with the public text tower and heads.

    Examples:
        >>> import numpy as np
        >>> import relinkage as rl
        >>> class OneDecimal(rl.Defence):
        ...     title = "One decimal"
        ...     def transform(self, images, patient):
        ...         return np.round(images, 1)
        >>> OneDecimal().released(np.float32([[0.58, -0.81]]), np.array([0]))
        array([[ 0.6, -0.8]], dtype=float32)

    Attributes:
        name: its short name in results; the name of the class in lower case where it has none of its own.
        title: its name for people; the short name where it has none.
        note: a sentence that says what it does.
    """

    name: str = ""
    title: str = ""
    note: str = ""

    def transform(self, images: Vectors, patient: Ints) -> Vectors:
        """Return the vectors that are released, a row per row given.

        Args:
            images: unit vectors, float32, shape (images, d).
            patient: int64, shape (images,): a number per patient.
        """
        raise NotImplementedError("a defence needs a method transform(images, patient)")

    @property
    def key(self) -> str:
        """What results call it."""
        return self.name or type(self).__name__.lower()

    def released(self, images: Vectors, patient: Ints) -> Vectors:
        """Return what `transform` gives as float32, checked.

        Args:
            images: as in `transform`.
            patient: as in `transform`.

        Raises:
            InputError: there is not a finite row of the same width per row given.
        """
        vectors = np.asarray(self.transform(images, patient), np.float32)
        if vectors.shape != images.shape or not np.isfinite(vectors).all():
            raise InputError(
                f"The defence {self.key} made images of shape {vectors.shape} from {images.shape}, or values "
                "that are not finite; return a finite row of the same width per row."
            )
        return vectors
