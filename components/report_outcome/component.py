"""Component `report_outcome`: the exit handler, which runs whatever became of the steps."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def report_outcome(recipe: str, status: dsl.PipelineTaskFinalStatus, run: str, job: str) -> None:
    """Close the MLflow runs that a failed step left open, and post the outcome to the webhook.

    The webhook's address is the variable `MTLSER_WEBHOOK`; without it nothing is posted.

    Args:
        recipe: the resolved recipe as TOML text.
        status: what became of the steps; Kubeflow gives it.
        run: key of the parent run in MLflow; empty: `job`.
        job: id of the Kubeflow run.
    """
    from mtlser import stages
    from mtlser.recipe import load

    stages.report_outcome(
        load(recipe),
        run=run or job,
        state=status.state,
        pipeline=status.pipeline_job_resource_name,
        error=status.error_message or "",
    )
