"""The training loop, cells and the alpha-beta search."""
