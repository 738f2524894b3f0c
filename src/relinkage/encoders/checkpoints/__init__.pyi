from .biovil import biovil_files as biovil_files
from .biovil import biovil_heads as biovil_heads
from .biovil import is_biovil as is_biovil
from .layouts import Layout as Layout
from .layouts import layouts_of as layouts_of
from .rest import copy_rest as copy_rest
