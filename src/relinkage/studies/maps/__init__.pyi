from .folder import write_map as write_map
from .mapping import draw_maps as draw_maps
from .places import check_map as check_map
