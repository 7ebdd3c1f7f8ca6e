"""MLflow runs, the tracker that logs nothing, the webhook, which code ran."""

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
    page,
    parent,
    tracked,
    uri,
)

__all__ = [
    "RUN_VARIABLE", "NullRun", "Run", "dataset", "existing_uri", "finish",
    "from_token", "init_store", "numbers", "page", "parent", "tracked", "uri",
]  # fmt: skip
