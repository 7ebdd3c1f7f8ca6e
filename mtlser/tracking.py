"""MLflow runs, found or made by key; a null tracker where nothing is to be tracked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from mtlser.recipe import Recipe


class Run(Protocol):
    """One run: what stages may say to the tracker."""

    @property
    def id(self) -> str | None:
        """MLflow's run id; `None` where nothing is tracked."""

    def child(self, key: str, name: str, tags: Mapping[str, str] | None = None) -> "Run":
        """The nested run with this key, found or made: a retried step doubles nothing."""

    def params(self, values: Mapping[str, object]) -> None:
        """Logs parameters once; `hp.alpha`, `hp.beta` are the search's own."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Logs metrics of one step (epoch) in one batch."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Uploads a file or a folder."""

    def close(self, status: str = "FINISHED") -> None:
        """Ends the run: `FINISHED`, `FAILED` or `KILLED`."""
