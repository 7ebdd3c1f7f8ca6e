"""The end of a pipeline run, whatever became of it: MLflow closed, the webhook told."""

import logging
import os
from collections.abc import Sequence

from mtlser import tracking
from mtlser.errors import MtlserError, public_text
from mtlser.recipe import Recipe
from mtlser.records import timestamp
from mtlser.tracking import webhook

WEBHOOK = "MTLSER_WEBHOOK"
"""Variable with the webhook's address, which is a secret; without it nothing is posted."""
STATUS = {
    "SUCCEEDED": "FINISHED", "COMPLETE": "FINISHED", "CACHED": "FINISHED", "SKIPPED": "FINISHED",
    "FAILED": "FAILED", "ERROR": "FAILED", "RUNNING": "FAILED",
}  # fmt: skip
"""What MLflow calls an end that Kubeflow names, in the words of its API and of its metadata store,
whose state it gives to the exit handler. The store still says `RUNNING` of steps of which one was
killed or passed its timeout: nobody was left to write that they failed."""
ENDED = "KILLED"
"""What was left open after an end that is neither: cancelled, or an unknown word."""

log = logging.getLogger(__name__)


def is_good(state: str) -> bool:
    """Whether a state that Kubeflow names is that of a run that has succeeded."""
    return STATUS.get(state.upper()) == "FINISHED"


def report(
    recipe: Recipe,
    run: str,
    state: str,
    pipeline: str,
    error: str,
    failures: Sequence[webhook.Failure] = (),
) -> webhook.Outcome:
    """The outcome of a run, after closing what it left open and telling the webhook.

    A state that is not known is passed on as it is; the runs are closed as failed where a step is.

    A store or a webhook that is away is told of and raises nothing: the handler of a failure must
    not hide it behind one of its own.
    """
    link = _closed(recipe, run, STATUS.get(state.upper(), "FAILED" if failures else ENDED))
    outcome = webhook.Outcome(
        pipeline=pipeline,
        run=run,
        state=state,
        error=public_text(error),
        failed=tuple(failures),
        mlflow=link,
        at=timestamp(),
    )
    if tell(outcome) is None:
        log.info("%s is not set: the outcome is posted nowhere", WEBHOOK)
    return outcome


def tell(message: webhook.Message) -> bool | None:
    """Whether the webhook took a message; `None`: none is set. One that is away raises nothing."""
    address = os.environ.get(WEBHOOK, "")
    return webhook.post(address, message) if address else None


def close(recipe: Recipe, run: str, status: str) -> list[str]:
    """Ids of the key's parent runs, after ending all that is open; none where nothing is tracked.

    Raises:
        MtlserError: another status, an empty key, or MLflow refuses.
    """
    if not tracking.tracked():
        return []
    from mtlser.tracking import mlflow_close

    return mlflow_close.close(tracking.uri(), recipe, run, status)


def _closed(recipe: Recipe, run: str, status: str) -> str | None:
    """Where a browser shows the run, after closing it; `None` where that is not known."""
    try:
        parents = close(recipe, run, status)
        if not parents:
            return None
        from mtlser.tracking import mlflow_close

        return mlflow_close.link(tracking.uri(), recipe, parents)
    except MtlserError as error:
        log.warning("runs were not closed: %s", error)
        return None
