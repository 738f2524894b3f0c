"""Engines: the same exact counts from whatever hardware there is."""

from relinkage.linkage.engines.portable import Portable
from relinkage.linkage.engines.question import Engine, Mates, Question, Tally

__all__ = ["Engine", "Mates", "Portable", "Question", "Tally"]
