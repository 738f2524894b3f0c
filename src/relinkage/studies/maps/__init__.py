"""Maps: the same pairs in several spaces, as figures, coordinates and counts."""

from relinkage.studies.maps.folder import check_map, write_map
from relinkage.studies.maps.mapping import draw_maps

__all__ = [
    "check_map",
    "draw_maps",
    "write_map",
]
