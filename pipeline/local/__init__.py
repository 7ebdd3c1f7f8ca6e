"""A run on this machine: the worker, the folder that it leaves, what a person sees of it."""
