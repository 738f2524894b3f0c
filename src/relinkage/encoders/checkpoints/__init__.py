"""Checkpoints of published models: their own heads read out of them, other heads put in their place."""

from relinkage.encoders.checkpoints.biovil import biovil_files, biovil_heads, is_biovil
from relinkage.encoders.checkpoints.layouts import Layout, layouts_of
from relinkage.encoders.checkpoints.rest import copy_rest

__all__ = ["Layout", "biovil_files", "biovil_heads", "copy_rest", "is_biovil", "layouts_of"]
