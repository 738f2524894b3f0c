"""A text tower that needs no download: TF-IDF reduced by a truncated SVD, fitted on the training reports."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relinkage.encoders.card import TextHandling
from relinkage.encoders.protocol import TextFeatures
from relinkage.encoders.towers import TowerCard
from relinkage.errors import InputError
from relinkage.files import fingerprint

_NOTHING = 1e-6
"""Below this length a report shares nothing with the fitted space but rounding."""


class TfidfTower:
    """Latent semantic analysis (Deerwester et al. 1990): words and word pairs, weighed, reduced, unit length.

    A report without a single known word, which the analysis would leave at zero, gets the mean vector of the
    training reports: it is placed where a report is that nothing is known of, and all such reports tie.
    """

    def __init__(self, *, dimension: int = 256, seed: int = 0) -> None:
        """Prepare a tower that still has to be fitted.

        Args:
            dimension: width of the features, capped by the numbers of distinct training reports and terms.
            seed: seed of the randomised SVD.

        Raises:
            InputError: scikit-learn is not installed, or the dimension is below 1.
        """
        try:
            from sklearn.decomposition import TruncatedSVD
            from sklearn.feature_extraction.text import TfidfVectorizer
        except ImportError:
            raise InputError(
                "The tfidf text tower needs scikit-learn; run pip install 'relinkage[tfidf]'."
            ) from None
        if dimension < 1:
            raise InputError(f"The TF-IDF dimension is {dimension}; give a number above 0.")
        self._vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, dtype=np.float64)
        self._svd = TruncatedSVD(dimension, random_state=seed)
        self._dimension, self._seed = dimension, seed
        self._card: TowerCard | None = None

    @property
    def card(self) -> TowerCard:
        """What the fitted tower is."""
        if self._card is None:
            raise RuntimeError("a TF-IDF tower has no card before it is fitted")
        return self._card

    def fit(self, texts: Sequence[str]) -> None:
        """Fit vocabulary, weights and reduction on the distinct texts.

        Raises:
            InputError: there are no texts, or no words in them.
        """
        distinct = list(dict.fromkeys(texts))
        if not distinct:
            raise InputError(
                "The tfidf text tower is fitted on the split `train`, which holds no report; "
                "name the cohort's training rows `train` in its split column."
            )
        try:
            weights = self._vectoriser.fit_transform(distinct)
        except ValueError:  # not one word in them
            weights = np.empty((len(distinct), 0))
        if weights.shape[1] < 2:
            raise InputError(
                "The training reports hold fewer than two different words of two letters or more, so TF-IDF "
                "cannot be fitted; check the report column."
            )
        self._svd.n_components = min(self._dimension, *weights.shape)
        with np.errstate(invalid="ignore"):  # scikit-learn divides by the variance, which one report lacks
            fitted = _unit(self._svd.fit_transform(weights))
        self._unknown = _unit(fitted.mean(axis=0, keepdims=True))[0]
        terms = self._vectoriser.get_feature_names_out()
        self._card = TowerCard(
            name="tfidf",
            # Of what is counted, not of the SVD's numbers, whose last bits depend on the machine.
            revision=fingerprint("\n".join(terms).encode(), np.round(self._vectoriser.idf_, 9).tobytes()),
            licence="fitted on this cohort",
            features=self._svd.n_components,
            pooling=(
                f"TF-IDF of words and word pairs, SVD to {self._svd.n_components} (seed {self._seed}), unit "
                f"length; fitted on {len(distinct)} training reports; their mean where no word is known"
            ),
            text=TextHandling(case="folded"),
        )

    def encode(self, texts: Sequence[str]) -> TextFeatures:
        """Encode reports to unit vectors: float32, shape (texts, features); no text is ever truncated."""
        reduced = self._svd.transform(self._vectoriser.transform(texts))
        unknown = np.linalg.norm(reduced, axis=1) < _NOTHING
        reduced[unknown] = self._unknown
        return TextFeatures(_unit(reduced).astype(np.float32), np.zeros(len(texts), np.bool_))


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
