"""The search for alpha and beta: trains each pair, chooses on validation alone."""
