"""Corpora and their manifest, folds, the leak audit, audio, noise, text, the synthetic corpus."""
