"""MLflow's model registry: versions, champion, promotion gate, drift check."""
