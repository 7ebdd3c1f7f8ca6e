"""Training of one cell: batches, the loop, checkpoints, several processes."""
