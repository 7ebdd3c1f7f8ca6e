"""The predictor, metrics, statistics, the noise sweep, cost measurements."""
