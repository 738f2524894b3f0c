"""Frozen models behind one protocol, their preprocessing and their own heads."""
