"""What two embeddings folders have in common: patients, pairs, and rows of features, told by counts alone."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import polars as pl

from relinkage.embeddings.folder import Embeddings, Floats
from relinkage.records import Record

_ROWS = 4096


class Shared(Record, frozen=True):
    """How much of one embeddings folder another holds too.

    Attributes:
        patients: Patients of the same id; 0 where one of the folders does not know its patients.
        studies: Studies of the same id, where one of the folders does not know its patients; 0 else.
        pairs: Pairs of the same id.
        images: Images whose features are equal to the bit.
        reports: Distinct report texts whose features are equal to the bit.
        feature_pairs: Pairs whose image and report both have equal features, whatever their ids.
    """

    patients: int
    studies: int = 0
    pairs: int
    images: int
    reports: int
    feature_pairs: int

    @property
    def any(self) -> bool:
        """Whether the folders share something that only the same people leave.

        Equal reports do not tell: the same normal report is written about many patients everywhere.
        """
        return bool(self.patients or self.studies or self.pairs or self.images)


def shared_with(embeddings: Embeddings, other: Embeddings) -> Shared:
    """Compute what an embeddings folder shares with another, of whatever cohort each was made.

    Ids are compared as they are written, so ids that two data sets give to different people count too. Rows
    of features are compared by a hash of all their bytes: the same image through the same encoder, in the
    same way, is found; one that was cropped, compressed or encoded anew on another processor is not.

    Args:
        embeddings: the folder whose patients, pairs, images and reports are counted.
        other: the folder that they are looked for in.
    """
    images = [_hashes(each.image_features) for each in (embeddings, other)]
    texts = [_hashes(each.text_features) for each in (embeddings, other)]
    both = [
        zip(image, _of_pairs(each, text), strict=True)
        for each, image, text in zip((embeddings, other), images, texts, strict=True)
    ]
    known = embeddings.patients_known and other.patients_known
    return Shared(
        patients=_ids(embeddings, other, "patient_id") if known else 0,
        studies=0 if known else _ids(embeddings, other, "study_id"),
        pairs=_ids(embeddings, other, "pair_id"),
        images=_inside(*images),
        reports=_inside(*texts),
        feature_pairs=_inside(*both),
    )


def _ids(embeddings: Embeddings, other: Embeddings, column: str) -> int:
    ids = (each.pairs[column].cast(pl.String).str.strip_chars().unique() for each in (embeddings, other))
    return len(set(next(ids)) & set(next(ids)))


def _of_pairs(embeddings: Embeddings, text: list[bytes]) -> list[bytes]:
    return [text[row] for row in embeddings.pairs["report_row"]]


def _inside(these: Iterable[object], those: Iterable[object]) -> int:
    """Count how many of these stand among those."""
    known = set(those)
    return sum(each in known for each in these)


def _hashes(features: Floats) -> list[bytes]:
    """Hash every row; both zeros are one number, and rows that lie on disk are read some at a time."""
    found: list[bytes] = []
    for start in range(0, len(features), _ROWS):
        rows = np.ascontiguousarray(features[start : start + _ROWS], np.float32) + np.float32(0.0)
        found += [blake2b(row.tobytes(), digest_size=16).digest() for row in rows]
    return found
