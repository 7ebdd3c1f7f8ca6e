"""The DAGs, how they are compiled, run here or on a server; `mtlser-pipeline`."""
