"""Comparisons of systems: tests, effect sizes, intervals, and which test to trust."""
