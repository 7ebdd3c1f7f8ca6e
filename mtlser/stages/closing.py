"""Stages that end a pipeline run: close_run, report_outcome."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtlser import storage
from mtlser.errors import MtlserError
from mtlser.recipe import Recipe
from mtlser.records import write_json
from mtlser.stages.entry import stage
from mtlser.storage import work_folder

if TYPE_CHECKING:
    from mtlser.tracking.webhook import Failure

log = logging.getLogger(__name__)


@stage
def close_run(run: str, status: str, recipe: Recipe) -> list[str]:
    """Ends all that is still open in MLflow under the key; ids of the key's parent runs.

    Args:
        run: key of the pipeline run; parents of every recipe under it are closed.
        status: `FINISHED`, `FAILED` or `KILLED`, for what is open; what has ended stays as it is.
        recipe: its corpus names the experiment.
    """
    from mtlser.tracking import outcome

    return outcome.close(recipe, run, status)


@stage
def report_outcome(
    recipe: Recipe,
    run: str,
    state: str,
    pipeline: str,
    error: str = "",
    out: str = "",
    work: str = "",
    failures: Sequence["Failure"] = (),
) -> None:
    """Closes what a pipeline run left open and tells the webhook; raises nothing of a service.

    Args:
        recipe: the resolved recipe.
        run: key of the pipeline run.
        state: as Kubeflow says it: `SUCCEEDED`, `COMPLETE`, `FAILED`, `CANCELED`, ...
        pipeline: name of the pipeline run.
        error: what the failed step said.
        out: folder to write `outcome.json` to; empty: none.
        failures: steps that failed, the first one first.
        work: `s3://` address of the run's checkpoints, which are deleted after a success.
    """
    from mtlser.tracking import outcome

    told = outcome.report(recipe, run, state, pipeline, error, failures)
    if out:
        with storage.output(out) as folder:
            write_json(folder / "outcome.json", told)
    if outcome.is_good(state) and storage.is_s3(work):
        try:
            work_folder.remove(work)
        except MtlserError as failure:
            log.warning("checkpoints were not deleted: %s", failure)
