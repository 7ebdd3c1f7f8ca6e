"""Compiled DAGs as documents."""

from pathlib import Path
from typing import Any

import yaml

IMAGE = "mtlser:golden"
Node = dict[str, Any]


def documents(path: Path) -> tuple[Node, Node]:
    """The pipeline, and what it asks of Kubernetes."""
    ir, platform = yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return ir, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
