"""A Kubeflow Pipelines server: packages, runs, schedules, and the commands for them."""
