"""Encoders that come as a state dict and the author's own code, not in the layout of a library."""
