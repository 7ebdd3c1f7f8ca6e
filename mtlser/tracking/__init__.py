"""MLflow runs, the null tracker, the webhook, and which code ran."""

from mtlser.tracking.tracker import (
    RUN_VARIABLE,
    NullRun,
    Run,
    dataset,
    existing_uri,
    finish,
    from_token,
    init_store,
    numbers,
    parent,
    tracked,
    uri,
)

__all__ = [
    "RUN_VARIABLE", "NullRun", "Run", "dataset", "existing_uri", "finish",
    "from_token", "init_store", "numbers", "parent", "tracked", "uri",
]  # fmt: skip
