"""Where a DAG's steps run: a profile and an image."""

from dataclasses import dataclass
from typing import Any

from kfp import dsl
from kfp.components import BaseComponent

from components import IMAGE
from components.prepare.component import prepare
from components.report_outcome.component import report_outcome
from components.surroundings import MOST_CELLS_VARIABLE
from pipeline.dags.profile import Profile

PIPELINE = "mtlser"
"""Name inside every compiled DAG: Kubeflow reuses a step only of pipelines of one name."""


@dataclass(frozen=True)
class Place:
    """What every step of a DAG is given besides its inputs."""

    profile: Profile
    image: str = IMAGE
    most_cells: int = 0
    """For which a run has room; 0: any number."""

    def step(
        self, task: dsl.PipelineTask, *, cached: bool = True, looped: bool = False
    ) -> dsl.PipelineTask:
        """The task with its requests, environment, retries and image."""
        component = task.component_spec.name.replace("-", "_")
        self.profile.apply(task, component, cached=cached)
        if self.most_cells and component == "search":
            task.set_env_variable(MOST_CELLS_VARIABLE, str(self.most_cells))
        if looped:
            for name, value in self.profile.loop_environment.items():
                task.set_env_variable(name, value)
        return task.set_container_image(self.image)

    def processes(self, component: str) -> int:
        """Processes that share one training: one a GPU."""
        return max(1, self.profile.of(component).gpus)

    def prepared(self, recipe: str) -> dict[str, Any]:
        """Outputs of the step that says what others get of a recipe."""
        return dict(self.step(prepare(recipe=recipe), cached=False).outputs)

    def outcome(self, recipe: str, dag: str) -> dsl.PipelineTask:
        """The exit handler's step."""
        return self.step(report_outcome(recipe=recipe, dag=dag), cached=False)


def guarded(
    place: Place,
    steps: BaseComponent,
    *,
    name: str,
    description: str,
    whose: str = "the resolved recipe",
) -> BaseComponent:
    """The steps of a DAG of one recipe, inside an exit handler that tells the outcome.

    Args:
        place: where the steps run.
        steps: the core.
        name: of the DAG.
        description: what Kubeflow's UI shows of it.
        whose: whose recipe it is.
    """

    def dag(recipe: str) -> None:
        with dsl.ExitHandler(place.outcome(recipe, name), name="steps"):
            steps(recipe=recipe)

    # Kubeflow's UI shows these words; they are read from here.
    dag.__doc__ = f"""{description}.

    Args:
        recipe: {whose} as TOML text.
    """
    return dsl.pipeline(dag, name=PIPELINE, description=description)
