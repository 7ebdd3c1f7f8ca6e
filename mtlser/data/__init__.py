"""Corpora, folds, audio, text and noise."""
