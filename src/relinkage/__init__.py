"""Measure, and lower, how well a vision-language model re-links medical images to their reports."""

__version__ = "0.1.0"
