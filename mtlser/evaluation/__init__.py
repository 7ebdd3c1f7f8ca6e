"""Predictions, metrics, noise and statistics."""
