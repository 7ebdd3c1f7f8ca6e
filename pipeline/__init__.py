"""DAGs over `components`, and how they are compiled and run here; `mtlser-pipeline`."""
