"""The native engine: compiled products and comparisons, where the processor and a compiler allow."""

from relinkage.linkage.engines.native.choice import UnavailableError, best
from relinkage.linkage.engines.native.engine import Native

__all__ = ["Native", "UnavailableError", "best"]
