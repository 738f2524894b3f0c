"""Measurements of speed and memory: ratios of medians from runs interleaved in one process."""
