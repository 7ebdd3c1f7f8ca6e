"""Where a DAG's steps run: a profile and an image."""

from dataclasses import dataclass

from kfp import dsl
from kfp.components import BaseComponent

from components import IMAGE
from components.report_outcome.component import report_outcome
from pipeline.dags.profile import Profile


@dataclass(frozen=True)
class Place:
    """What every step of a DAG is given besides its inputs."""

    profile: Profile
    image: str = IMAGE
    versioned: bool = False
    """Whether `data_version` always names the release's content, so that a retraining needs not
    read an unchanged release anew."""

    def step(
        self, task: dsl.PipelineTask, *, cached: bool = True, looped: bool = False
    ) -> dsl.PipelineTask:
        """The task with its requests, environment, retries and image."""
        component = task.component_spec.name.replace("-", "_")
        self.profile.apply(task, component, cached=cached)
        if looped:
            for name, value in self.profile.loop_environment.items():
                task.set_env_variable(name, value)
        return task.set_container_image(self.image)

    def processes(self, component: str) -> int:
        """Processes that share one training: one a GPU."""
        return max(1, self.profile.of(component).gpus)

    def outcome(self, recipe: str, run: str) -> dsl.PipelineTask:
        """The exit handler's step."""
        task = report_outcome(recipe=recipe, **tracked(run))
        return self.step(task, cached=False)


def tracked(run: str) -> dict[str, str]:
    """What a step needs to find its parent run in MLflow."""
    return {"run": run, "job": dsl.PIPELINE_JOB_ID_PLACEHOLDER}


def guarded(
    place: Place,
    steps: BaseComponent,
    *,
    name: str,
    description: str,
    data_version: str = "digest of the release; ingest is cached on it and on the recipe",
    whose: str = "the resolved recipe",
) -> BaseComponent:
    """The steps of a DAG of one recipe, inside an exit handler that tells the outcome.

    Args:
        place: where the steps run.
        steps: the core.
        name: of the DAG.
        description: what Kubeflow's UI shows of it.
        data_version: what the parameter of that name is for.
        whose: whose recipe it is.
    """

    def dag(recipe: str, data_version: str = "", work: str = "", run: str = "") -> None:
        with dsl.ExitHandler(place.outcome(recipe, run), name="steps"):
            steps(recipe=recipe, data_version=data_version, work=work, run=run)

    # Kubeflow's UI shows these words; they are read from here.
    dag.__doc__ = f"""{description}.

    Args:
        recipe: {whose} as TOML text.
        data_version: {data_version}.
        work: folder or s3:// address shared by the steps that outlives a killed one.
        run: key of the parent run in MLflow; empty: the id of the Kubeflow run.
    """
    return dsl.pipeline(dag, name=name, description=description)
