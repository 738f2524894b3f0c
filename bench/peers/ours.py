"""This package's own pass and audit, and the product alone."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.peers.answer import Answer
from bench.planting import described
from bench.product import bare_product
from relinkage.linkage import AuditSettings, measure
from relinkage.linkage.engines import choose
from relinkage.linkage.ranks import Counts, count_both, count_ranks
from relinkage.linkage.table import ALL
from relinkage.linkage.vectors import Vectors

Array = NDArray[np.float32]


def product(images: Array, reports: Array) -> None:
    """The bare product in blocks, nothing read from it: no answer."""
    bare_product(images, reports)


def exact_pass(images: Array, reports: Array) -> Answer:
    """The exact pass, image to report, by the engine that an audit takes here."""
    return _answer(count_ranks(*_vectors(images, reports), np.arange(len(images)), engine=choose("auto")))


def exact_pass_both(images: Array, reports: Array) -> Answer:
    """The exact pass in both directions."""
    return _answer(count_both(*_vectors(images, reports), np.arange(len(images)), engine=choose("auto"))[0])


def whole_audit(images: Array, reports: Array) -> Callable[[], Answer]:
    """The audit: pass, pools, controls, intervals that draw patients."""
    return _audit(images, reports, AuditSettings())


def whole_audit_both(images: Array, reports: Array) -> Callable[[], Answer]:
    """The audit in both directions."""
    return _audit(images, reports, AuditSettings(direction="both"))


def _audit(images: Array, reports: Array, settings: AuditSettings) -> Callable[[], Answer]:
    links = described(len(images), max(len(images) // 5, 2))

    def work() -> Answer:
        standing = measure(images, reports, links, settings).tables[0].standings[ALL]
        return Answer(rank=standing.above, ties=standing.ties)

    return work


def _vectors(images: Array, reports: Array) -> tuple[Vectors, Vectors]:
    return Vectors.prepare(images, "images"), Vectors.prepare(reports, "reports")


def _answer(counts: Counts) -> Answer:
    return Answer(rank=counts.above[0], ties=counts.ties[0])
