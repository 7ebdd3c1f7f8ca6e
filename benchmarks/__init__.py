"""Measurements behind the figures of speed and memory in the documentation."""
