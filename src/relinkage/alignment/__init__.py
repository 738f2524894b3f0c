"""Projection heads trained on cached features."""
