"""Encoders, the multi-task network with its heads and losses, baselines."""
