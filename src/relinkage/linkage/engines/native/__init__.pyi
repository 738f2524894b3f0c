from .choice import UnavailableError as UnavailableError
from .choice import best as best
from .engine import Native as Native
