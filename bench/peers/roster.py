"""Who is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from bench.peers import libraries, ours, practices
from bench.peers.answer import Answer

Array = NDArray[np.float32]
Work = Callable[[], Answer | None]


@dataclass(frozen=True)
class Peer:
    """A way to measure how well images find their reports.

    Attributes:
        name: what the table calls it.
        prepare: takes images and reports, gives the work whose time is taken.
        both: whether both directions are counted; its time is then set against our pass in both directions.
        needs: the modules it needs beyond this package's own.
        ours: whether it is this package's own, or the product.
    """

    name: str
    prepare: Callable[[Array, Array], Work]
    both: bool = False
    needs: tuple[str, ...] = ()
    ours: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules it needs that are not installed."""
        return tuple(module for module in self.needs if find_spec(module) is None)


def _at_once(work: Callable[[Array, Array], Answer | None]) -> Callable[[Array, Array], Work]:
    return lambda images, reports: partial(work, images, reports)


PEERS = (
    Peer("bare product", _at_once(ours.product), ours=True),
    Peer("relinkage, exact pass", _at_once(ours.exact_pass), ours=True),
    Peer("relinkage, audit", ours.whole_audit, ours=True),
    Peer("relinkage, exact pass both ways", _at_once(ours.exact_pass_both), both=True, ours=True),
    Peer("relinkage, audit both ways", ours.whole_audit_both, both=True, ours=True),
    Peer("open_clip 2026: tiles of 4096² (re-expressed)", _at_once(practices.tiled_ranks), both=True),
    Peer("open_clip ≤ 3.3, CXR-CLIP: argsort (re-expressed)", _at_once(practices.full_argsort), both=True),
    Peer("CLIP_benchmark: one-hot top-k (re-expressed)", _at_once(practices.one_hot_recall), both=True),
    Peer("mate's score apart, fp32 tiles", _at_once(practices.mate_apart)),
    Peer("torchmetrics: RetrievalRecall", _at_once(libraries.torchmetrics_recall), needs=("torchmetrics",)),
    Peer("faiss: IndexFlatIP, first 10", _at_once(libraries.faiss_top_k), needs=("faiss",)),
    Peer("ranx on faiss's first 10", _at_once(libraries.ranx_recall), needs=("ranx", "faiss")),
)
