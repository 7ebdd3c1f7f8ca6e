"""Component `report_outcome`: the exit handler, which runs whatever became of the steps."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def report_outcome(
    recipe: str, dag: str, status: dsl.PipelineTaskFinalStatus, told: dsl.Output[dsl.Artifact]
) -> None:
    """Close the MLflow runs that a failed step left open, and post the outcome to the webhook.

    The webhook's address is the variable `MTLSER_WEBHOOK`; without it nothing is posted. After a
    success the checkpoints of the run's steps are deleted.

    Args:
        recipe: the resolved recipe as TOML text.
        dag: name of the DAG.
        status: what became of the steps; Kubeflow gives it.
        told: folder of `outcome.json`, which says the same as the webhook.
    """
    from components import failures, surroundings
    from mtlser import stages
    from mtlser.recipe import load

    run = surroundings.run()
    state, failed = failures.of_run(run, status.state)
    stages.report_outcome(
        load(recipe),
        out=told.path,
        run=run,
        state=state,
        pipeline=f"{dag} {status.pipeline_job_resource_name}",
        error=status.error_message or "",
        work=surroundings.work(told.uri),
        failures=failed,
    )
