"""Stages that end a pipeline run: close_run, report_outcome."""

from mtlser.recipe import Recipe
from mtlser.stages.entry import stage


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
def report_outcome(recipe: Recipe, run: str, state: str, pipeline: str, error: str = "") -> None:
    """Closes what a pipeline run left open and tells the webhook; raises nothing of a service.

    Args:
        recipe: the resolved recipe.
        run: key of the pipeline run.
        state: as Kubeflow says it: `SUCCEEDED`, `COMPLETE`, `FAILED`, `CANCELED`, ...
        pipeline: name of the pipeline run.
        error: what the failed step said.
    """
    from mtlser.tracking import outcome

    outcome.report(recipe, run, state, pipeline, error)
