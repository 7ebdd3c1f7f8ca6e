"""What the tests use of MLflow beyond its public interface, and the product does not."""

from typing import Any

from mlflow.utils import validation

_rules: Any = validation


def check_model_name(name: str) -> None:
    """Raises what MLflow raises of a registered model's name."""
    _rules._validate_model_name(name)


def check_metric(name: str) -> None:
    """Raises what MLflow raises of a metric's name."""
    _rules._validate_metric(name, 0.5, 0, 0)
