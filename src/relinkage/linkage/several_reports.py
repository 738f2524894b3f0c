"""Studies with several different reports: one candidate with the mean of their vectors, or another choice."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relinkage.embeddings.stored import Matrix
from relinkage.linkage.links import Links
from relinkage.linkage.settings import SeveralReports
from relinkage.linkage.vectors import Vectors

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """What is searched.

    Attributes:
        links: who belongs to whom among these candidates.
        vectors: the candidates' vectors, in the order of `links.candidate_row`.
        several: how many studies have several different reports.
    """

    links: Links
    vectors: Vectors
    several: int


def candidates_of(links: Links, reports: Vectors, wanted: SeveralReports, name: str) -> Candidates:
    """Return the candidates, once the vectors show which studies have several different reports.

    Args:
        links: who belongs to whom, a study being one candidate.
        reports: all rows of the report array.
        wanted: what becomes of a study with several different reports.
        name: how messages name the report array.

    Raises:
        InputError: the reports of a study cancel each other, so that their mean has no direction.
    """
    first = links.candidate_row
    differs = reports.identity[links.report_row] != reports.identity[first[links.mate]]
    several = np.unique(links.mate[differs])
    if not len(several) or wanted == "first":
        whole = np.array_equal(first, np.arange(len(reports)))
        return Candidates(links, reports if whole else reports.take(first), len(several))
    # A row for each different report of these studies; equal ones count once.
    images = np.flatnonzero(np.isin(links.mate, several))
    keys = np.stack([links.mate[images], reports.identity[links.report_row[images]]])
    (candidate, identity), place, which = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    if wanted == "each":
        split = _each(links, several, images, links.report_row[images[place]], which.ravel())
        return Candidates(split, reports.take(split.candidate_row), len(several))
    means = Means(reports.source, first, several, np.flatnonzero(np.diff(candidate, prepend=-1)), identity)
    vectors = Vectors.prepare(means if reports.stored else means[:], f"{name}, the means of studies,")
    return Candidates(_with_sets_of_texts(links, several), vectors, len(several))


def _each(links: Links, several: Ints, images: Ints, rows: Ints, which: Ints) -> Links:
    """Make a candidate of each of `rows`, in place of the candidates `several`."""
    stay = np.setdiff1d(np.arange(len(links.candidate_row)), several)
    first = np.concatenate([links.candidate_row[stay], rows])
    order = np.argsort(first, kind="stable")
    place = np.argsort(order)
    of_candidate = np.zeros(len(links.candidate_row), np.int64)
    of_candidate[stay] = place[: len(stay)]
    mate = of_candidate[links.mate]
    mate[images] = place[len(stay) :][which]
    return links.with_candidates(mate, first[order])


def _with_sets_of_texts(links: Links, several: Ints) -> Links:
    """Number the texts anew: the text of a study with several is all of them, in whatever order."""
    if links.text is None:
        return links
    own = links.with_candidates(np.arange(len(links)), links.report_row).text
    assert own is not None
    numbers: dict[tuple[int, ...], int] = {}
    text = links.text.copy()
    images = np.flatnonzero(np.isin(links.mate, several))
    images = images[np.argsort(links.mate[images], kind="stable")]
    starts = np.flatnonzero(np.diff(links.mate[images], prepend=-1))
    for candidate, members in zip(several, np.split(own[images], starts[1:]), strict=True):
        texts = tuple(np.unique(members).tolist())
        if len(texts) > 1:
            text[candidate] = numbers.setdefault(texts, len(links) * 2 + 2 + len(numbers))
    return replace(links, text=text)


@dataclass(frozen=True, eq=False)
class Means:
    """Candidates of which some are the mean of several unit vectors, made when they are asked for.

    Attributes:
        of: the rows of the report array.
        first: int64, shape (m,): the row of each candidate, or the first of its rows.
        several: int64: the candidates that are means, ascending.
        starts: int64: where the rows of each of them begin in `rows`.
        rows: int64: their rows.
    """

    of: Matrix
    first: Ints
    several: Ints
    starts: Ints
    rows: Ints

    ndim = 2

    def __len__(self) -> int:
        return len(self.first)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.first), self.of.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return float64 where the reports are float64, else float32."""
        return np.dtype(np.float64 if self.of.dtype.itemsize == 8 else np.float32)

    def __getitem__(self, rows: slice | Ints) -> NDArray[Any]:
        """Return some candidates' vectors."""
        wanted = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows
        out = np.array(self.of[self.first[wanted]], self.dtype)
        places = np.flatnonzero(np.isin(wanted, self.several))
        if len(places):
            which = np.searchsorted(self.several, wanted[places])
            counts = np.diff(self.starts, append=len(self.rows))[which]
            begins = np.cumsum(counts) - counts
            members = np.repeat(self.starts[which] - begins, counts) + np.arange(counts.sum())
            vectors = np.asarray(self.of[self.rows[members]], np.float64)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            out[places] = np.add.reduceat(vectors, begins) / counts[:, None]
        return out


def said_of_several(found: Candidates, wanted: SeveralReports) -> list[str]:
    """Return a sentence on the studies that have several different reports."""
    if not found.several:
        return []
    rest = {
        "mean": "each is one candidate, the mean of its reports' unit vectors; `--several-reports each` "
        "makes every report a candidate of its own.",
        "first": "the first of each is the candidate and the others are left out, though an attacker may "
        "hold them too; `--several-reports mean` takes all of them.",
        "each": "every report is a candidate, and a study's reports other than the mate are neither mate nor "
        "distractor.",
    }[wanted]
    return [f"{found.several} of {found.links.studies} studies have several different reports: {rest}"]
