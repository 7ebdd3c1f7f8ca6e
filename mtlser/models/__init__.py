"""The shared encoder, the multi-task network, its losses, baselines."""
