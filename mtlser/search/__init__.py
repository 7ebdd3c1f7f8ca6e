"""The alpha-beta search: trainings of each pair, chosen on validation alone."""
