from .encoder import assemble as assemble
from .encoder import load_open_clip as load_open_clip
