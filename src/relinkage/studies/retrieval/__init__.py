"""Retrieval: the nearest reports or images of one question, as a result and its page."""

from relinkage.studies.retrieval.folder import check_retrieval, write_retrieval
from relinkage.studies.retrieval.illustrating import illustrate
from relinkage.studies.retrieval.retrieving import retrieve

__all__ = [
    "check_retrieval",
    "illustrate",
    "retrieve",
    "write_retrieval",
]
